//! A table of text, aligned for a terminal or as Markdown. The first column is of names, the others
//! are of numbers.

use std::fmt::Write as _;

/// Rows of cells below a header.
#[derive(Clone, Debug)]
pub(super) struct Table {
    header: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(super) fn new(header: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self { header: header.into_iter().map(Into::into).collect(), rows: Vec::new() }
    }

    /// Adds a row; cells that are missing are shown empty.
    pub(super) fn push(&mut self, row: Vec<String>) {
        self.rows.push(row);
    }

    /// With columns aligned by spaces.
    pub(super) fn text(&self) -> String {
        let lines = || std::iter::once(&self.header).chain(&self.rows);
        let widths: Vec<usize> = (0..self.header.len())
            .map(|column| lines().filter_map(|line| line.get(column)).map(|c| width(c)).max())
            .map(Option::unwrap_or_default)
            .collect();
        let mut text = String::new();
        for line in lines() {
            for (column, (cell, &wide)) in line.iter().zip(&widths).enumerate() {
                let space = " ".repeat(wide - width(cell));
                let padded =
                    if column == 0 { format!("{cell}{space}") } else { format!("  {space}{cell}") };
                text.push_str(&padded);
            }
            text.truncate(text.trim_end().len());
            text.push('\n');
        }
        text
    }

    /// As a Markdown table.
    pub(super) fn markdown(&self) -> String {
        let mut text = String::new();
        let mut line = |cells: &[String]| {
            writeln!(text, "| {} |", cells.join(" | ")).expect("a String takes any text");
        };
        line(&self.header);
        let numbers = self.header.len().saturating_sub(1);
        let rule: Vec<String> = std::iter::once("---".to_owned())
            .chain(std::iter::repeat_n("---:".to_owned(), numbers))
            .collect();
        line(&rule);
        for row in &self.rows {
            line(row);
        }
        text
    }
}

fn width(cell: &str) -> usize {
    cell.chars().count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let mut table = Table::new(["who", "µs"]);
        table.push(vec!["relay".to_owned(), "9.5".to_owned()]);
        table.push(vec!["x".to_owned(), "10".to_owned()]);
        table
    }

    #[test]
    fn a_terminal_gets_aligned_columns() {
        assert_eq!(table().text(), "who     µs\nrelay  9.5\nx       10\n");
    }

    #[test]
    fn markdown_gets_a_rule_below_the_header() {
        let expected = "| who | µs |\n| --- | ---: |\n| relay | 9.5 |\n| x | 10 |\n";
        assert_eq!(table().markdown(), expected);
    }
}
