//! Whether a server has so much more to do than others that sessions should leave it.
//!
//! Sessions that stay where they are keep a pool that grows from sharing its load: the new servers
//! get the users that are new, and the old ones keep what overwhelms them. So a session may leave
//! a server that bears more than its share, in two cases:
//!
//! - A server *joined*, for the first time and a moment ago, and has less than its share: it takes
//!   sessions from those that have more than theirs, until it has enough. One that comes back after
//!   a failure takes none: its users have found another, and stay there.
//! - The server is *overloaded*: it has more than [`FACTOR`] times its share and [`SLACK`] times
//!   the square root of it, the room that chance needs where there are few.
//!
//! Chance alone makes shares unequal, and must move nobody; so what a server has is the average of
//! its requests in flight over [`MEMORY`]. An average is late; so besides, a server that gives has
//! to have more than its share at this very moment, and one that takes less than its own. That
//! stops sessions from leaving when enough have left, rather than when the average shows it.
//!
//! The average is taken by each core from the counters that all share, ten times a second at most.

use super::choices::{Choice, Choices};
use crate::model::ids::ServerIndex;
use crate::telemetry::session::Moved;
use crate::time::{Duration, Instant};

/// What counts as overload, in shares.
const FACTOR: f64 = 1.25;
/// Room for chance.
const SLACK: f64 = 1.0;
/// How long a server that is new may take sessions from others.
const JOINS_FOR: Duration = Duration::from_secs(60);
/// What is enough for it, in shares.
const ENOUGH: f64 = 0.95;
/// How long an average remembers.
const MEMORY: Duration = Duration::from_secs(5);
/// Between two looks at the counters.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// What a look counts for at most. A core that is asked now and then has few looks, and has to
/// average over so many of them nevertheless.
const GAP_MAX: Duration = Duration::from_millis(500);

/// What the choices had to do lately.
#[derive(Debug, Default)]
pub(super) struct Overload {
    /// The average of each choice, in their order.
    averages: Vec<(ServerIndex, f64)>,
    /// The places of those that joined and have less than enough.
    joining: Vec<usize>,
    /// The averages of all, what they have in flight right now, and their weights.
    average: f64,
    current: f64,
    weight: f64,
    looked: Option<Instant>,
}

/// Why a session should leave its server, and for which other if for any in particular.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leave {
    /// Why.
    pub why: Moved,
    /// The server that is to have it; `None`: as the pool balances.
    pub towards: Option<ServerIndex>,
}

impl Overload {
    /// Follows a change of the choices: those that stay keep their average, and one that comes
    /// begins without any.
    pub(super) fn rebuild(&mut self, choices: &Choices, now: Instant) {
        let last = self.averages.iter().map(|(server, _)| server.position()).max();
        let mut before = vec![0.0; last.map_or(0, |last| last + 1)];
        for (server, average) in self.averages.drain(..) {
            before[server.position()] = average;
        }
        self.averages.extend(choices.all().iter().map(|choice| {
            choice.state.enter(now);
            let known = before.get(choice.server.position());
            (choice.server, known.copied().unwrap_or_default())
        }));
        self.add_up(choices, now);
    }

    /// Why a session should leave the choice at `place`, if it should.
    #[inline]
    pub(super) fn leave(&mut self, choices: &Choices, place: usize, now: Instant) -> Option<Leave> {
        if self.looked.is_none_or(|looked| now >= looked + LOOK_EVERY) {
            self.look(choices, now);
        }
        let choice = choices.all().get(place)?;
        let (_, average) = *self.averages.get(place)?;
        let part = self.part(choice);
        let share = self.average * part;
        if average <= share || in_flight(choice) <= self.current * part {
            return None;
        }
        if let Some(joined) = self.joined(choices) {
            return Some(Leave { why: Moved::Joined, towards: Some(joined) });
        }
        let is_over = average > FACTOR * share + SLACK * (share + 1.0).sqrt();
        is_over.then_some(Leave { why: Moved::Overloaded, towards: None })
    }

    /// The emptiest of those that joined and have less than their share at this moment.
    fn joined(&self, choices: &Choices) -> Option<ServerIndex> {
        let joining = self.joining.iter().filter_map(|place| choices.all().get(*place));
        let filled = |choice: &Choice| in_flight(choice) / (self.current * self.part(choice));
        let filled = joining.map(|choice| (filled(choice), choice.server));
        let emptiest = filled.filter(|(filled, _)| *filled < 1.0);
        emptiest.min_by(|(one, _), (other, _)| one.total_cmp(other)).map(|(_, server)| server)
    }

    #[cold]
    fn look(&mut self, choices: &Choices, now: Instant) {
        let passed = self.looked.map_or(LOOK_EVERY, |looked| now.since(looked)).min(GAP_MAX);
        let part = 1.0 - (-passed.as_secs_f64() / MEMORY.as_secs_f64()).exp();
        for (choice, (_, average)) in choices.all().iter().zip(&mut self.averages) {
            *average += part * (in_flight(choice) - *average);
        }
        self.looked = Some(now);
        self.add_up(choices, now);
    }

    fn add_up(&mut self, choices: &Choices, now: Instant) {
        self.average = self.averages.iter().map(|(_, average)| average).sum();
        self.current = choices.all().iter().map(in_flight).sum();
        self.weight = choices.all().iter().map(|choice| f64::from(choice.weight)).sum();
        self.joining.clear();
        let is_new = |one: &Choice| one.state.entered().is_some_and(|at| now < at + JOINS_FOR);
        // Servers that all come at once have nobody to take from.
        if choices.all().iter().all(is_new) {
            return;
        }
        for (place, choice) in choices.all().iter().enumerate() {
            let enough = ENOUGH * self.average * self.part(choice);
            if is_new(choice) && self.averages[place].1 < enough {
                self.joining.push(place);
            }
        }
    }

    /// The part of all that is the fair one for a choice.
    fn part(&self, choice: &Choice) -> f64 {
        f64::from(choice.weight) / self.weight
    }
}

fn in_flight(choice: &Choice) -> f64 {
    f64::from(choice.state.in_flight())
}
