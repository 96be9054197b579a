//! Tables for people: columns without lines; on a terminal a bold heading, and a colour for what is
//! not well.

use std::fmt;

use comfy_table::{Cell, CellAlignment, Table, presets};
use serde_json::Value;

use crate::output;

const BOLD: &str = "\x1b[1m";
const RED: &str = "\x1b[31m";
const YELLOW: &str = "\x1b[33m";
const PLAIN: &str = "\x1b[0m";

/// How a row looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    /// All is well.
    Well,
    /// On its way to be well, or from there.
    Changing,
    /// Somebody should have a look.
    Bad,
}

impl Tone {
    /// The tone of a state, which is one of a few words.
    pub(crate) fn of(state: &str) -> Self {
        match state {
            "up" | "healthy" | "ready" | "serving" | "warm" => Self::Well,
            "requested" | "starting" | "checked" | "warming" | "draining" | "leaving"
            | "stopping" => Self::Changing,
            _ => Self::Bad,
        }
    }
}

/// A table. Each row is one line.
#[derive(Debug)]
pub(crate) struct Sheet {
    table: Table,
    tones: Vec<Tone>,
}

impl Sheet {
    /// A table whose columns bear these names.
    pub(crate) fn new(columns: &[&str]) -> Self {
        let mut table = Table::new();
        table.load_style(presets::NOTHING).set_header(columns.iter().copied());
        Self { table, tones: Vec::new() }
    }

    /// Adds a row.
    pub(crate) fn row(&mut self, tone: Tone, cells: impl IntoIterator<Item = Cell>) {
        self.table.add_row(cells.into_iter().collect::<Vec<_>>());
        self.tones.push(tone);
    }
}

impl fmt::Display for Sheet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let colourful = output::is_colourful();
        for (place, line) in self.table.lines().enumerate() {
            let tone = place.checked_sub(1).and_then(|row| self.tones.get(row));
            let colour = match (place, tone) {
                _ if !colourful => None,
                (0, _) => Some(BOLD),
                (_, Some(Tone::Bad)) => Some(RED),
                (_, Some(Tone::Changing)) => Some(YELLOW),
                _ => None,
            };
            let (line, end) = (line.trim_end(), if place == 0 { "" } else { "\n" });
            match colour {
                Some(colour) => write!(f, "{end}{colour}{line}{PLAIN}")?,
                None => write!(f, "{end}{line}")?,
            }
        }
        Ok(())
    }
}

/// A value as people write it; a dash for what is not known.
pub(crate) fn cell(value: &Value) -> Cell {
    match value {
        Value::Null => Cell::new("-"),
        // A row is one line, whatever a text holds.
        Value::String(text) => Cell::new(text.replace(char::is_control, " ")),
        Value::Number(_) => Cell::new(value).set_alignment(CellAlignment::Right),
        other => Cell::new(other),
    }
}

/// Nothing.
pub(crate) fn blank() -> Cell {
    Cell::new("")
}

/// Milliseconds.
pub(crate) fn millis(value: &Value) -> Cell {
    let text = value.as_f64().map_or_else(|| "-".to_owned(), |millis| format!("{millis:.1} ms"));
    Cell::new(text).set_alignment(CellAlignment::Right)
}

/// The items of a list; nothing else has any.
pub(crate) fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_row_is_one_line_whatever_it_holds() {
        let mut sheet = Sheet::new(&["NAME", "COUNT"]);
        sheet.row(Tone::Well, [cell(&json!("one\ntwo\x1b[2J")), cell(&json!(7))]);
        sheet.row(Tone::Bad, [cell(&Value::Null), millis(&json!(1.25))]);
        let text = sheet.to_string();
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        assert_eq!(lines.len(), 3, "{text}");
        assert!(lines[1].starts_with("one two [2J") && lines[1].ends_with('7'), "{text}");
        assert!(lines[2].starts_with('-') && lines[2].ends_with("1.2 ms"), "{text}");
    }
}
