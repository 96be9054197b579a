//! A picture of the demo so far: demand over time, and the capacity that it met.
//!
//! What is asked for is solid, capacity beyond it is shaded, and demand that finds no capacity is
//! red. Below the picture stand the acts of the script.

use std::fmt;

use tidegate_core::time::Duration;

use super::script::{RUSH, Script};
use crate::output;

/// Columns, of the whole demo, and rows.
const COLUMNS: usize = 70;
const ROWS: usize = 8;
/// Requests a second that a row stands for: the rush fills half of them.
const RATE_PER_ROW: usize = 2 * RUSH as usize / ROWS;
/// Parts of a cell, each with a character of its own.
const EIGHTHS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
const SPARE: char = '░';

const CYAN: &str = "\x1b[36m";
const RED: &str = "\x1b[31m";
const GREEN: &str = "\x1b[32m";
const PLAIN: &str = "\x1b[0m";

/// Demand and capacity over time.
#[derive(Clone, Debug)]
pub(super) struct Chart {
    columns: Vec<Column>,
    duration: Duration,
    marks: [(Duration, &'static str); 3],
}

/// Both at one time, in requests a second.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Column {
    demand: f64,
    capacity: f64,
}

impl Chart {
    pub(super) const fn new(script: &Script) -> Self {
        let marks =
            [(script.surge, "promotion"), (script.crash, "crash"), (script.calm, "it is over")];
        Self { columns: Vec::new(), duration: script.duration, marks }
    }

    /// Takes note of demand and capacity at a time.
    pub(super) fn note(&mut self, at: Duration, demand: f64, capacity: f64) {
        let place = self.place(at);
        let column = Column { demand, capacity };
        // Times at which nobody looked were like the time before.
        let before = self.columns.last().copied().unwrap_or(column);
        self.columns.resize(self.columns.len().max(place), before);
        match self.columns.get_mut(place) {
            Some(known) => known.capacity = capacity,
            None => self.columns.push(column),
        }
    }

    fn place(&self, at: Duration) -> usize {
        let place = at.as_nanos() * COLUMNS as u128 / self.duration.as_nanos().max(1);
        usize::try_from(place).unwrap_or(COLUMNS).min(COLUMNS - 1)
    }

    /// The acts, each below its time.
    fn legend(&self) -> String {
        let mut line = String::new();
        for (at, name) in self.marks {
            let place = self.place(at);
            line.extend(std::iter::repeat_n(' ', place.saturating_sub(line.chars().count())));
            line.push_str(&format!("↑ {name} "));
        }
        line
    }
}

/// The characters of a column in a row, counted from below, and how they look.
fn cell(column: Column, row: usize) -> (char, &'static str) {
    let height = RATE_PER_ROW as f64;
    let floor = height * row as f64;
    // Casts saturate.
    let part = |value: f64| (((value - floor) / height * 8.0).round().clamp(0.0, 8.0)) as usize;
    let (asked, able) = (part(column.demand), part(column.capacity));
    let is_short = column.demand > column.capacity && asked > able;
    match (asked, able) {
        (0, 4..) => (SPARE, GREEN),
        (0, _) => (EIGHTHS[0], PLAIN),
        _ if is_short => (EIGHTHS[asked], RED),
        _ => (EIGHTHS[asked], CYAN),
    }
}

impl fmt::Display for Chart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let colourful = output::is_colourful();
        for row in (0..ROWS).rev() {
            let rate = RATE_PER_ROW * (row + 1);
            write!(f, "{rate:>7} ┤")?;
            let mut worn = PLAIN;
            for column in &self.columns {
                let (shape, colour) = cell(*column, row);
                if colourful && colour != worn {
                    write!(f, "{colour}")?;
                    worn = colour;
                }
                write!(f, "{shape}")?;
            }
            writeln!(f, "{}", if worn == PLAIN { "" } else { PLAIN })?;
        }
        writeln!(f, "  req/s └{}", "─".repeat(COLUMNS))?;
        write!(f, "         {}", self.legend())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(notes: &[(u64, f64, f64)]) -> Chart {
        let mut chart = Chart::new(&Script::new(Duration::from_secs(70)));
        for &(second, demand, capacity) in notes {
            chart.note(Duration::from_secs(second), demand, capacity);
        }
        chart
    }

    #[test]
    fn each_time_has_its_column_and_gaps_are_like_the_time_before() {
        let chart = chart(&[(0, 100.0, 480.0), (3, 1000.0, 480.0), (99, 0.0, 480.0)]);
        let demands: Vec<f64> = chart.columns.iter().map(|column| column.demand).collect();
        assert_eq!(demands.len(), COLUMNS);
        assert_eq!(&demands[..5], &[100.0, 100.0, 100.0, 1000.0, 1000.0]);
        assert!(demands[COLUMNS - 1].abs() < 1e-9);
    }

    #[test]
    fn what_is_asked_beyond_capacity_is_red_and_capacity_beyond_it_is_spare() {
        let short = Column { demand: 1000.0, capacity: 500.0 };
        assert_eq!((cell(short, 0), cell(short, 3)), (('█', CYAN), ('█', RED)));
        let spare = Column { demand: 500.0, capacity: 1000.0 };
        assert_eq!((cell(spare, 1), cell(spare, 3)), (('█', CYAN), (SPARE, GREEN)));
        assert_eq!(cell(spare, ROWS - 1), (' ', PLAIN));
    }

    #[test]
    fn every_line_ends_where_its_columns_do() {
        let text = chart(&[(0, 100.0, 480.0), (69, 100.0, 480.0)]).to_string();
        assert_eq!(text.lines().count(), ROWS + 2);
        assert!(text.lines().all(|line| line.chars().count() <= COLUMNS + 9), "{text}");
    }
}
