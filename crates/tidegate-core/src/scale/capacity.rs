//! What one server can do, learned from what it did within the promise.
//!
//! The best rate and the best concurrency for each server are kept, per launch template; both are
//! facts, not models. A server may be able to do more than it was ever asked, so a fifth is allowed
//! on top while the promise is kept with room to spare; and servers may become slower, so a load
//! that breaks the promise below the best wears the best down. Looks that say nothing about a
//! server (it failed, was ejected or in slow start) are not taken.
//!
//! Answers take as long as work does and, where requests wait for it, longer. A backlog that counts
//! as work asks for many times the servers that it takes, so how long work takes is bounded by
//! Little's law: a server works on no more requests at a time than it has slots.

use serde::{Deserialize, Serialize};

use super::observed::{Observed, Sample, Service};
use crate::model::autoscale::{Autoscale, Capacity, Slo};

/// How much more than the best seen may be assumed.
const BEYOND: f64 = 0.2;
/// How much of the best is left after a look at which less broke the promise.
const WEAR: f64 = 0.995;
/// A load this far below the best that breaks the promise shows that the best is past.
const PAST: f64 = 0.9;
/// Looks after which half of the confidence there can be is reached.
const HALF_SURE: f64 = 30.0;
/// Requests a second, all servers together, below which a look says nothing.
const ARRIVALS_MIN: f64 = 0.5;

/// What one server of a launch template has been seen to do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Learned {
    /// Responses within the promise, per second, at the best.
    rate: f64,
    /// Requests at once, at that time.
    in_flight: f64,
    /// Looks that counted.
    looks: f64,
    /// Whether the promise was kept with room to spare at the best.
    roomy: bool,
}

/// What one server can do, as far as is known.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Able {
    /// Requests a second.
    pub rate: f64,
    /// Requests at once; `None`: not known.
    pub slots: Option<f64>,
    /// How long it works on one; `None`: not known.
    pub service: Option<Service>,
    /// How well that is known: 0 to 1.
    pub confidence: f64,
}

impl Learned {
    /// Takes a look at the pool into account.
    pub fn observe(&mut self, observed: &Observed, slo: &Slo) {
        let Some(demand) = observed.demand else { return };
        let servers = f64::from(observed.fleet.in_rotation());
        let is_telling = demand.sample == Sample::Fair && demand.arrivals >= ARRIVALS_MIN;
        if !is_telling || servers == 0.0 || demand.served <= 0.0 {
            return;
        }
        let kept = demand.goodput / demand.served;
        let rate = demand.goodput / servers;
        if kept >= slo.ratio.value() {
            self.looks += 1.0;
            if rate > self.rate {
                let room = 1.0 - (1.0 - slo.ratio.value()) / 4.0;
                *self = Self { rate, in_flight: demand.in_flight / servers, ..*self };
                self.roomy = kept >= room;
            }
        } else if demand.served / servers < self.rate * PAST {
            self.rate *= WEAR;
            self.in_flight *= WEAR;
        } else {
            self.roomy = false;
        }
    }

    /// A server is taken to be able to do as much as one of the version before. Few requests show
    /// little of what it can do; if it cannot, the guess wears down as a best that is past.
    pub fn guess(&mut self, like: Able) {
        if self.able().is_none_or(|able| able.rate < like.rate) {
            let in_flight = like.slots.unwrap_or(0.0);
            *self = Self { rate: like.rate, in_flight, roomy: false, ..*self };
        }
    }

    /// What one server can do; `None`: nothing has been seen yet.
    #[must_use]
    pub fn able(&self) -> Option<Able> {
        let known = self.rate.is_finite() && self.rate > 0.0 && self.looks >= 0.0;
        let beyond = if self.roomy { 1.0 + BEYOND } else { 1.0 };
        known.then(|| Able {
            rate: self.rate * beyond,
            slots: (self.in_flight > 0.0).then_some(self.in_flight * beyond),
            service: None,
            confidence: self.looks / (self.looks + HALF_SURE),
        })
    }
}

/// What one server can do, as the settings say or as learned.
#[must_use]
pub fn able(settings: &Autoscale, learned: &Learned, observed: &Observed) -> Option<Able> {
    let answers = observed.demand.and_then(|demand| demand.service);
    match settings.capacity {
        Capacity::Requests(rate) => {
            let slots = answers.map(|answers| rate * answers.mean);
            Some(Able { rate, slots, service: answers, confidence: 1.0 })
        }
        Capacity::InFlight(slots) => {
            // It may be set to less than a server could do, which counts while all is well.
            let answers = answers?;
            let is_kept = observed.demand.is_some_and(|demand| demand.keeps(&settings.slo));
            let service = if is_kept { answers } else { work(answers, slots, observed) };
            let rate = slots / service.mean;
            Some(Able { rate, slots: Some(slots), service: Some(service), confidence: 1.0 })
        }
        Capacity::Learn => learned.able().map(|able| able.at_work(answers, observed)),
    }
}

impl Able {
    /// The same, where answers take so long. What waited at the best counts as no slot: at that
    /// rate a server works on as many requests as work takes of its time.
    fn at_work(self, answers: Option<Service>, observed: &Observed) -> Self {
        let Some((answers, slots)) = answers.zip(self.slots) else {
            return Self { service: answers, ..self };
        };
        let service = work(answers, slots, observed);
        let slots = slots.min(self.rate * service.mean);
        Self { slots: Some(slots), service: Some(service), ..self }
    }
}

/// How long servers of so many slots work on a request, where answers take so long: no longer than
/// slots over throughput (Little: "A proof for the queuing formula L = λW", 1961).
fn work(answers: Service, slots: f64, observed: &Observed) -> Service {
    let served = observed.demand.map_or(0.0, |demand| demand.served);
    let longest = slots * f64::from(observed.fleet.in_rotation()) / served;
    let mean = if longest > 0.0 { answers.mean.min(longest) } else { answers.mean };
    Service { mean, ..answers }
}

#[cfg(test)]
mod tests {
    use super::super::observed::{Demand, FleetCount, Load, Steering};
    use super::*;
    use crate::model::ratio::Ratio;
    use crate::time::{Duration, UnixTime};

    const SERVERS: u32 = 10;

    fn slo() -> Slo {
        let ratio = Ratio::new(0.99).expect("it is between 0 and 1");
        Slo { latency: Duration::from_millis(500), ratio }
    }

    fn look(served: f64, goodput: f64, sample: Sample) -> Observed {
        let demand = Demand {
            arrivals: served,
            served,
            goodput,
            in_flight: served / 10.0,
            sample,
            ..Demand::default()
        };
        Observed {
            demand: Some(demand),
            fleet: FleetCount { serving: SERVERS, ..FleetCount::default() },
            load: Load::default(),
            startup: None,
            quota: None,
            steering: Steering::default(),
            pledge: None,
            at: UnixTime::default(),
        }
    }

    fn rate(learned: &Learned) -> f64 {
        learned.able().expect("something was seen").rate
    }

    #[test]
    fn the_best_within_the_promise_counts_and_a_fifth_on_top() {
        let mut learned = Learned::default();
        assert_eq!(learned.able(), None);
        for served in [100.0, 400.0, 200.0] {
            learned.observe(&look(served, served, Sample::Fair), &slo());
        }
        assert!((rate(&learned) - 48.0).abs() < 1e-9, "40 each and a fifth");
        let sure = learned.able().expect("something was seen").confidence;
        learned.observe(&look(500.0, 496.0, Sample::Fair), &slo());
        assert!((rate(&learned) - 49.6).abs() < 1e-9, "no room is left, and nothing on top");
        assert!(learned.able().expect("something was seen").confidence > sure);
    }

    #[test]
    fn what_breaks_the_promise_or_is_disturbed_teaches_nothing_new() {
        let mut learned = Learned::default();
        learned.observe(&look(400.0, 400.0, Sample::Disturbed), &slo());
        learned.observe(&look(400.0, 300.0, Sample::Fair), &slo());
        learned.observe(&look(0.2, 0.2, Sample::Fair), &slo());
        assert_eq!(learned.able(), None);
    }

    #[test]
    fn a_guess_stands_for_what_few_requests_do_not_show_and_wears_down() {
        let like = Able { rate: 50.0, slots: None, service: None, confidence: 1.0 };
        let mut learned = Learned::default();
        learned.guess(like);
        assert_eq!(learned.able().map(|able| (able.rate, able.confidence)), Some((50.0, 0.0)));
        for _ in 0..300 {
            learned.observe(&look(100.0, 50.0, Sample::Fair), &slo());
        }
        assert!(rate(&learned) < 15.0, "it can do 10");
        let mut learned = Learned::default();
        learned.observe(&look(10.0, 10.0, Sample::Fair), &slo());
        learned.guess(like);
        assert!((rate(&learned) - 50.0).abs() < 1e-9, "1 each shows nothing");
        learned.observe(&look(700.0, 700.0, Sample::Fair), &slo());
        learned.guess(like);
        assert!((rate(&learned) - 84.0).abs() < 1e-9, "it can do more");
    }

    #[test]
    fn servers_that_became_slower_are_believed_in_time() {
        let mut learned = Learned::default();
        learned.observe(&look(400.0, 400.0, Sample::Fair), &slo());
        for _ in 0..300 {
            learned.observe(&look(200.0, 150.0, Sample::Fair), &slo());
        }
        let rate = rate(&learned) / 1.2;
        assert!(rate < 23.0 && rate > 17.0, "{rate}");
    }
}
