//! What the analysis says of a candidate, with the numbers that it says so by.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What the analysis says of a candidate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// The word.
    pub outcome: Outcome,
    /// The numbers it was found by.
    pub numbers: Vec<Number>,
}

/// The word of a verdict.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", tag = "is", content = "because")]
pub enum Outcome {
    /// Enough was seen, and the candidate is no worse than it may be.
    Pass,
    /// It cannot be said yet, for this reason.
    Hold(String),
    /// The candidate is worse than it may be, for this reason.
    Breach(String),
}

/// A number of a verdict.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Number {
    /// What it is: "candidate errors".
    pub name: String,
    /// The number.
    pub value: f64,
}

impl Verdict {
    /// A verdict without numbers.
    #[must_use]
    pub const fn plain(outcome: Outcome) -> Self {
        Self { outcome, numbers: Vec::new() }
    }

    /// Why the candidate is worse than it may be, if it is.
    #[must_use]
    pub fn breach(&self) -> Option<&str> {
        match &self.outcome {
            Outcome::Breach(why) => Some(why),
            Outcome::Pass | Outcome::Hold(_) => None,
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.outcome {
            Outcome::Pass => f.write_str("pass"),
            Outcome::Hold(why) => write!(f, "hold: {why}"),
            Outcome::Breach(why) => write!(f, "breach: {why}"),
        }?;
        for (place, Number { name, value }) in self.numbers.iter().enumerate() {
            write!(f, "{}{name} {value}", if place == 0 { " (" } else { ", " })?;
        }
        if self.numbers.is_empty() { Ok(()) } else { f.write_str(")") }
    }
}
