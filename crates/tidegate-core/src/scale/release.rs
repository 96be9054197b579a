//! What a running rollout asks of the two pools that it is between.
//!
//! Two versions share one demand. Each is sized on what it gets itself; but what may come to either
//! is a part of what comes to both, so demand that moves from one to the other is no fall of demand
//! and no rise. Hence both planners foresee the demand of both pools, undivided, and a pool takes
//! its own part of that. Beside that stands what the rollout needs: stable is able to take all
//! users back until the bake ends, and the candidate is able to take those of its next step.
//!
//! `rollout` knows nothing of servers, and this nothing of steps. Whoever drives both says with an
//! [`Ask`] how far a rollout is, at each look makes [`pledges`] of it and of what is [`Known`] of
//! the two pools, and puts them into what the planners observe. From `plan::Memory::able` it gets
//! back how large a fraction of all demand so many servers can take, and from `Plan::strain` why no
//! step should be taken now.
//!
//! Not here: when a step is due, and who meets which version.

use super::capacity::Able;
use super::highest::Highest;
use super::observed::Observed;
use crate::model::ids::{PoolName, RolloutName};
use crate::model::ratio::Limit;
use crate::model::rollout::{Share, Side};
use crate::time::{Duration, Instant};

/// How far a rollout is, as far as servers are concerned.
#[derive(Clone, Debug, PartialEq)]
pub struct Ask {
    /// The rollout.
    pub rollout: RolloutName,
    /// The pool that serves.
    pub stable: PoolName,
    /// The pool that is to take over.
    pub candidate: PoolName,
    /// The share of users that the candidate has.
    pub share: Share,
    /// The fraction of all demand that it is to be able to take, where that is more: above one
    /// where a switch wants as much as stable has.
    pub next: f64,
    /// What stable keeps.
    pub keeps: Keeps,
    /// Instances of both pools together.
    pub max_total: Limit<u32>,
}

/// What stable keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keeps {
    /// Capacity for all demand, until the bake ends.
    All,
    /// So many servers, whatever its `min` is, and what is still asked of it.
    Servers(u32),
}

/// What is known of one of the two pools.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Known {
    /// Requests a second that come to it; `None`: unknown.
    pub arrivals: Option<f64>,
    /// Its servers in rotation.
    pub servers: u32,
    /// Its instances, there or planned.
    pub instances: u32,
    /// What one of its servers can do.
    pub able: Option<Able>,
}

/// What a rollout asks of one pool at one look.
#[derive(Clone, Debug, PartialEq)]
pub struct Pledge {
    /// The rollout.
    pub rollout: RolloutName,
    /// The side that the pool is on.
    pub side: Side,
    /// What it is to be able to do.
    pub wants: Wants,
    /// Requests a second that come to both pools; `None`: unknown.
    pub all: Option<f64>,
    /// What is known of stable: what a server of the candidate can do as well, until it has shown
    /// what it can.
    pub stable: Known,
    /// The instances that the pool may grow to; `None`: as many as it likes.
    pub most: Option<u32>,
}

/// What a pool is to be able to do.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Wants {
    /// To take so large a fraction of all demand, whatever comes to it now.
    Demand(f64),
    /// To rest: so many servers, even if that is below `min`, and what is still asked of it.
    Rest(u32),
}

/// What a rollout asks of stable and of the candidate.
#[must_use]
pub fn pledges(ask: &Ask, stable: &Known, candidate: &Known) -> (Pledge, Pledge) {
    let all = stable.arrivals.zip(candidate.arrivals).map(|(stable, new)| stable + new);
    // At the ceiling the side grows that users are on, and the other one waits.
    let waits = if ask.share < Share::ALL { Side::Candidate } else { Side::Stable };
    let pledge = |side: Side, wants: Wants, other: &Known| {
        let bound = ask.max_total.bound().filter(|_| side == waits);
        Pledge {
            rollout: ask.rollout.clone(),
            side,
            wants,
            all,
            stable: *stable,
            most: bound.map(|bound| bound.saturating_sub(other.instances)),
        }
    };
    let kept = match ask.keeps {
        Keeps::All => Wants::Demand(1.0),
        Keeps::Servers(servers) => Wants::Rest(servers),
    };
    let taken = Wants::Demand(ask.share.as_fraction().max(ask.next));
    (pledge(Side::Stable, kept, candidate), pledge(Side::Candidate, taken, stable))
}

impl Pledge {
    /// What it asks for, where so much demand is foreseen, for people.
    #[must_use]
    pub fn sentence(&self, foreseen: Option<f64>) -> String {
        let all = foreseen.map_or_else(String::new, |all| format!(": {all:.1} requests/s"));
        match (self.side, self.wants) {
            (_, Wants::Rest(servers)) => format!("at rest, {servers} stay"),
            (Side::Stable, _) => format!("stable keeps capacity for all traffic{all}"),
            (Side::Candidate, Wants::Demand(part)) => {
                let percent = (part * 1e6).round() / 1e4;
                format!("the candidate is to take {percent} % of all traffic{all}")
            }
        }
    }
}

/// The highest demand of so long counts, where no forecast says more.
const WHILE: Duration = Duration::from_secs(300);

/// What a planner remembers of releases.
#[derive(Clone, Debug, Default)]
pub(super) struct Memory {
    all: Highest,
    own: Highest,
    /// The highest demand of the last while.
    seen: Option<Seen>,
    is_pledged: bool,
    has_guessed: bool,
}

/// The highest demand of the last while, in requests a second.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen {
    /// Of both pools.
    pub(super) all: f64,
    /// Of the pool itself.
    pub(super) own: f64,
}

/// Whether a release has just ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// It has: what was held for it is up to the policy again.
    Ended,
    /// It has not.
    None,
}

impl Memory {
    /// Takes a look in.
    pub(super) fn observe(&mut self, observed: &Observed, now: Instant) -> Turn {
        let Some(pledge) = &observed.pledge else {
            let Self { is_pledged, .. } = std::mem::take(self);
            return if is_pledged { Turn::Ended } else { Turn::None };
        };
        self.is_pledged = true;
        if let (Some(all), Some(own)) = (pledge.all, observed.demand) {
            let all = self.all.highest(all, WHILE, now);
            let own = self.own.highest(own.arrivals, WHILE, now);
            self.seen = Some(Seen { all, own });
        }
        Turn::None
    }

    /// What a server of the candidate may be taken to be able to do; said once.
    pub(super) fn guess(&mut self, observed: &Observed) -> Option<Able> {
        let pledge = observed.pledge.as_ref().filter(|pledge| pledge.side == Side::Candidate)?;
        let able = pledge.stable.able.filter(|_| !self.has_guessed)?;
        self.has_guessed = true;
        Some(able)
    }

    /// The highest demand of the last while; `None`: unknown.
    pub(super) const fn seen(&self) -> Option<Seen> {
        self.seen
    }
}
