//! What the machine has to know of a verdict: the word, the reason in a sentence, and the numbers
//! as they are to be shown.

use serde::Serialize;
use serde_json::Value;

/// What the analysis says of a candidate.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Verdict {
    /// The word.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// The numbers it was found by, as the analysis writes them.
    pub numbers: Value,
}

/// The word of a verdict.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase", tag = "outcome", content = "because")]
pub enum Outcome {
    /// Enough was seen, and the candidate is no worse than it may be.
    Pass,
    /// It cannot be said yet, for this reason.
    Hold(String),
    /// The candidate is worse than it may be, for this reason.
    Breach(String),
}

impl Verdict {
    /// A verdict without numbers.
    #[must_use]
    pub const fn plain(outcome: Outcome) -> Self {
        Self { outcome, numbers: Value::Null }
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
