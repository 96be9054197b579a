//! What people ask of rollouts.

use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;
use tidegate_core::config::text::duration;
use tidegate_core::model::ids::{PoolName, RolloutName};
use tidegate_core::rollout::command::{Command, CommandError};
use tidegate_core::rollout::phase::Phase;
use tidegate_core::time::{Duration, UnixTime};

/// The longest that a freeze lasts.
pub const LAST_MAX: Duration = Duration::from_secs(30 * 86_400);

/// What somebody asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Order {
    /// Something of one rollout.
    Command(RolloutName, Command),
    /// No rollout takes a step, for so long.
    Freeze {
        /// For how long, at most [`LAST_MAX`].
        lasts: Duration,
    },
    /// Rollouts take steps again.
    Thaw,
}

impl fmt::Display for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Command(rollout, command) => write!(f, "rollout {rollout}: {command:?}"),
            Self::Freeze { lasts } => {
                write!(f, "no rollout takes a step for {}", duration::print(*lasts))
            }
            Self::Thaw => f.write_str("rollouts take steps again"),
        }
    }
}

/// Why an order is not taken.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum OrderError {
    /// There is no such rollout.
    #[error("there is no such rollout")]
    NoRollout,
    /// It makes no sense as things are.
    #[error("{0}")]
    Refused(CommandError),
    /// Another one has one of its pools.
    #[error(
        "pool {pool} is in rollout {rollout}, which is under way ({phase}): it starts once that \
         is over"
    )]
    Taken {
        /// The pool.
        pool: PoolName,
        /// The other rollout,
        rollout: RolloutName,
        /// and how far it is.
        phase: Phase,
    },
    /// Routes still name the pool that another one has replaced.
    #[error(
        "rollout {rollout} has finished, and routes to pool {pool} go to {candidate}: let them \
         name that one first"
    )]
    Unsaid {
        /// The other rollout,
        rollout: RolloutName,
        /// the pool that served,
        pool: PoolName,
        /// and the one that does.
        candidate: PoolName,
    },
    /// No route leads to its pool.
    #[error("no route of it leads to pool {0}: nobody would meet the candidate")]
    Nowhere(PoolName),
    /// It would last too long, or not at all.
    #[error("it has to last for more than nothing and at most 30 days")]
    Lasts,
    /// It could not be kept, and would not outlive a restart.
    #[error("it cannot be kept: {0}")]
    Kept(String),
    /// The balancer stops.
    #[error("the balancer is stopping")]
    Stopping,
}

/// Until when no rollout takes a step.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Freeze {
    until: u64,
    by: String,
}

impl Freeze {
    /// One that begins at `at`.
    pub(super) fn new(lasts: Duration, by: &str, at: UnixTime) -> Self {
        let lasts = u64::try_from(lasts.as_millis()).unwrap_or(u64::MAX);
        Self { until: at.as_millis().saturating_add(lasts), by: by.to_owned() }
    }

    /// What was kept; anything else than that is nothing.
    pub(super) fn parse(text: &[u8]) -> Option<Self> {
        serde_json::from_slice(text).ok()
    }

    /// What is to be kept.
    pub(super) fn print(&self) -> Vec<u8> {
        serde_json::to_vec_pretty(self).expect("a number and a string are JSON")
    }

    /// By whom and for how long yet, for people; `None`: it is over.
    pub(super) fn why(&self, at: UnixTime) -> Option<String> {
        let left = self.until.checked_sub(at.as_millis()).filter(|left| *left > 0)?;
        // Whole minutes, so that it is the same sentence for a while.
        Some(format!("by {}, for {} min yet", self.by, left.div_ceil(60_000)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_freeze_survives_being_kept_and_ends() {
        let at = |minutes: u64| UnixTime::from_millis(minutes * 60_000);
        let freeze = Freeze::new(Duration::from_secs(3600), "alice", at(5));
        assert_eq!(Freeze::parse(&freeze.print()), Some(freeze.clone()));
        assert_eq!(freeze.why(at(5)).as_deref(), Some("by alice, for 60 min yet"));
        assert_eq!(freeze.why(at(65)), None);
        assert_eq!(Freeze::parse(b"[]"), None);
    }
}
