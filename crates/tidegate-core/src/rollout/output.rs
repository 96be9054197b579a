//! What a rollout wants done.

use super::event::RolloutEvent;
use super::record::Record;

/// What the shell is to do, strictly in order.
#[derive(Clone, Debug, PartialEq)]
pub enum Output {
    /// Publish what `Machine::division` says now.
    Publish,
    /// Bring the record to the disk, in place of the one before, and say what came of it. One is
    /// out at a time.
    Record(Box<Record>),
    /// Have every server of the candidate answer the smoke checks, and say what came of it.
    Smoke {
        /// The run it is for, to be said again with the answer.
        run: u32,
    },
    /// The judge begins anew: what was seen so far does not count.
    Rejudge,
    /// Tell people.
    Told(RolloutEvent),
}
