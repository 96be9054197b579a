//! Measures of the user's own: a number for each version, asked for every so often.
//!
//! Nothing is known of how such a number strays, so one decides nothing. Above `max` it is a breach
//! when it was so three times in a row, unless stable's was too. Against stable's, each time is a
//! coin: a candidate that is no worse is worse by more than `worse_by` at most every other time.
//! That holds if each answer looks at a time of its own; a query over a longer time than `every`
//! sees the same trouble again and again.
//!
//! What is no number, or too old, neither speaks for the candidate nor against it, unless
//! `on_missing` says that it does.

use serde::{Deserialize, Serialize};

use super::evidence::{BETS, Evidence, Factors};
use crate::model::rollout::{CustomMeasure, OnMissing, Worse};
use crate::time::Instant;

/// So many times in a row a number has to exceed its limit.
const IN_A_ROW: u32 = 3;
/// After so many times `every` a number is too old, and a missing one is missed.
const PATIENCE: u32 = 3;
/// How often the candidate is worse, as each bet has it.
const OFTEN: [f64; BETS] = [0.7, 0.85, 0.95, 0.99];

/// What was answered when a measure was last asked for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reading {
    /// When that was.
    pub taken: Instant,
    /// The candidate's number.
    pub candidate: Option<f64>,
    /// Stable's. A query that does not tell versions apart has none.
    pub stable: Option<f64>,
}

/// What is kept of a measure.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Kept {
    /// How often in a row it exceeded its limit.
    exceeded: u32,
    pub(super) evidence: Evidence,
}

/// What a measure says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Said {
    /// Nothing against the candidate.
    Well,
    /// It exceeds its limit, and has not done so for long.
    Exceeds,
    /// It has exceeded its limit for long enough.
    Breach,
    /// Both versions exceed the limit.
    Shared,
    /// There is no number.
    Missing,
    /// There has been none for long, which counts as a breach.
    Missed,
}

/// A measure that is watched.
#[derive(Clone, Debug)]
pub(super) struct Watched {
    pub(super) settings: CustomMeasure,
    pub(super) kept: Kept,
    /// The last reading that was a number, and when it was taken or waited for.
    pub(super) usable: Option<Reading>,
    waiting_since: Option<Instant>,
}

impl Watched {
    pub(super) fn new(settings: &CustomMeasure, kept: Kept) -> Self {
        Self { settings: settings.clone(), kept, usable: None, waiting_since: None }
    }

    /// Takes in the last reading; `bar` is the logarithm that a breach takes.
    pub(super) fn look(&mut self, reading: Option<Reading>, now: Instant, bar: f64) -> Said {
        let patience = self.settings.every.saturating_mul(PATIENCE);
        let waited = now - *self.waiting_since.get_or_insert(now);
        let usable = reading.filter(|reading| now - reading.taken <= patience);
        let Some(reading) = usable.filter(|reading| self.is_usable(reading)) else {
            return match self.settings.on_missing {
                OnMissing::Ignore => Said::Well,
                OnMissing::Breach if waited > patience => Said::Missed,
                OnMissing::Hold | OnMissing::Breach => Said::Missing,
            };
        };
        if self.usable.is_none_or(|last| last.taken != reading.taken) {
            self.count(reading, bar);
        }
        self.usable = Some(reading);
        self.waiting_since = Some(reading.taken.max(self.waiting_since.unwrap_or(now)));
        self.beyond_max(reading)
    }

    fn is_usable(&self, reading: &Reading) -> bool {
        let is_number = |number: Option<f64>| number.is_some_and(f64::is_finite);
        let comparable = self.settings.worse_by.is_none() || is_number(reading.stable);
        is_number(reading.candidate) && comparable
    }

    /// A number that was not seen before.
    fn count(&mut self, reading: Reading, bar: f64) {
        if self.exceeds(reading.candidate) && !self.exceeds(reading.stable) {
            self.kept.exceeded = self.kept.exceeded.saturating_add(1);
        } else {
            self.kept.exceeded = 0;
        }
        if let Some(worse) = self.is_worse(reading) {
            let factors: Factors = OFTEN.map(|often| match worse {
                true => (2.0 * often).ln(),
                false => (2.0 * (1.0 - often)).ln(),
            });
            self.kept.evidence.add(factors, bar);
        }
    }

    fn beyond_max(&self, reading: Reading) -> Said {
        match (self.exceeds(reading.candidate), self.exceeds(reading.stable)) {
            (false, _) => Said::Well,
            (true, true) => Said::Shared,
            (true, false) if self.kept.exceeded >= IN_A_ROW => Said::Breach,
            (true, false) => Said::Exceeds,
        }
    }

    fn exceeds(&self, number: Option<f64>) -> bool {
        self.settings.max.zip(number).is_some_and(|(max, number)| number > max)
    }

    /// Whether the candidate is worse than stable by more than it may; `None` when they are not
    /// compared.
    fn is_worse(&self, reading: Reading) -> Option<bool> {
        let by = self.settings.worse_by?.value();
        let (candidate, stable) = (reading.candidate?, reading.stable?);
        let margin = by * stable.abs();
        Some(match self.settings.worse {
            Worse::Higher => candidate > stable + margin,
            Worse::Lower => candidate < stable - margin,
        })
    }
}
