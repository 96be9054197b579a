//! From what is counted to what is asked for: demand between two looks at a pool.
//!
//! Counters only grow; a look at them is a `Reading`, and two of them make a `Demand`. After a
//! start there is no earlier reading, and demand is unknown, not zero.

use std::collections::BTreeMap;

use super::observed::{Demand, Sample, Service};
use crate::model::server::ServerId;
use crate::telemetry::histogram::HistogramTotals;
use crate::time::{Duration, Instant};

/// What is counted of a pool at one moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reading {
    /// Requests that came to it, since the start of the process.
    pub arrivals: u64,
    /// Requests that work is done on.
    pub in_flight: u64,
    /// Its servers.
    pub servers: BTreeMap<ServerId, ServerReading>,
}

/// What is counted of a server at one moment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ServerReading {
    /// Tries that failed on it.
    pub failures: u64,
    /// How long tries took.
    pub duration: HistogramTotals,
    /// Whether what it does says what a server can do.
    pub sample: Sample,
}

/// Remembers the last look.
#[derive(Clone, Debug, Default)]
pub struct Meter {
    last: Option<(Reading, Instant)>,
}

impl Meter {
    /// The demand since the last look, where responses within `latency` keep the promise; `None` at
    /// the first look, and when no time has passed.
    pub fn take(&mut self, reading: Reading, latency: Duration, now: Instant) -> Option<Demand> {
        let (before, then) = self.last.replace((reading, now))?;
        let (reading, _) = self.last.as_ref()?;
        let seconds = now.since(then).as_secs_f64();
        if seconds <= 0.0 {
            return None;
        }
        let since = Since::of(&before, reading);
        let count = since.duration.count() as f64;
        let served = (count - since.failures as f64).max(0.0);
        Some(Demand {
            arrivals: reading.arrivals.saturating_sub(before.arrivals) as f64 / seconds,
            served: served / seconds,
            goodput: served.min(since.duration.within(latency)) / seconds,
            in_flight: (before.in_flight + reading.in_flight) as f64 / 2.0,
            queued: 0.0,
            service: since.service(),
            sample: since.sample,
        })
    }
}

/// A server of whose tries a larger share fails does not show how long work takes: it may fail at
/// once, and would make the pool look able to do more.
const FAILING: f64 = 0.1;

/// A pool of whose tries a larger share fails does not show what its servers can do. Some request
/// always fails: a pool that learned nothing from looks with one would never learn.
const TRICKLE: f64 = 0.01;

/// What servers did between two looks.
struct Since {
    failures: u64,
    duration: HistogramTotals,
    /// The same, of those that do not fail.
    sound: HistogramTotals,
    sample: Sample,
}

impl Since {
    /// A server that was not there before is counted from its first request on.
    fn of(before: &Reading, after: &Reading) -> Self {
        let (duration, sound) = (HistogramTotals::default(), HistogramTotals::default());
        let mut since = Self { failures: 0, duration, sound, sample: Sample::Fair };
        for (id, server) in &after.servers {
            let earlier = before.servers.get(id);
            let failures = earlier.map_or(0, |earlier| earlier.failures);
            let duration = earlier.map_or_else(HistogramTotals::default, |known| known.duration);
            let failures = server.failures.saturating_sub(failures);
            let duration = server.duration.since(&duration);
            since.failures += failures;
            since.duration.add(&duration);
            if failures as f64 <= duration.count() as f64 * FAILING {
                since.sound.add(&duration);
            }
            if server.sample == Sample::Disturbed {
                since.sample = Sample::Disturbed;
            }
        }
        let is_failing = since.failures as f64 > since.duration.count() as f64 * TRICKLE;
        if is_failing || before.servers.len() != after.servers.len() {
            since.sample = Sample::Disturbed;
        }
        since
    }

    fn service(&self) -> Option<Service> {
        let variation = self.sound.variation()?;
        Some(Service { mean: self.sound.sum_seconds() / self.sound.count() as f64, variation })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::histogram::Histogram;

    const LATENCY: Duration = Duration::from_millis(500);

    fn at(seconds: u64) -> Instant {
        Instant::ZERO + Duration::from_secs(seconds)
    }

    fn server(durations: &[(u64, usize)], failures: u64) -> ServerReading {
        let histogram = Histogram::default();
        for &(millis, count) in durations {
            (0..count).for_each(|_| histogram.observe(Duration::from_millis(millis)));
        }
        ServerReading { failures, duration: histogram.totals(), sample: Sample::Fair }
    }

    fn reading(arrivals: u64, servers: &[ServerReading]) -> Reading {
        let servers = servers.iter().enumerate();
        let servers = servers.map(|(n, server)| (ServerId(n as u64), *server)).collect();
        Reading { arrivals, in_flight: 4, servers }
    }

    #[test]
    fn the_first_look_knows_nothing() {
        let mut meter = Meter::default();
        assert_eq!(meter.take(reading(900, &[]), LATENCY, at(1)), None);
        let demand = meter.take(reading(1100, &[]), LATENCY, at(3)).expect("two looks");
        assert_eq!((demand.arrivals, demand.served, demand.service), (100.0, 0.0, None));
    }

    #[test]
    fn demand_is_what_was_counted_between_two_looks() {
        let mut meter = Meter::default();
        meter.take(reading(0, &[server(&[(15, 10)], 0)]), LATENCY, at(0));
        let later = [server(&[(15, 90), (700, 10)], 0)];
        let demand = meter.take(reading(120, &later), LATENCY, at(2)).expect("two looks");
        assert_eq!((demand.arrivals, demand.served, demand.goodput), (60.0, 45.0, 40.0));
        assert_eq!((demand.in_flight, demand.sample), (4.0, Sample::Fair));
        let service = demand.service.expect("something was answered");
        assert!((service.mean - (80.0 * 0.015 + 10.0 * 0.7) / 90.0).abs() < 1e-9);
        assert!(service.variation > 1.0, "{service:?}");
    }

    #[test]
    fn a_server_that_fails_fast_does_not_make_work_look_short() {
        let mut meter = Meter::default();
        meter.take(reading(0, &[server(&[], 0), server(&[], 0)]), LATENCY, at(0));
        let both = [server(&[(100, 50)], 1), server(&[(1, 950)], 950)];
        let demand = meter.take(reading(1000, &both), LATENCY, at(1)).expect("two looks");
        let service = demand.service.expect("one server works");
        assert!(service.mean > 0.05, "{service:?}");
        let alone = [server(&[(100, 50)], 1), server(&[(1, 1900)], 1900)];
        let demand = meter.take(reading(2000, &alone), LATENCY, at(2)).expect("two looks");
        assert_eq!(demand.service, None, "nobody shows how long work takes");
    }

    #[test]
    fn a_trickle_of_failures_does_not_keep_a_pool_from_learning() {
        let mut meter = Meter::default();
        meter.take(reading(0, &[server(&[], 0)]), LATENCY, at(0));
        let demand = meter.take(reading(1000, &[server(&[(10, 1000)], 10)]), LATENCY, at(1));
        let demand = demand.expect("two looks");
        assert_eq!((demand.sample, demand.served), (Sample::Fair, 990.0));
        let demand = meter.take(reading(2000, &[server(&[(10, 2000)], 30)]), LATENCY, at(2));
        assert_eq!(demand.expect("two looks").sample, Sample::Disturbed);
    }

    #[test]
    fn failures_and_changes_of_the_fleet_disturb_a_sample() {
        let mut meter = Meter::default();
        meter.take(reading(0, &[server(&[], 0)]), LATENCY, at(0));
        let demand = meter.take(reading(10, &[server(&[(10, 10)], 1)]), LATENCY, at(1));
        let demand = demand.expect("two looks");
        assert_eq!((demand.sample, demand.served), (Sample::Disturbed, 9.0));
        let two = [server(&[(10, 20)], 1), server(&[(10, 5)], 0)];
        let demand = meter.take(reading(25, &two), LATENCY, at(2)).expect("two looks");
        assert_eq!((demand.sample, demand.served), (Sample::Disturbed, 15.0));
    }
}
