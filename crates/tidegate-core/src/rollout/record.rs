//! What is kept of a rollout over a restart: a small JSON document.
//!
//! It is also what the machine has decided; what the machine knows beside it can be seen again. It
//! is read with suspicion: another version, another rollout, a share that does not belong to its
//! phase, more than could have been written, and it is refused as a whole. Who cannot read it must
//! not guess: the users of a candidate would change sides.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::phase::Phase;
use super::terms::{Contradiction, Terms};
use crate::model::ids::{PoolName, RolloutName};
use crate::model::rollout::{Rollout, Share};
use crate::time::UnixTime;

/// What is kept of a rollout.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// Which it is.
    pub rollout: RolloutName,
    /// What the run was begun with.
    pub terms: Terms,
    /// The number of the run; the first is 1.
    pub run: u32,
    /// What places users in this run.
    pub salt: u64,
    /// How far it has come,
    pub phase: Phase,
    /// since when,
    pub since: UnixTime,
    /// and when it was started.
    pub started: UnixTime,
    /// The share up to which a person let go of holds.
    pub promoted: Share,
    /// Why no step is taken, if so.
    pub paused: Option<Pause>,
    /// Why it was ended.
    pub ended: Option<String>,
    /// The verdict that ended or froze it.
    pub verdict: Option<Value>,
    /// What the judge goes on with.
    pub evidence: Option<Value>,
    /// Who did what, of late.
    pub acts: Vec<Act>,
}

/// Why no step is taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pause {
    /// Who paused it, and why.
    pub why: String,
    /// By what it came.
    pub cause: PauseCause,
}

/// By what a pause came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PauseCause {
    /// A person.
    Person,
    /// A breach.
    Breach,
}

/// Something that was done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Act {
    /// When, in milliseconds since 1970.
    pub at_ms: u64,
    /// By whom.
    pub by: String,
    /// What.
    pub what: String,
}

/// Why a record is not believed.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// It is no record.
    #[error("the record of a rollout cannot be read")]
    Malformed(#[source] serde_json::Error),
    /// It is larger than any that is written.
    #[error(
        "the record of a rollout has {0} bytes, and at most {max} are read",
        max = Record::BYTES_MAX
    )]
    Large(usize),
    /// It was written in another way.
    #[error("the record of a rollout has version {0}, and this release reads {VERSION}")]
    Version(u32),
    /// It is of another rollout.
    #[error("the record belongs to rollout {0:?}")]
    Foreign(String),
    /// It says what cannot be.
    #[error("the record of a rollout says {0:?} at {1} millionths, which cannot be")]
    Phase(String, u32),
    /// It holds a salt that is none.
    #[error("the record of a rollout holds {0:?}, which is no salt")]
    Salt(String),
}

/// The version that is written and read.
const VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    version: u32,
    rollout: String,
    pool: String,
    candidate: String,
    strategy: String,
    user: Vec<String>,
    run: u32,
    /// In hexadecimal digits: JSON has no 64-bit integers that everyone reads alike.
    salt: String,
    phase: String,
    share_millionths: u32,
    since_ms: u64,
    started_ms: u64,
    #[serde(default)]
    promoted_millionths: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    paused: Option<Pause>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ended: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    verdict: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    evidence: Option<Value>,
    #[serde(default)]
    acts: Vec<Act>,
}

impl Record {
    /// The largest document that is read.
    pub const BYTES_MAX: usize = 1 << 20;
    /// How many acts are kept.
    pub const ACTS_MAX: usize = 64;

    /// That of a rollout which nobody has started.
    #[must_use]
    pub fn blank(definition: &Rollout) -> Self {
        Self {
            rollout: definition.name.clone(),
            terms: Terms::of(definition),
            run: 0,
            salt: 0,
            phase: Phase::Idle,
            since: UnixTime::default(),
            started: UnixTime::default(),
            promoted: Share::NONE,
            paused: None,
            ended: None,
            verdict: None,
            evidence: None,
            acts: Vec::new(),
        }
    }

    /// Whether the rollout may be defined so from now on. What never ran, or was aborted, may
    /// become anything.
    ///
    /// # Errors
    /// When a run is under way that this would change, or has finished and this does not know it.
    pub fn admits(&self, definition: &Rollout) -> Result<(), Contradiction> {
        let terms = &self.terms;
        if self.phase.is_under_way() {
            let difference = terms.difference(&Terms::of(definition));
            return difference
                .map_or(Ok(()), |(key, was)| Err(Contradiction::UnderWay { key, was }));
        }
        let follows = terms.are_between(definition) || definition.pool == terms.candidate;
        if self.phase == Phase::Done && !follows {
            let (pool, candidate) = (terms.pool.clone(), terms.candidate.clone());
            return Err(Contradiction::Finished { pool, candidate });
        }
        Ok(())
    }

    /// Whether they say the same, but for what the judge goes on with.
    pub(super) fn decides_as(&self, other: &Self) -> bool {
        self.decisions() == other.decisions()
    }

    fn decisions(&self) -> impl PartialEq + '_ {
        let Self {
            rollout,
            terms,
            run,
            salt,
            phase,
            since,
            started,
            promoted,
            paused,
            ended,
            verdict,
            acts,
            evidence: _,
        } = self;
        let place = (rollout, terms, run, salt, phase, since);
        (place, (started, promoted, paused, ended, verdict, acts))
    }

    /// The document.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        let document = Document {
            version: VERSION,
            rollout: self.rollout.as_str().to_owned(),
            pool: self.terms.pool.as_str().to_owned(),
            candidate: self.terms.candidate.as_str().to_owned(),
            strategy: self.terms.strategy.clone(),
            user: self.terms.user.clone(),
            run: self.run,
            salt: format!("{:016x}", self.salt),
            phase: self.phase.as_str().to_owned(),
            share_millionths: self.phase.share().as_millionths(),
            since_ms: self.since.as_millis(),
            started_ms: self.started.as_millis(),
            promoted_millionths: self.promoted.as_millionths(),
            paused: self.paused.clone(),
            ended: self.ended.clone(),
            verdict: self.verdict.clone(),
            evidence: self.evidence.clone(),
            acts: self.acts.clone(),
        };
        serde_json::to_vec_pretty(&document).expect("strings and numbers have a JSON form")
    }

    /// Reads the document of this rollout.
    ///
    /// # Errors
    /// When it is anything else.
    pub fn from_json(rollout: &RolloutName, text: &[u8]) -> Result<Self, RecordError> {
        if text.len() > Self::BYTES_MAX {
            return Err(RecordError::Large(text.len()));
        }
        let document: Document = serde_json::from_slice(text).map_err(RecordError::Malformed)?;
        if document.version != VERSION {
            return Err(RecordError::Version(document.version));
        }
        if document.rollout != rollout.as_str() {
            return Err(RecordError::Foreign(document.rollout));
        }
        document.record()
    }
}

impl Document {
    fn record(self) -> Result<Record, RecordError> {
        let Some(phase) = self.phase() else {
            return Err(RecordError::Phase(self.phase, self.share_millionths));
        };
        let Ok(salt) = u64::from_str_radix(&self.salt, 16) else {
            return Err(RecordError::Salt(self.salt));
        };
        let dropped = self.acts.len().saturating_sub(Record::ACTS_MAX);
        Ok(Record {
            rollout: RolloutName::new(&self.rollout),
            terms: Terms {
                pool: PoolName::new(&self.pool),
                candidate: PoolName::new(&self.candidate),
                strategy: self.strategy,
                user: self.user,
            },
            run: self.run,
            salt,
            phase,
            since: UnixTime::from_millis(self.since_ms),
            started: UnixTime::from_millis(self.started_ms),
            promoted: Share::millionths(self.promoted_millionths),
            paused: self.paused.filter(|_| phase.is_open()),
            ended: self.ended,
            verdict: self.verdict,
            evidence: self.evidence,
            acts: self.acts.into_iter().skip(dropped).collect(),
        })
    }

    fn phase(&self) -> Option<Phase> {
        let share = Share::millionths(self.share_millionths);
        let is_share = share.as_millionths() == self.share_millionths;
        let ran = |phase: &Phase| self.run > 0 || *phase == Phase::Idle;
        Phase::parse(&self.phase, share).filter(ran).filter(|_| is_share)
    }
}
