//! Whether a server has so much more to do than others that sessions should leave it.
//!
//! Sessions that stay where they are keep a pool that grows from sharing its load: the new servers
//! get the users that are new, and the old ones keep what overwhelms them. So a session may leave
//! a server that bears more than its share, in two cases:
//!
//! - Servers *joined*, for the first time and a moment ago, and are given fewer requests than their
//!   share: those that are given more give sessions away, until the others have enough. One that
//!   comes back after a failure takes none: its users have found another, and stay there.
//! - The server is *overloaded*: it has more than [`FACTOR`] times its share of requests in flight
//!   and [`SLACK`] times the square root of it, the room that chance needs where there are few. Who
//!   leaves it goes to the emptiest, lest it have to leave that one as well.
//!
//! Who joined is judged by requests that begin: there are many even where they are answered so
//! fast that hardly one is ever in flight. Overload is judged by requests in flight: they show what
//! is slow, and what waits. Chance alone makes both unequal, and must move nobody; so either is the
//! average over [`MEMORY`].
//!
//! An average is late, and who acts on it at full tilt does too much. So an overloaded server has
//! to have more than its share in flight at this very moment as well. And to servers that joined
//! there go as many sessions as make up for [`PACE`] of what is missing: the less that is, the
//! fewer move, and what chance makes of an average for a moment moves next to none.
//!
//! The averages are taken by each core from the counters that all share, ten times a second at
//! most.

use super::choices::{Choice, Choices};
use crate::model::ids::ServerIndex;
use crate::model::server::ServerState;
use crate::telemetry::session::Moved;
use crate::time::{Duration, Instant};

/// What counts as overload, in shares.
const FACTOR: f64 = 1.25;
/// Room for chance.
const SLACK: f64 = 1.0;
/// How long a server that is new may take sessions from others, beyond its slow start.
const JOINS_FOR: Duration = Duration::from_secs(60);
/// What is enough for it, in shares.
const ENOUGH: f64 = 0.9;
/// The part of what is missing that the requests that move make up for.
const PACE: f64 = 0.5;
/// How long an average remembers.
const MEMORY: Duration = Duration::from_secs(5);
/// Between two looks at the counters.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// What a look at requests in flight counts for at most. A core that is asked now and then has few
/// looks, and has to average over so many of them nevertheless.
const GAP_MAX: Duration = Duration::from_millis(500);
/// A sequence of its multiples is even wherever it is cut (Weyl, "Über die Gleichverteilung von
/// Zahlen mod. Eins", 1916).
const GOLDEN: f64 = 0.618_033_988_749_895;

/// What the choices had to do lately.
#[derive(Debug)]
pub(super) struct Overload {
    /// How long a server is new.
    joins_for: Duration,
    /// The meter of each choice, in their order.
    meters: Vec<Meter>,
    /// Those that joined and have less than enough, each with what they miss up to there, in
    /// requests a second.
    joining: Vec<(f64, ServerIndex)>,
    /// The sums over all: averages, what they have in flight right now, and their weights.
    rate: f64,
    average: f64,
    current: f64,
    weight: f64,
    /// How much of what one has too much should move now.
    flow: f64,
    /// Parts of sessions that should have moved; when they make up a whole one, that one does.
    due: f64,
    /// Where in `joining` the next one goes, as a part of the whole.
    turn: f64,
    looked: Instant,
}

/// What one server had to do lately.
#[derive(Clone, Copy, Debug)]
struct Meter {
    server: ServerIndex,
    /// Its counter of requests begun, when last looked at.
    begun: u32,
    /// Requests begun a second, and requests in flight, on average.
    rate: f64,
    in_flight: f64,
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
    /// Of a pool whose servers start slowly for so long.
    pub(super) fn new(slow_start: Duration) -> Self {
        Self {
            joins_for: slow_start + JOINS_FOR,
            meters: Vec::new(),
            joining: Vec::new(),
            rate: 0.0,
            average: 0.0,
            current: 0.0,
            weight: 0.0,
            flow: 0.0,
            due: 0.0,
            turn: 0.0,
            looked: Instant::ZERO,
        }
    }

    /// Follows a change of the choices: those that stay keep their averages, and one that comes
    /// begins without any.
    pub(super) fn rebuild(&mut self, choices: &Choices, now: Instant) {
        let last = self.meters.iter().map(|meter| meter.server.position()).max();
        let mut before = vec![None; last.map_or(0, |last| last + 1)];
        for meter in self.meters.drain(..) {
            before[meter.server.position()] = Some(meter);
        }
        self.meters.extend(choices.all().iter().map(|choice| {
            choice.state.enter(now);
            let known = before.get(choice.server.position()).copied().flatten();
            known.unwrap_or_else(|| Meter::new(choice))
        }));
        self.add_up(choices, now);
    }

    /// Why a session should leave the choice at `place`, if it should.
    #[inline]
    pub(super) fn leave(&mut self, choices: &Choices, place: usize, now: Instant) -> Option<Leave> {
        if now >= self.looked + LOOK_EVERY {
            self.look(choices, now);
        }
        let (choice, meter) = (choices.all().get(place)?, *self.meters.get(place)?);
        let part = self.part(choice);
        if let Some(joined) = self.give(&meter, part) {
            return Some(Leave { why: Moved::Joined, towards: Some(joined) });
        }
        let share = self.average * part;
        let is_over = meter.in_flight > FACTOR * share + SLACK * (share + 1.0).sqrt()
            && in_flight(&choice.state) > self.current * part;
        is_over.then(|| Leave { why: Moved::Overloaded, towards: emptiest(choices) })
    }

    /// Which of the servers that joined is to have a session of this one, if it is time for one.
    fn give(&mut self, meter: &Meter, part: f64) -> Option<ServerIndex> {
        let (missing, _) = *self.joining.last()?;
        let spare = meter.rate - self.rate * part;
        if spare <= 0.0 {
            return None;
        }
        self.due += self.flow * spare / meter.rate;
        if self.due < 1.0 {
            return None;
        }
        self.due -= 1.0;
        self.turn = (self.turn + GOLDEN).fract();
        let place = self.joining.partition_point(|(end, _)| *end <= self.turn * missing);
        self.joining.get(place).map(|(_, server)| *server)
    }

    #[cold]
    fn look(&mut self, choices: &Choices, now: Instant) {
        let passed = now.since(self.looked);
        for (choice, meter) in choices.all().iter().zip(&mut self.meters) {
            meter.look(&choice.state, passed);
        }
        self.looked = now;
        self.add_up(choices, now);
    }

    fn add_up(&mut self, choices: &Choices, now: Instant) {
        self.rate = self.meters.iter().map(|meter| meter.rate).sum();
        self.average = self.meters.iter().map(|meter| meter.in_flight).sum();
        self.current = choices.all().iter().map(|choice| in_flight(&choice.state)).sum();
        self.weight = choices.all().iter().map(|choice| f64::from(choice.weight)).sum();
        self.joining.clear();
        let entered = |one: &Choice| one.state.entered();
        let is_new = |one: &Choice| entered(one).is_some_and(|at| now < at + self.joins_for);
        // Servers that all come at once have nobody to take from.
        if choices.all().iter().all(is_new) {
            return;
        }
        let (mut missing, mut spare) = (0.0, 0.0);
        for (choice, meter) in choices.all().iter().zip(&self.meters) {
            let share = self.rate * self.part(choice);
            spare += (meter.rate - share).max(0.0);
            if is_new(choice) && meter.rate < ENOUGH * share {
                missing += share - meter.rate;
                self.joining.push((missing, choice.server));
            }
        }
        // What all miss is what others have too much, so this is no more than the pace.
        self.flow = PACE * missing / spare;
    }

    /// The part of all that is the fair one for a choice.
    fn part(&self, choice: &Choice) -> f64 {
        f64::from(choice.weight) / self.weight
    }
}

impl Meter {
    fn new(choice: &Choice) -> Self {
        let begun = choice.state.begun();
        Self { server: choice.server, begun, rate: 0.0, in_flight: 0.0 }
    }

    /// Takes in what happened while `passed`.
    fn look(&mut self, state: &ServerState, passed: Duration) {
        let begun = state.begun();
        let rate = f64::from(begun.wrapping_sub(self.begun)) / passed.as_secs_f64();
        self.begun = begun;
        self.rate += fraction(passed) * (rate - self.rate);
        self.in_flight += fraction(passed.min(GAP_MAX)) * (in_flight(state) - self.in_flight);
    }
}

/// The one with the fewest requests in flight by weight.
#[cold]
fn emptiest(choices: &Choices) -> Option<ServerIndex> {
    let load = |one: &Choice| in_flight(&one.state) / f64::from(one.weight);
    let least = choices.all().iter().min_by(|one, other| load(one).total_cmp(&load(other)));
    least.map(|choice| choice.server)
}

/// What part of an average the last `passed` is.
fn fraction(passed: Duration) -> f64 {
    1.0 - (-passed.as_secs_f64() / MEMORY.as_secs_f64()).exp()
}

fn in_flight(state: &ServerState) -> f64 {
    f64::from(state.in_flight())
}
