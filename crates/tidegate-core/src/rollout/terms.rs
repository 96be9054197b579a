//! What may not change while a run is under way: between which pools it is, how users are told
//! apart, and how they go over. Everything else a reload may change; it holds from the next step.

use crate::model::ids::PoolName;
use crate::model::rollout::{Rollout, UserKey};

/// What a run was begun with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    /// The pool that serves.
    pub pool: PoolName,
    /// The pool that is to take over.
    pub candidate: PoolName,
    /// The word for how.
    pub strategy: String,
    /// By what users are told apart, as the configuration writes it.
    pub user: Vec<String>,
}

/// How a definition contradicts a run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Contradiction {
    /// It changes what a run that is under way was begun with.
    #[error("`{key}` was {was:?} when the run under way began; abort it first, or leave the key")]
    UnderWay {
        /// The key.
        key: &'static str,
        /// Its value when the run began.
        was: String,
    },
    /// It does not know that a run has finished.
    #[error(
        "it has finished, and {new:?} serves in the place of {old:?}: write `pool = {new:?}` \
         where {old:?} was meant",
        old = .pool.as_str(),
        new = .candidate.as_str()
    )]
    Finished {
        /// The pool that served.
        pool: PoolName,
        /// The pool that does.
        candidate: PoolName,
    },
}

impl Terms {
    /// What a run of this definition begins with.
    #[must_use]
    pub fn of(definition: &Rollout) -> Self {
        Self {
            pool: definition.pool.clone(),
            candidate: definition.candidate.clone(),
            strategy: definition.strategy.as_str().to_owned(),
            user: definition.user.iter().map(text).collect(),
        }
    }

    /// Whether they are between the same pools.
    pub(super) fn are_between(&self, definition: &Rollout) -> bool {
        self.pool == definition.pool && self.candidate == definition.candidate
    }

    /// The first key in which they differ, and its value here.
    pub(super) fn difference(&self, other: &Self) -> Option<(&'static str, String)> {
        let name = |pool: &PoolName| pool.as_str().to_owned();
        let keys = [
            ("pool", self.pool != other.pool, name(&self.pool)),
            ("candidate", self.candidate != other.candidate, name(&self.candidate)),
            ("strategy", self.strategy != other.strategy, self.strategy.clone()),
            ("user", self.user != other.user, self.user.join(", ")),
        ];
        keys.into_iter().find(|(_, differs, _)| *differs).map(|(key, _, was)| (key, was))
    }
}

fn text(key: &UserKey) -> String {
    match key {
        UserKey::Cookie(name) => format!("cookie:{name}"),
        UserKey::Header(name) => format!("header:{name}"),
        UserKey::Client => "client".to_owned(),
        UserKey::Assign => "assign".to_owned(),
    }
}
