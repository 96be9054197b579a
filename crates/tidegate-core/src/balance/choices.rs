//! The members of a pool that serve right now, and at what weight.
//!
//! Made from the members' shared state when that has changed, and read at each pick. A choice
//! holds its server's state by reference count, so that a scan over a thousand of them touches one
//! dense list and the load counters, not the configuration.

use std::sync::Arc;

use super::enlist::{Roster, enlist};
use super::plan::Plan;
use super::slow_start::Progress;
use crate::model::ids::ServerIndex;
use crate::model::server::{Member, ServerState};
use crate::time::Instant;

/// Those who may be picked.
#[derive(Debug, Default)]
pub(super) struct Choices {
    serving: Vec<Choice>,
    reserve: Vec<Choice>,
    /// For each member of the pool its place in `serving`, or [`NOWHERE`].
    places: Vec<u32>,
    any_ramping: bool,
    roster: Roster,
}

/// A server that may be picked.
#[derive(Clone, Debug)]
pub(super) struct Choice {
    /// Its place in the pool.
    pub(super) server: ServerIndex,
    /// Its weight times its progress in thousandths: 1 to 1,000,000.
    pub(super) weight: u32,
    /// How far it has ramped up, relative to the furthest choice.
    pub(super) progress: Progress,
    /// Its live load.
    pub(super) state: Arc<ServerState>,
}

/// The place of a member that is not serving.
const NOWHERE: u32 = u32::MAX;

impl Choices {
    /// Takes stock of `members` at `now`.
    pub(super) fn rebuild(&mut self, plan: &Plan, members: &[Member], now: Instant) {
        enlist(plan, members, &mut self.roster);
        let choice = |&server: &ServerIndex| {
            let state = &members[server.position()].state;
            Choice {
                server,
                weight: state.weight(),
                progress: Progress::of(state.joined(), plan.slow_start, now),
                state: Arc::clone(state),
            }
        };
        self.serving.clear();
        self.serving.extend(self.roster.serving.iter().map(choice));
        self.reserve.clear();
        self.reserve.extend(self.roster.reserve.iter().map(choice));
        self.any_ramping = self.serving.iter().any(|one| one.progress != Progress::DONE);
        self.weigh();
        self.place(members.len());
    }

    /// All of them, in the order of the pool.
    pub(super) fn all(&self) -> &[Choice] {
        &self.serving
    }

    /// Those to offer once all choices have been tried.
    pub(super) fn reserve(&self) -> &[Choice] {
        &self.reserve
    }

    /// The choice that `server` is, if it serves.
    pub(super) fn find(&self, server: ServerIndex) -> Option<&Choice> {
        self.place_of(server).map(|place| &self.serving[place])
    }

    /// The place of `server` among all choices, if it serves.
    pub(super) fn place_of(&self, server: ServerIndex) -> Option<usize> {
        let place = *self.places.get(server.position())? as usize;
        (place < self.serving.len()).then_some(place)
    }

    /// Whether some choice is in slow start, so that weights change with time.
    pub(super) fn any_ramping(&self) -> bool {
        self.any_ramping
    }

    /// The choice at `turn`, or the first one after it in the circle, that `accepts` approves.
    pub(super) fn first_from(
        &self,
        turn: usize,
        accepts: impl Fn(&Choice) -> bool,
    ) -> Option<&Choice> {
        let (before, after) = self.serving.split_at(turn.min(self.serving.len()));
        after.iter().chain(before).find(|choice| accepts(choice))
    }

    /// Applies slow start. Progress counts relative to the furthest: when all of a pool's servers
    /// join at once there is nobody to hold them back for.
    fn weigh(&mut self) {
        let furthest = self.serving.iter().map(|one| one.progress).max();
        let furthest = furthest.unwrap_or(Progress::DONE);
        for choice in &mut self.serving {
            choice.progress = choice.progress.relative_to(furthest);
            choice.weight *= choice.progress.thousandths();
        }
    }

    fn place(&mut self, members: usize) {
        self.places.clear();
        self.places.resize(members, NOWHERE);
        for (place, choice) in self.serving.iter().enumerate() {
            self.places[choice.server.position()] = u32::try_from(place).unwrap_or(NOWHERE);
        }
    }
}
