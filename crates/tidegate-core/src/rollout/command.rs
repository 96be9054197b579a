//! What people may want of a rollout, and why they do not get it.

use super::input::Hold;
use super::phase::Phase;

/// What a person wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// Begin a run.
    Start,
    /// Go on without waiting for time and for the judge. Capacity is waited for all the same.
    Promote(Reach),
    /// Take no step.
    Pause,
    /// Take steps again. After a breach: as if it had not been.
    Resume,
    /// End the run: all users are stable's.
    Abort,
    /// Take everything back to stable, also after the bake.
    Rollback(Urgency),
}

/// How far to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// To the next step.
    Next,
    /// To all users; in the bake: to its end.
    All,
}

/// Whether a way back may overload stable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Urgency {
    /// Once stable has capacity for everything.
    WhenAble,
    /// At once, whatever stable can serve.
    AtOnce,
}

/// Why a command is refused, and what would work.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum CommandError {
    /// A run is under way.
    #[error("a run is under way ({0}); `abort` ends it, and then another one can start")]
    UnderWay(Phase),
    /// No run is under way.
    #[error("no run is under way ({0}); `start` begins one")]
    NotUnderWay(Phase),
    /// It is over, and the candidate is what serves.
    #[error(
        "it is finished, and the candidate is what serves; let the configuration say so, and \
         define the way to the next candidate"
    )]
    Finished,
    /// It is paused.
    #[error("it is paused ({0}); `resume` lets it go on")]
    Paused(String),
    /// It is not paused.
    #[error("it is not paused")]
    NotPaused,
    /// Something stands in the way of any step.
    #[error("no step is taken now: {0}")]
    Held(Hold),
    /// The candidate is in breach.
    #[error("the candidate is in breach ({0}); `abort` takes its users back")]
    Breach(String),
    /// The candidate can never serve that much.
    #[error(
        "{needs:.0} % of demand are to be served, and the candidate can serve {most:.0} % with as \
         many servers as it may have; allow it more, or promote to a smaller share"
    )]
    TooSmall {
        /// What has to be served, in percent of all demand.
        needs: f64,
        /// What could be, at most.
        most: f64,
    },
    /// Everybody meets the candidate already.
    #[error("all users meet the candidate already; `promote` of all ends the bake early")]
    Baking,
    /// Stable is kept for a while.
    #[error("the bake is over; `promote` of all lets go what is kept of stable")]
    Keeping,
    /// The bake is over.
    #[error("the bake is over; `rollback` takes everything back to stable")]
    Baked,
    /// It is on its way back.
    #[error("it is on its way back to stable, and that is not turned round")]
    Returning,
    /// Stable can not take everything back.
    #[error(
        "stable could serve {most:.0} % of demand with as many servers as it may have; allow it \
         more, or roll back at once all the same"
    )]
    StableTooSmall {
        /// What it could serve, in percent of all demand.
        most: f64,
    },
}
