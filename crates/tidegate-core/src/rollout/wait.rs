//! What a step waits for.

use std::fmt;

use super::input::Hold;
use crate::time::Duration;

/// What a step waits for.
#[derive(Clone, Debug, PartialEq)]
pub enum Wait {
    /// For a person to resume it; who paused it, and why.
    Paused(String),
    /// For the record to be written; why it is not.
    Record(String),
    /// For somebody to look how things are.
    Look,
    /// For what stands in the way of any step.
    Held(Hold),
    /// For the end of a breach.
    Breach(String),
    /// For time to pass: so much is left.
    Time(Duration),
    /// For the judge, who cannot say yet.
    Verdict(String),
    /// For somebody to say what a version can serve.
    Measure,
    /// For capacity.
    Capacity {
        /// What has to be served, as a fraction of all demand.
        needs: f64,
        /// What can be.
        has: f64,
        /// What could be at most.
        most: f64,
        /// What keeps it from growing.
        ceiling: Option<u32>,
    },
    /// For the smoke checks.
    Smoke,
}

impl Wait {
    /// The word for it in the API.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Paused(_) => "paused",
            Self::Record(_) => "record",
            Self::Look => "look",
            Self::Held(Hold::Sale(_)) => "sale",
            Self::Held(Hold::Emergency(_)) => "emergency",
            Self::Held(Hold::Frozen(_)) => "frozen",
            Self::Held(Hold::Ceiling(_)) => "max-total",
            Self::Breach(_) => "breach",
            Self::Time(_) => "time",
            Self::Verdict(_) => "verdict",
            Self::Measure => "measure",
            Self::Capacity { .. } => "capacity",
            Self::Smoke => "smoke",
        }
    }

    /// Whether capacity is to be there for the next step all the same, as it may come any moment.
    pub(super) const fn is_short(&self) -> bool {
        matches!(
            self,
            Self::Record(_) | Self::Look | Self::Measure | Self::Capacity { .. } | Self::Smoke
        )
    }

    /// Whether somebody or something wants the candidate not to grow.
    pub(super) const fn is_wish(&self) -> bool {
        matches!(self, Self::Paused(_) | Self::Held(_) | Self::Breach(_))
    }
}

impl fmt::Display for Wait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Paused(why) => write!(f, "paused: {why}"),
            Self::Record(why) => write!(f, "the record is not on the disk: {why}"),
            Self::Look => f.write_str("nothing has been seen of late"),
            Self::Held(hold) => hold.fmt(f),
            Self::Breach(why) => write!(f, "the candidate is in breach: {why}"),
            Self::Time(left) => write!(f, "{} s of its time are left", left.as_secs()),
            Self::Verdict(why) => write!(f, "no verdict yet: {why}"),
            Self::Measure => f.write_str("it is not known what the servers can serve"),
            Self::Capacity { needs, has, most, ceiling } => {
                let [needs, has, most] = [needs, has, most].map(|part| part * 100.0);
                write!(
                    f,
                    "{needs:.0} % of demand are needed, and the servers can take {has:.0} %"
                )?;
                if most < needs {
                    write!(f, " ({most:.0} % with as many as there may be)")?;
                }
                match ceiling {
                    Some(most) => write!(f, "; max_total allows {most} instances"),
                    None => Ok(()),
                }
            }
            Self::Smoke => f.write_str("the smoke checks"),
        }
    }
}
