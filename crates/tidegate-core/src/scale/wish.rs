//! What one policy, schedule, rollout or person says a pool should have, and why.

use std::fmt;

use crate::model::ids::RolloutName;

/// A number of servers, and why.
#[derive(Clone, Debug, PartialEq)]
pub struct Wish {
    /// Servers in rotation: listed ones and instances.
    pub servers: u32,
    /// More instances, out of rotation.
    pub warm: u32,
    /// Whose wish it is.
    pub source: Source,
    /// The figures that led to it, for people: "412 requests/s at 38 each, margin 2".
    pub because: String,
}

/// Whose wish it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// The policy `slo`.
    Slo,
    /// The policy `target`, or a target that holds under every policy.
    Target,
    /// The policy `levels`.
    Levels,
    /// Demand that is foreseen.
    Forecast,
    /// A custom metric.
    Custom(String),
    /// A sale of the schedule.
    Schedule(String),
    /// A running rollout.
    Release(RolloutName),
    /// A person.
    Hand,
    /// Nobody: what is there stays.
    Hold,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Slo => f.write_str("slo"),
            Self::Target => f.write_str("target"),
            Self::Levels => f.write_str("levels"),
            Self::Forecast => f.write_str("forecast"),
            Self::Custom(name) | Self::Schedule(name) => f.write_str(name),
            Self::Release(name) => write!(f, "release {name}"),
            Self::Hand => f.write_str("by hand"),
            Self::Hold => f.write_str("hold"),
        }
    }
}
