//! What was measured, for people, for a document and for programs.

use anyhow::Result;
use serde::Serialize;
use serde_json::json;

use super::idle::IdleRow;
use super::plan::Point;
use super::rounds::Row;
use super::table::Table;

/// Everything measured in one run.
pub(super) struct Report {
    /// What it was measured on.
    pub(super) machine: String,
    pub(super) points: Vec<(Point, Measured)>,
}

/// The rows of one point.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub(super) enum Measured {
    Rows(Vec<Row>),
    Idle(Vec<IdleRow>),
}

/// One point for a terminal, with the complaints that came up.
pub(super) fn text(point: &Point, measured: &Measured) -> String {
    let table = match measured {
        Measured::Rows(rows) => {
            let mut table = rows_table("candidate", rows);
            rows.iter().for_each(|row| table.push(row_cells(row.candidate.clone(), row)));
            table
        }
        Measured::Idle(rows) => {
            let mut table = idle_table("candidate");
            rows.iter().for_each(|row| table.push(idle_cells(row.candidate.clone(), row)));
            table
        }
    };
    let mut text = format!("\n== {}\n{}", point.title(), table.text());
    if let Measured::Rows(rows) = measured {
        for row in rows {
            for complaint in &row.complaints {
                text += &format!("! {}: {complaint}\n", row.candidate);
            }
        }
    }
    text
}

impl Report {
    /// The tables of a document: one of loads, one of idle connections.
    pub(super) fn markdown(&self) -> String {
        let mut loads: Option<Table> = None;
        let mut idle: Option<Table> = None;
        for (point, measured) in &self.points {
            let title = |candidate: &str| format!("{}: {candidate}", point.title());
            match measured {
                Measured::Rows(rows) => {
                    let table = loads.get_or_insert_with(|| rows_table("load", rows));
                    rows.iter().for_each(|row| table.push(row_cells(title(&row.candidate), row)));
                }
                Measured::Idle(rows) => {
                    let table = idle.get_or_insert_with(|| idle_table("load"));
                    rows.iter().for_each(|row| table.push(idle_cells(title(&row.candidate), row)));
                }
            }
        }
        let facts: String = self.machine.lines().map(|fact| format!("- {fact}\n")).collect();
        let tables = loads.iter().chain(&idle).map(|table| format!("\n{}", table.markdown()));
        format!("\n{facts}{}", tables.collect::<String>())
    }

    /// Everything, for programs.
    ///
    /// # Errors
    /// Never in practice: all of it is numbers and text.
    pub(super) fn json(&self) -> Result<String> {
        let points = self
            .points
            .iter()
            .map(|(point, measured)| json!({ "point": point, "candidates": measured }))
            .collect::<Vec<_>>();
        let machine: Vec<&str> = self.machine.lines().collect();
        Ok(serde_json::to_string_pretty(&json!({ "machine": machine, "points": points }))?)
    }
}

fn rows_table(first: &str, rows: &[Row]) -> Table {
    let references = rows.first().map(|row| row.ratios.as_slice()).unwrap_or_default();
    let mut header = vec![first.to_owned(), "CPU µs/req".to_owned()];
    header.extend(references.iter().map(|ratio| format!("/ {}", ratio.to)));
    header.extend(
        ["user", "system", "busy", "calls/req", "req/s", "p50 µs", "p99 µs", "RSS MiB"]
            .map(str::to_owned),
    );
    Table::new(header)
}

fn row_cells(name: String, row: &Row) -> Vec<String> {
    let maybe = |value: Option<f64>, digits: usize| {
        value.map_or_else(|| "-".to_owned(), |value| format!("{value:.digits$}"))
    };
    let mut cells = vec![name, format!("{:.2}", row.cpu_us)];
    cells.extend(
        row.ratios
            .iter()
            .map(|ratio| format!("{:.2} ({:.2}..{:.2})", ratio.median, ratio.min, ratio.max)),
    );
    cells.extend([
        format!("{:.2}", row.user_us),
        format!("{:.2}", row.system_us),
        format!("{:.2}", row.busy),
        maybe(row.syscalls, 2),
        format!("{:.0}", row.requests_per_second),
        maybe(row.p50_us, 0),
        maybe(row.p99_us, 0),
        mebibytes(row.resident_kib),
    ]);
    cells
}

fn idle_table(first: &str) -> Table {
    Table::new([first, "RSS MiB before", "with them", "KiB a connection"])
}

fn idle_cells(name: String, row: &IdleRow) -> Vec<String> {
    vec![
        name,
        mebibytes(row.before_kib),
        mebibytes(row.after_kib),
        format!("{:.2}", row.bytes_per_connection / 1024.0),
    ]
}

fn mebibytes(kib: u64) -> String {
    format!("{:.1}", kib as f64 / 1024.0)
}

#[cfg(test)]
mod tests {
    use super::super::load::Load;
    use super::super::setting::Setting;
    use super::super::statistics::Ratio;
    use super::*;

    fn report() -> Report {
        let row = Row {
            candidate: "nginx".to_owned(),
            cpu_us: 12.345,
            user_us: 2.0,
            system_us: 10.345,
            ratios: Ratio::of("haproxy", &[1.0, 2.0], &[2.0, 2.0]).into_iter().collect(),
            requests_per_second: 50_000.4,
            busy: 0.617,
            syscalls: None,
            p50_us: Some(1020.4),
            p99_us: None,
            resident_kib: 2048,
            complaints: vec!["3 failed".to_owned()],
        };
        let idle = IdleRow {
            candidate: "nginx".to_owned(),
            before_kib: 1024,
            after_kib: 3072,
            bytes_per_connection: 2048.0,
        };
        let point = |load, path: &str| Point {
            load,
            path: path.to_owned(),
            connections: 64,
            setting: Setting::default(),
        };
        Report {
            machine: "one\ntwo".to_owned(),
            points: vec![
                (point(Load::Wrk, "/s/100"), Measured::Rows(vec![row])),
                (point(Load::Idle(1024), "/s/100"), Measured::Idle(vec![idle])),
            ],
        }
    }

    #[test]
    fn a_terminal_sees_rows_and_complaints() {
        let report = report();
        let text: String = report.points.iter().map(|(point, rows)| text(point, rows)).collect();
        for part in [
            "== 100 B, 64 connections\n",
            "nginx           12.35  0.75 (0.50..1.00)  2.00   10.35  0.62          -  50000",
            "! nginx: 3 failed\n",
            "== 1024 idle connections\n",
            "nginx                 1.0        3.0              2.00\n",
        ] {
            assert!(text.contains(part), "no {part:?} in\n{text}");
        }
    }

    #[test]
    fn a_document_gets_facts_and_a_table_a_kind() {
        let markdown = report().markdown();
        assert!(markdown.starts_with("\n- one\n- two\n\n| load | CPU µs/req | / haproxy |"));
        assert!(markdown.contains("\n| 100 B, 64 connections: nginx | 12.35 |"), "{markdown}");
        assert!(markdown.contains("\n| 1024 idle connections: nginx | 1.0 | 3.0 | 2.00 |\n"));
    }

    #[test]
    fn programs_get_every_number() {
        let json: serde_json::Value =
            serde_json::from_str(&report().json().expect("it is numbers and text"))
                .expect("it is JSON");
        assert_eq!(json["machine"][1], "two");
        assert_eq!(json["points"][0]["point"]["load"], "wrk");
        assert_eq!(json["points"][0]["candidates"][0]["ratios"][0]["to"], "haproxy");
        assert_eq!(json["points"][1]["point"]["load"]["idle"], 1024);
        assert_eq!(json["points"][1]["candidates"][0]["bytes_per_connection"], 2048.0);
    }
}
