//! What people are told of a rollout.

use std::fmt;

use super::wait::Wait;
use crate::model::rollout::Share;

/// What people are told of a rollout.
#[derive(Clone, Debug, PartialEq)]
pub enum RolloutEvent {
    /// A person started a run.
    Started {
        /// Its number,
        run: u32,
        /// and who did.
        by: String,
    },
    /// The candidate has a larger share from now on.
    Grew(Share),
    /// A step that is due waits for this.
    Waits(Wait),
    /// A person let go of the holds up to a share.
    Promoted {
        /// The share,
        to: Share,
        /// and who did.
        by: String,
    },
    /// A person paused it.
    Paused {
        /// Who did.
        by: String,
    },
    /// A person let it go on.
    Resumed {
        /// Who did.
        by: String,
    },
    /// The candidate is worse than it may be, and it is left to people what becomes of it.
    Breached {
        /// Why.
        why: String,
    },
    /// It no longer is.
    Recovered,
    /// The candidate is worse than it may be, and the share stays until somebody decides.
    Froze {
        /// Why.
        why: String,
    },
    /// The run was ended, and all users are stable's.
    Aborted {
        /// Why.
        why: String,
        /// The share before.
        from: Share,
    },
    /// Stable grows to take everything back.
    Returns {
        /// Who wants it so.
        by: String,
    },
    /// The bake is over: so many servers of stable stay for a while.
    Kept(u32),
    /// Stable is released.
    Finished,
    /// The configuration says by itself what it has done.
    Closed,
    /// The record cannot be written: no share grows.
    Unrecorded {
        /// Why.
        why: String,
    },
    /// It can again.
    RecordedAgain,
}

impl RolloutEvent {
    /// The word for it in the API.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Started { .. } => "started",
            Self::Grew(_) => "grew",
            Self::Waits(_) => "waits",
            Self::Promoted { .. } => "promoted",
            Self::Paused { .. } => "paused",
            Self::Resumed { .. } => "resumed",
            Self::Breached { .. } => "breached",
            Self::Recovered => "recovered",
            Self::Froze { .. } => "froze",
            Self::Aborted { .. } => "aborted",
            Self::Returns { .. } => "returns",
            Self::Kept(_) => "kept",
            Self::Finished => "finished",
            Self::Closed => "closed",
            Self::Unrecorded { .. } => "unrecorded",
            Self::RecordedAgain => "recorded-again",
        }
    }

    /// Whether it is trouble, which somebody should look at.
    #[must_use]
    pub const fn is_trouble(&self) -> bool {
        matches!(
            self,
            Self::Breached { .. }
                | Self::Froze { .. }
                | Self::Aborted { .. }
                | Self::Unrecorded { .. }
        )
    }
}

impl fmt::Display for RolloutEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Started { run, by } => write!(f, "run {run} started by {by}"),
            Self::Grew(share) => write!(f, "the candidate has {} % of users", share.as_percent()),
            Self::Waits(wait) => write!(f, "the next step waits: {wait}"),
            Self::Promoted { to, by } => write!(f, "promoted to {} % by {by}", to.as_percent()),
            Self::Paused { by } => write!(f, "paused by {by}"),
            Self::Resumed { by } => write!(f, "resumed by {by}"),
            Self::Breached { why } => write!(f, "the candidate is in breach: {why}"),
            Self::Recovered => f.write_str("the candidate is in breach no more"),
            Self::Froze { why } => write!(f, "frozen until somebody decides: {why}"),
            Self::Aborted { why, from } => {
                write!(f, "aborted, from {} % to 0 %: {why}", from.as_percent())
            }
            Self::Returns { by } => write!(f, "stable grows to take everything back, for {by}"),
            Self::Kept(servers) => write!(f, "the bake is over; stable keeps {servers} servers"),
            Self::Finished => f.write_str("finished; stable is released"),
            Self::Closed => {
                f.write_str("closed: routes name the candidate by themselves; it may run again")
            }
            Self::Unrecorded { why } => {
                write!(f, "the record cannot be written, and no share grows: {why}")
            }
            Self::RecordedAgain => f.write_str("the record can be written again"),
        }
    }
}
