//! Whether a server has so much more to do than the others that sessions should leave it.
//!
//! Sessions that stay where they are keep a pool that grows from sharing its load: the new servers
//! get the users that are new, and the old ones keep what overwhelms them. So a session may leave
//! a server that bears more than its share. Chance alone makes shares unequal, and must move
//! nobody. Two conditions have to hold:
//!
//! - *Lasting*: averaged over [`MEMORY`], the server has more requests in flight than
//!   [`FACTOR`] times its share by weight and [`SLACK`] times the square root of it, the room that
//!   chance needs where there are few.
//! - *Now*: it has more than its share at this moment. An average is late; this stops the sessions
//!   from leaving as soon as enough have left, rather than when the average shows it.
//!
//! The average is taken by each core from the counters that all share, ten times a second at most.

use super::choices::{Choice, Choices};
use crate::model::ids::ServerIndex;
use crate::time::{Duration, Instant};

/// What counts as far more than a share.
const FACTOR: f64 = 1.25;
/// Room for chance.
const SLACK: f64 = 1.0;
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
    /// The averages of all, and their weights.
    sum: f64,
    weight: f64,
    /// What they have in flight right now.
    current: f64,
    looked: Option<Instant>,
}

impl Overload {
    /// Follows a change of the choices: those that stay keep their average, and one that comes
    /// begins without any.
    pub(super) fn rebuild(&mut self, choices: &Choices) {
        let last = self.averages.iter().map(|(server, _)| server.position()).max();
        let mut before = vec![0.0; last.map_or(0, |last| last + 1)];
        for (server, average) in self.averages.drain(..) {
            before[server.position()] = average;
        }
        self.averages.extend(choices.all().iter().map(|choice| {
            let known = before.get(choice.server.position());
            (choice.server, known.copied().unwrap_or_default())
        }));
        self.add_up(choices);
    }

    /// To be called before [`Overload::is_over`].
    #[inline]
    pub(super) fn follow(&mut self, choices: &Choices, now: Instant) {
        if self.looked.is_none_or(|looked| now >= looked + LOOK_EVERY) {
            self.look(choices, now);
        }
    }

    #[cold]
    fn look(&mut self, choices: &Choices, now: Instant) {
        let passed = self.looked.map_or(LOOK_EVERY, |looked| now.since(looked)).min(GAP_MAX);
        let part = 1.0 - (-passed.as_secs_f64() / MEMORY.as_secs_f64()).exp();
        for (choice, (_, average)) in choices.all().iter().zip(&mut self.averages) {
            *average += part * (f64::from(choice.state.in_flight()) - *average);
        }
        self.looked = Some(now);
        self.add_up(choices);
    }

    fn add_up(&mut self, choices: &Choices) {
        self.sum = self.averages.iter().map(|(_, average)| average).sum();
        self.weight = choices.all().iter().map(|choice| f64::from(choice.weight)).sum();
        self.current = choices.all().iter().map(|one| f64::from(one.state.in_flight())).sum();
    }

    /// Whether a session should leave the choice at `place`.
    #[inline]
    pub(super) fn is_over(&self, choice: &Choice, place: usize) -> bool {
        let Some((_, average)) = self.averages.get(place) else { return false };
        let part = f64::from(choice.weight) / self.weight;
        let share = self.sum * part;
        *average > FACTOR * share + SLACK * (share + 1.0).sqrt()
            && f64::from(choice.state.in_flight()) > self.current * part
    }
}
