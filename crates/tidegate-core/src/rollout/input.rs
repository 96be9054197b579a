//! What a rollout hears.

use std::fmt;

use serde_json::Value;

use super::capacity::Capacities;
use super::verdict::Verdict;

/// What a rollout hears.
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    /// How things are; once a second while a run is under way.
    Look(Look),
    /// What the judge has to know to go on after a restart. It is kept with the record, now and
    /// then.
    Evidence(Value),
    /// What came of a Record: why it could not be written, if it could not.
    Recorded(Result<(), String>),
    /// What came of a Smoke.
    Smoked {
        /// The run it was asked for.
        run: u32,
        /// Which server failed and how, if one did.
        result: Result<(), String>,
    },
}

/// How things are.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Look {
    /// What the judge says of the share that users meet now. Where that is all of them, there is
    /// nothing to compare with, and that stable is silent is no reason to hold. `None`: nothing is
    /// watched, or nothing was judged yet.
    pub verdict: Option<Verdict>,
    /// What both versions can serve.
    pub capacity: Capacities,
    /// What stands in the way of any step.
    pub held: Vec<Hold>,
}

/// What stands in the way of any step, whatever the candidate does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hold {
    /// A sale during which no step is taken.
    Sale(String),
    /// The autoscaler of this pool acts in an emergency.
    Emergency(String),
    /// A person has frozen all rollouts: who, and why or until when.
    Frozen(String),
    /// As many instances of both versions as there may be. It holds a step only if the candidate
    /// would need more of them.
    Ceiling(u32),
}

impl fmt::Display for Hold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sale(name) => write!(f, "the sale {name} is on"),
            Self::Emergency(pool) => write!(f, "pool {pool} is in an emergency"),
            Self::Frozen(why) => write!(f, "rollouts are frozen: {why}"),
            Self::Ceiling(most) => {
                write!(f, "both versions have the {most} instances of max_total")
            }
        }
    }
}
