//! More servers will not help: when what limits a pool lies behind it, growth is waste.
//!
//! A growth is a prediction. While demand is not met, so many more servers should serve so much
//! more of it. Once they have had time, what came of it is compared: two growths in a row that
//! brought less than three tenths of what was predicted mean that something else is the limit, a
//! database as a rule. Then the pool stays as it is until demand is met, or until it is time to try
//! again; after the first such growth it waits for the verdict on those under way. A growth ahead
//! of demand predicts nothing and is not judged.
//!
//! Until that has shown, growth is believed in as far as arrivals explain it: a server that has
//! become slow may be busy, or may wait for somebody else. More than that is tried one growth at a
//! time, and only while the promise is broken.
//!
//! What is compared is what servers answer, however late: under heavy overload all answers are
//! late, and yet each new server answers its share.

use std::collections::VecDeque;

use super::observed::Observed;
use crate::time::{Duration, Instant};

/// The share of the prediction below which a growth has failed.
const YIELD_MIN: f64 = 0.3;
/// Growths in a row that must fail.
const FAILURES: u32 = 2;
/// How long new servers have to show what they bring, once they are in rotation.
const SETTLE: Duration = Duration::from_secs(15);
/// A growth that has not arrived by then is not judged.
const ARRIVAL_MAX: Duration = Duration::from_secs(600);
/// After so long another growth is tried.
const RETRY: Duration = Duration::from_secs(600);
/// Demand is met while no more than this share of it goes unanswered or late.
const UNMET_MIN: f64 = 0.05;
/// The time constant of the averages that are compared.
const SMOOTHING: Duration = Duration::from_secs(5);
/// Growths that are judged at a time.
const TRIALS_MAX: usize = 8;

/// What is remembered of growths.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Memory {
    average: Option<Average>,
    trials: VecDeque<Trial>,
    failures: u32,
    /// Since when the pool is held.
    held: Option<Instant>,
}

/// Averages of demand, per second.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Average {
    arrivals: f64,
    served: f64,
    goodput: f64,
    at: Instant,
}

/// A growth that is being judged.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Trial {
    began: Instant,
    /// Servers that must be in rotation before anything can be said.
    servers: u32,
    /// The most that was served before they came.
    before: f64,
    /// How many more servers there are, of those before.
    share: f64,
    /// Since when they are in rotation.
    arrived: Option<Instant>,
}

impl Memory {
    /// Takes a measurement in, and judges what is due.
    pub fn observe(&mut self, observed: &Observed, now: Instant) {
        let Some(demand) = observed.demand else { return };
        let measured = Average {
            arrivals: demand.arrivals,
            served: demand.served,
            goodput: demand.goodput,
            at: now,
        };
        let average = self.average.map_or(measured, |before| before.toward(measured));
        self.average = Some(average);
        let rotation = observed.fleet.in_rotation();
        for trial in self.trials.iter_mut().filter(|trial| rotation < trial.servers) {
            // Demand may have grown together with the pool: what the servers of before make of it
            // is theirs.
            trial.before = trial.before.max(demand.served);
        }
        self.judge(average, rotation, now);
        let over = |since: Instant| average.unmet() <= 0.0 || now.since(since) >= RETRY;
        if self.held.is_some_and(over) {
            *self = Self { average: self.average, ..Self::default() };
        }
    }

    /// The pool is to grow from `before` servers to `after`.
    pub fn grown(&mut self, before: u32, after: u32, now: Instant) {
        let Some(average) = self.average else { return };
        if average.unmet() > 0.0 && average.served > 0.0 && self.trials.len() < TRIALS_MAX {
            let share = f64::from(after.saturating_sub(before)) / f64::from(before.max(1));
            let before = average.served;
            self.trials.push_back(Trial {
                began: now,
                servers: after,
                before,
                share,
                arrived: None,
            });
        }
    }

    /// Whether more servers will not help, or it is about to show that they do not.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.is_found() || (self.failures > 0 && !self.trials.is_empty())
    }

    /// Whether a growth that arrivals do not explain may be tried now.
    #[must_use]
    pub fn may_try(&self) -> bool {
        self.trials.is_empty() && self.average.is_some_and(|average| average.unmet() > 0.0)
    }

    /// Whether it has shown that more servers do not help.
    #[must_use]
    pub const fn is_found(&self) -> bool {
        self.held.is_some()
    }

    /// Judges the growths whose servers have had their time, oldest first.
    fn judge(&mut self, average: Average, in_rotation: u32, now: Instant) {
        for trial in &mut self.trials {
            if in_rotation >= trial.servers {
                trial.arrived.get_or_insert(now);
            }
        }
        let settled =
            |trial: &Trial| trial.arrived.is_some_and(|arrived| now.since(arrived) >= SETTLE);
        while let Some(trial) = self.trials.pop_front_if(|trial| settled(trial)) {
            let (gained, unmet) = (average.served - trial.before, average.unmet());
            // Their share of what was served, but no more than was asked for.
            let predicted = (trial.before * trial.share).min(unmet + gained.max(0.0));
            let failed = gained < predicted * YIELD_MIN && unmet > 0.0;
            self.failures = if failed { self.failures + 1 } else { 0 };
        }
        self.trials.retain(|trial| now.since(trial.began) < ARRIVAL_MAX);
        if self.failures >= FAILURES {
            self.held.get_or_insert(now);
        }
    }
}

impl Average {
    /// The average after one more measurement.
    fn toward(self, measured: Self) -> Self {
        let gap = measured.at.since(self.at).as_secs_f64();
        let weight = 1.0 - (-gap / SMOOTHING.as_secs_f64()).exp();
        let blend = |before: f64, value: f64| before + weight * (value - before);
        Self {
            arrivals: blend(self.arrivals, measured.arrivals),
            served: blend(self.served, measured.served),
            goodput: blend(self.goodput, measured.goodput),
            at: measured.at,
        }
    }

    /// Requests a second that are not answered within the promise; 0 while they are few.
    fn unmet(self) -> f64 {
        let unmet = self.arrivals - self.goodput;
        if unmet > self.arrivals * UNMET_MIN { unmet } else { 0.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::super::observed::{Demand, FleetCount, Load, Steering};
    use super::*;
    use crate::time::UnixTime;

    /// A pool whose servers answer 100 a second each, and a database behind it that answers
    /// `behind`; everything is late while demand exceeds what is served.
    struct Pool {
        memory: Memory,
        servers: u32,
        behind: f64,
        second: u64,
    }

    impl Pool {
        fn new(servers: u32, behind: f64) -> Self {
            Self { memory: Memory::default(), servers, behind, second: 0 }
        }

        fn run(&mut self, seconds: u64, arrivals: f64) {
            for _ in 0..seconds {
                let served = arrivals.min(f64::from(self.servers) * 100.0).min(self.behind);
                let goodput = if served < arrivals { 0.0 } else { served };
                let demand = Demand { arrivals, served, goodput, ..Demand::default() };
                let observed = Observed {
                    demand: Some(demand),
                    fleet: FleetCount { serving: self.servers, ..FleetCount::default() },
                    load: Load::default(),
                    startup: None,
                    quota: None,
                    steering: Steering::default(),
                    pledge: None,
                    at: UnixTime::default(),
                };
                self.second += 1;
                self.memory.observe(&observed, self.now());
            }
        }

        fn grow(&mut self, servers: u32) {
            let now = self.now();
            self.memory.grown(self.servers, servers, now);
            self.servers = servers;
        }

        fn now(&self) -> Instant {
            Instant::ZERO + Duration::from_secs(self.second)
        }
    }

    #[test]
    fn two_growths_that_bring_nothing_hold_the_pool() {
        let mut pool = Pool::new(6, 600.0);
        pool.run(30, 3000.0);
        pool.grow(12);
        pool.run(14, 3000.0);
        assert!(!pool.memory.holds(), "the new servers have their time");
        pool.run(2, 3000.0);
        assert!(!pool.memory.holds(), "one growth may fail by chance");
        pool.grow(24);
        assert!(pool.memory.holds() && !pool.memory.is_found(), "the verdict is awaited");
        pool.run(16, 3000.0);
        assert!(pool.memory.is_found());
    }

    #[test]
    fn a_pool_that_is_far_too_small_is_not_held_though_every_answer_is_late() {
        let mut pool = Pool::new(6, f64::INFINITY);
        pool.run(30, 12_000.0);
        for servers in [12, 24, 48, 96] {
            pool.grow(servers);
            pool.run(30, 12_000.0);
            assert!(!pool.memory.holds(), "{servers} servers answer twice as much");
        }
    }

    #[test]
    fn growth_ahead_of_demand_is_not_judged() {
        let mut pool = Pool::new(6, 600.0);
        pool.run(30, 300.0);
        for servers in [12, 24, 48] {
            pool.grow(servers);
            pool.run(30, 300.0);
        }
        assert!(!pool.memory.holds());
    }

    #[test]
    fn a_hold_ends_when_demand_is_met_or_after_a_while() {
        let held = || {
            let mut pool = Pool::new(6, 600.0);
            pool.run(30, 3000.0);
            for servers in [12, 24] {
                pool.grow(servers);
                pool.run(30, 3000.0);
            }
            assert!(pool.memory.is_found());
            pool
        };
        let mut met = held();
        met.run(30, 500.0);
        assert!(!met.memory.holds(), "demand is met");
        let mut patient = held();
        patient.run(600, 3000.0);
        assert!(!patient.memory.holds(), "it is tried again");
    }
}
