//! What is known to be on the disk, and what users may meet by it.
//!
//! Users meet the smaller of two shares: the one that was decided, and the one that is on the disk
//! for the same run. So a share that grows takes effect once it is written, and one that shrinks
//! does at once. A write that failed may have come through all the same; until the next one
//! succeeds the share of the last that did is what counts.

use super::moment::Moment;
use super::record::Record;
use crate::model::rollout::Share;
use crate::time::{Duration, Instant};

/// What is known to be on the disk.
#[derive(Clone, Debug)]
pub(super) struct Disk {
    durable: Record,
    /// What is being written.
    writing: Option<Record>,
    /// Why the last write failed.
    pub(super) failure: Option<String>,
    /// When to try again, after one that failed.
    again: Instant,
    /// When the evidence was written last.
    evidence: Instant,
}

/// What became of a write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// It went as the one before.
    Same,
    /// It failed for the first time, for this reason.
    Failed(String),
    /// It succeeded for the first time.
    Recovered,
}

impl Disk {
    /// After how long a write that failed is tried again.
    const AGAIN: Duration = Duration::from_secs(5);
    /// How often the evidence alone is written.
    const EVIDENCE_EVERY: Duration = Duration::from_secs(15);

    pub(super) const fn new(durable: Record, now: Instant) -> Self {
        Self { durable, writing: None, failure: None, again: now, evidence: now }
    }

    /// The share of this run that is on the disk.
    pub(super) fn share(&self, run: u32) -> Share {
        if self.durable.run == run { self.durable.phase.share() } else { Share::NONE }
    }

    /// Whether everything that was decided is on the disk.
    pub(super) fn holds(&self, decided: &Record) -> bool {
        decided.run == 0
            || self.writing.is_none() && self.failure.is_none() && self.durable.decides_as(decided)
    }

    /// Whether the record is to be written now.
    pub(super) fn is_due(&self, decided: &Record, now: Instant) -> bool {
        let is_waiting = self.failure.is_some() && now < self.again;
        // Nothing is kept of what nobody has started.
        if decided.run == 0 || self.writing.is_some() || is_waiting {
            return false;
        }
        let is_late = now.since(self.evidence) >= Self::EVIDENCE_EVERY;
        !self.holds(decided) || (is_late && self.durable.evidence != decided.evidence)
    }

    /// It is.
    pub(super) fn write(&mut self, decided: &Record, now: Instant) -> Record {
        self.evidence = now;
        self.writing = Some(decided.clone());
        decided.clone()
    }

    /// What came of it. An answer that nobody waits for changes nothing.
    pub(super) fn written(&mut self, result: Result<(), String>, moment: Moment) -> Turn {
        let Some(written) = self.writing.take() else { return Turn::Same };
        match result {
            Ok(()) => {
                self.durable = written;
                if self.failure.take().is_some() { Turn::Recovered } else { Turn::Same }
            }
            Err(why) => {
                self.again = moment.now + Self::AGAIN;
                let before = self.failure.replace(why.clone());
                if before.is_none() { Turn::Failed(why) } else { Turn::Same }
            }
        }
    }

    /// When time may change something.
    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        (self.failure.is_some() && self.writing.is_none()).then_some(self.again)
    }
}
