//! The policy `slo`: the promise to users at the least cost.
//!
//! It takes the highest demand that may come until a launch of now serves ([`Forecast`]), and asks
//! how many servers keep the promise at it: as many as their capacity says, and as many more as the
//! chance of single requests needs ([`queueing`]). Two bounds come of that. Below the lower one it
//! launches, to the upper one. Above the upper one it stops servers, when they have been too many
//! for so long that keeping them has cost more than a change: a change has a price, and a large
//! surplus earns it soon, a small one late. Crowds come in waves: for a while after one, the few
//! servers that a small pool grew by stay. No margin goes beyond what aiming at a fixed share of
//! capacity would cost: where demand is so wild that more would be needed, servers are not the
//! answer, and the queue and the warm pool are.

use super::capacity::{self, Able, Learned};
use super::forecast::foresight::{Forecast, Listen, RATE_MAX, Upper};
use super::highest::Highest;
use super::observed::{Demand, Observed};
use super::queueing::{self, Wanted, Work};
use super::target;
use super::wish::{Source, Wish};
use crate::model::autoscale::Autoscale;
use crate::time::{Duration, Instant};

/// The share of a server's capacity that demand makes no difference below.
const GRAIN: f64 = 0.3;
/// No more than this is held, as a multiple of the highest demand of the last while: what aiming at
/// 70 % of the capacity holds, and a little less.
const MARGIN_MAX: f64 = 0.94 / target::UTILIZATION;
/// The highest demand of so long counts.
const WHILE: Duration = Duration::from_secs(300);
/// What was needed within so long is kept.
const KEPT_FOR: Duration = Duration::from_secs(150);
/// In how long what waits is to be worked off, in seconds.
const DRAIN_SECONDS: f64 = 60.0;
/// What a change costs: so many seconds of the whole pool, where it is all surplus, and of so many
/// servers besides. The latter counts where there are few: they cost little and are missed much.
const CHANGE_SECONDS: f64 = 8.0;
const CHANGE_LEAST: f64 = 30.0;
/// As many servers stay, where there are as many, while a crowd may come back: a pool that doubles
/// in a start-up grows too slowly from one or two.
const FEW: u32 = 6;
/// Seconds after which half of a surplus is forgotten once it is none.
const FORGET_SECONDS: f64 = 200.0;
/// Seconds after which half of what was seen of a pool's part of all demand is forgotten.
const PART_SECONDS: f64 = 10.0;
/// The last server of a margin is worth it if it is filled by as much.
const HALF: f64 = 0.5;
/// But no more of a margin is left away than this share of what is asked.
const PART: f64 = 0.03;
/// A look that is shorter says less about demand than its own noise does.
const NOISE: f64 = 3.0;

/// What is remembered.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    /// Past demand; while a rollout runs, of both its pools.
    pub forecast: Forecast,
    /// What a server of this launch template has been seen to do.
    pub learned: Learned,
    /// What may come of it, likely, until a launch of now serves.
    pub(super) foreseen: Option<f64>,
    part: Part,
    demands: Highest,
    needs: Highest,
    surplus: f64,
    last: Option<Instant>,
}

/// How many servers keep the promise; `None`: nothing can be said.
pub fn wish(
    settings: &Autoscale,
    observed: &Observed,
    memory: &mut Memory,
    now: Instant,
) -> Option<Wish> {
    let demand = observed.demand?;
    let able = capacity::able(settings, &memory.learned, observed)?;
    let seconds = memory.last.replace(now).map_or(1.0, |last| now.since(last).as_secs_f64());
    let startup = observed.startup.unwrap_or(settings.startup);
    memory.forecast.look_ahead(startup, able.rate * GRAIN);
    let (all, part) = memory.divide(observed, &demand, seconds)?;
    memory.forecast.observe(all, observed.at);
    let listen = if settings.forecast.ahead.is_some() { Listen::All } else { Listen::Now };
    let upper = memory.forecast.upper(sure(all, seconds), listen)?;
    let upper = memory.bounded(upper, now);
    memory.foreseen = Some(upper.likely);
    let upper = upper.part(part);
    let waiting = demand.queued.max(0.0) / DRAIN_SECONDS;
    let size = |rate: f64| servers_for(settings, able, rate + waiting);
    let half = able.rate * HALF;
    let near = |rate: f64| size((rate - half.min(rate * PART)).max(upper.likely));
    let kept = memory.needs.highest(upper.safe, KEPT_FOR, now);
    let needs = Needs { least: size(upper.likely), launch: near(upper.safe), most: near(kept) };
    let servers = memory.settle(needs, observed.fleet.committed(), seconds);
    let because = format!(
        "{:.1} requests/s, up to {:.1} until a launch serves, at {:.1} each",
        upper.level, upper.safe, able.rate
    );
    Some(Wish { servers, warm: 0, source: Source::Slo, because })
}

/// Servers that keep the promise.
#[derive(Clone, Copy, Debug)]
struct Needs {
    /// With fewer it is at risk.
    least: u32,
    /// With a launch there should be as many.
    launch: u32,
    /// More are no use.
    most: u32,
}

impl Memory {
    /// Requests a second that one server is to have; `None`: nothing is known of that.
    #[must_use]
    pub fn rate_per_server(&self, settings: &Autoscale, observed: &Observed) -> Option<f64> {
        let able = capacity::able(settings, &self.learned, observed)?;
        Some(able.rate * target::UTILIZATION)
    }

    /// Servers that keep the promise at `rate` requests a second; `None`: nothing is known of that.
    pub(super) fn needs(
        &self,
        settings: &Autoscale,
        observed: &Observed,
        rate: f64,
    ) -> Option<u32> {
        let able = capacity::able(settings, &self.learned, observed)?;
        Some(servers_for(settings, able, rate))
    }

    /// The demand that is to be foreseen, and which part of it is the pool's own; `None`: unknown.
    fn divide(&mut self, observed: &Observed, own: &Demand, seconds: f64) -> Option<(f64, f64)> {
        let Some(pledge) = &observed.pledge else {
            self.part = Part::default();
            return Some((own.arrivals, 1.0));
        };
        let all = pledge.all?.max(own.arrivals);
        Some((all, self.part.take(own.arrivals, all, seconds)))
    }

    /// No more than a fixed share of capacity would hold.
    fn bounded(&mut self, upper: Upper, now: Instant) -> Upper {
        let most = self.demands.highest(upper.level, WHILE, now) * MARGIN_MAX;
        let safe = upper.safe.min(most).max(upper.level);
        Upper { safe, likely: upper.likely.min(safe), ..upper }
    }

    /// Between the bounds nothing changes; above them only what has cost its price goes.
    fn settle(&mut self, needs: Needs, current: u32, seconds: f64) -> u32 {
        if needs.least > current {
            self.surplus = 0.0;
            return needs.launch.max(needs.least);
        }
        let few = if self.forecast.is_flash_near() { FEW } else { 0 };
        let most = needs.most.max(few.min(current));
        if most >= current {
            self.surplus *= (-seconds / FORGET_SECONDS).exp2();
            return current;
        }
        let surplus = f64::from(current - most);
        let current_f = f64::from(current);
        self.surplus += surplus * surplus / current_f * seconds;
        let price = CHANGE_SECONDS * current_f + CHANGE_LEAST;
        if self.surplus >= price { most } else { current }
    }
}

/// Which part of all demand was the pool's own, of late.
#[derive(Clone, Copy, Debug, Default)]
struct Part {
    own: f64,
    all: f64,
}

impl Part {
    /// One more look, so long after the last.
    fn take(&mut self, own: f64, all: f64, seconds: f64) -> f64 {
        let kept = (-seconds / PART_SECONDS).exp2();
        // What no pool has ever had must not make the whole infinite, and its parts nothing at all.
        let [own, all] = [own, all].map(|rate| rate.min(RATE_MAX));
        self.own = self.own * kept + own * seconds;
        self.all = self.all * kept + all * seconds;
        if self.all > 0.0 { (self.own / self.all).clamp(0.0, 1.0) } else { 1.0 }
    }
}

/// Of a rate that was counted over `seconds`, what is no chance.
fn sure(rate: f64, seconds: f64) -> f64 {
    if seconds > 0.0 { rate - NOISE * (rate.max(0.0) / seconds).sqrt() } else { 0.0 }
}

/// Servers that keep the promise at `rate` requests a second.
fn servers_for(settings: &Autoscale, able: Able, rate: f64) -> u32 {
    let by_capacity = target::ceil(rate / able.rate);
    let (Some(service), Some(slots)) = (able.service, able.slots) else { return by_capacity };
    // A part of a slot is as much of one as its server sustains.
    let slots = slots.max(1.0);
    let work =
        Work { load: rate * service.mean, service: service.mean, variation: service.variation };
    // What is left of the promise when a request has been worked on as long as usual.
    let wait = (settings.slo.latency.as_secs_f64() - service.mean).max(0.0);
    let wanted = Wanted { wait, share: 1.0 - settings.slo.ratio.value() };
    by_capacity.max(target::ceil(f64::from(queueing::slots_for(work, wanted)) / slots))
}

#[cfg(test)]
mod tests {
    use super::super::observed::Service;
    use super::super::tests::fixture::{Pool, settings};
    use super::*;
    use crate::model::autoscale::{Capacity, Policy};

    /// Six to sixty servers of 100 requests a second.
    fn pool(serving: u32) -> Pool {
        Pool::new(settings(Policy::Slo), serving)
    }

    #[test]
    fn a_step_is_answered_at_the_next_look() {
        let mut pool = pool(8);
        pool.arrivals = Some(500.0);
        assert_eq!(pool.run(60).servers, 8);
        pool.arrivals = Some(5000.0);
        assert_eq!(pool.run(1).servers, 16, "as far as the guard allows");
    }

    #[test]
    fn a_surplus_goes_after_the_cooldown_and_a_ripple_moves_nothing() {
        let mut pool = pool(12);
        pool.arrivals = Some(600.0);
        assert_eq!(pool.run(290).servers, 12);
        let calm = pool.run(400).servers;
        assert!((7..=9).contains(&calm), "{calm}");
        for second in 0..600 {
            pool.arrivals = Some(if second % 40 < 20 { 590.0 } else { 610.0 });
            assert_eq!(pool.run(1).servers, calm, "second {second}");
        }
    }

    #[test]
    fn a_small_pool_keeps_what_it_grew_by_while_a_crowd_may_come_back() {
        let mut pool = pool(6);
        pool.settings.bounds.min = 1;
        pool.arrivals = Some(100.0);
        let calm = pool.run(3600).servers;
        assert!(calm <= 3, "{calm}");
        pool.arrivals = Some(700.0);
        assert!(pool.run(300).servers >= FEW);
        pool.arrivals = Some(100.0);
        let after = pool.run(1500).servers;
        assert_eq!(after, FEW, "it may come back");
        assert!(pool.run(3600).servers <= 3, "it did not");
    }

    #[test]
    fn few_slots_need_more_room_than_many() {
        let settings = |slots| {
            let capacity = Capacity::InFlight(slots);
            Autoscale { capacity, ..settings(Policy::Slo) }
        };
        let servers = |slots: f64| {
            let demand = Demand {
                service: Some(Service { mean: 0.4, variation: 1.0 }),
                ..Demand::default()
            };
            let settings = settings(slots);
            let observed = Observed { demand: Some(demand), ..pool(8).observed() };
            let able = capacity::able(&settings, &Learned::default(), &observed);
            // A load of eight slots.
            servers_for(&settings, able.expect("it is set"), 20.0)
        };
        assert!(servers(1.0) >= 13, "{}", servers(1.0));
        assert_eq!(servers(64.0), 1);
    }

    /// A second of ten servers with five slots each, that work on a request for 50 ms.
    fn second(arrivals: f64, waiting: f64) -> Observed {
        let served = if waiting > 0.0 { 1000.0 } else { arrivals };
        let mean = 0.05 + waiting / 1000.0;
        let demand = Demand {
            arrivals,
            served,
            goodput: if mean > 0.5 { 0.0 } else { served },
            in_flight: served * 0.05 + waiting,
            service: Some(Service { mean, variation: 1.0 }),
            ..Demand::default()
        };
        let mut observed = pool(10).observed();
        observed.demand = Some(demand);
        observed
    }

    #[test]
    fn waiting_in_a_backlog_is_not_taken_for_work() {
        for capacity in [Capacity::Requests(100.0), Capacity::InFlight(5.0), Capacity::Learn] {
            let settings = Autoscale { capacity, ..settings(Policy::Slo) };
            let mut memory = Memory::default();
            let mut needs = |observed: &Observed| {
                memory.learned.observe(observed, &settings.slo);
                let rate = observed.demand.expect("there is one").arrivals;
                memory.needs(&settings, observed, rate).expect("something is known")
            };
            let calm = needs(&second(1000.0, 0.0));
            assert!((9..=11).contains(&calm), "{capacity:?}: {calm}");
            // Twice as much as they can do, for ten seconds; then it is worked off.
            for waiting in [1000.0, 4000.0, 10_000.0] {
                let needed = needs(&second(2000.0, waiting));
                assert!((20..=22).contains(&needed), "{capacity:?}, {waiting}: {needed}");
            }
            let needed = needs(&second(500.0, 5000.0));
            assert!((5..=6).contains(&needed), "{capacity:?}: {needed}");
        }
    }

    #[test]
    fn what_waited_at_the_best_is_no_slot() {
        let settings = Autoscale { capacity: Capacity::Learn, ..settings(Policy::Slo) };
        let mut memory = Memory::default();
        // A line that is still short, and then one that is not: all ten can do is 1000.
        memory.learned.observe(&second(1300.0, 300.0), &settings.slo);
        memory.learned.observe(&second(1300.0, 600.0), &settings.slo);
        let needed = memory.needs(&settings, &second(900.0, 0.0), 995.0);
        assert_eq!(needed, Some(11), "ten would be busy all the time");
    }

    #[test]
    fn a_part_of_absurdly_much_is_a_part() {
        let mut part = Part::default();
        for (own, all) in [(f64::MAX, f64::MAX), (1.0, f64::MAX), (f64::MAX, 1.0)] {
            assert!((0.0..=1.0).contains(&part.take(own, all, 60.0)));
        }
    }

    #[test]
    fn without_a_known_capacity_nothing_is_said() {
        let mut pool = pool(8);
        pool.settings.capacity = Capacity::Learn;
        pool.arrivals = Some(0.1);
        let plan = pool.run(600);
        assert_eq!((plan.servers, &plan.wishes[0].source), (8, &Source::Hold));
    }
}
