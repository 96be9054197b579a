//! What running rollouts ask of pools, and what they are told of them.
//!
//! A rollout says how far it is ([`Ask`]); at each look that becomes a pledge for each of its two
//! pools, made of what comes to both. In return it is told what each pool can serve of all that
//! demand: an autoscaled pool by its planner, another one by the weight of its servers that are
//! available, beside that of stable. It is told as well why no step should be taken now.

use std::collections::BTreeMap;

use tidegate_core::model::ids::{PoolName, RolloutName};
use tidegate_core::model::rollout::Rollout;
use tidegate_core::rollout::capacity::{Capacities, Capacity};
use tidegate_core::rollout::input::Hold;
use tidegate_core::scale::release::{Ask, Known, Pledge, pledges};
use tidegate_core::telemetry::registry::Registry;
use tidegate_core::time::{Instant, UnixTime};

use super::scaler::Scaler;

/// What is asked of pools, and what comes to them.
#[derive(Debug, Default)]
pub(super) struct Releases {
    asks: Vec<Ask>,
    flows: BTreeMap<PoolName, Flow>,
}

/// What comes to a pool.
#[derive(Clone, Copy, Debug)]
struct Flow {
    /// Requests until the last look, and when that was.
    counted: (u64, Instant),
    /// Requests a second, from the second look on.
    rate: Option<f64>,
}

impl Releases {
    /// Takes what is asked from now on; what was asked before is over.
    pub(super) fn replace(&mut self, asks: Vec<Ask>) {
        self.asks = asks;
        let asks = &self.asks;
        self.flows.retain(|pool, _| asks.iter().any(|ask| names(ask).contains(&pool)));
    }

    /// Whether a rollout asked for something before.
    pub(super) fn knows(&self, rollout: &RolloutName) -> bool {
        self.asks.iter().any(|ask| ask.rollout == *rollout)
    }

    /// Measures what comes to the pools of all rollouts.
    pub(super) fn measure(&mut self, registry: &Registry, now: Instant) {
        for pool in self.asks.iter().flat_map(names) {
            let counted = registry.pool(pool).arrivals;
            let rate = self.flows.get(pool).and_then(|flow| {
                let (before, then) = flow.counted;
                let seconds = now.since(then).as_secs_f64();
                let came = counted.saturating_sub(before) as f64;
                if seconds > 0.0 { Some(came / seconds) } else { flow.rate }
            });
            self.flows.insert(pool.clone(), Flow { counted: (counted, now), rate });
        }
    }

    /// What is asked of each pool now, of which this is known besides what comes to it.
    pub(super) fn pledges(&self, known: impl Fn(&PoolName) -> Known) -> BTreeMap<PoolName, Pledge> {
        let measured = |pool: &PoolName| {
            let arrivals = self.flows.get(pool).and_then(|flow| flow.rate);
            Known { arrivals, ..known(pool) }
        };
        let mut made = BTreeMap::new();
        for ask in &self.asks {
            let (stable, candidate) = (measured(&ask.stable), measured(&ask.candidate));
            let (stable, candidate) = pledges(ask, &stable, &candidate);
            made.insert(ask.stable.clone(), stable);
            made.insert(ask.candidate.clone(), candidate);
        }
        made
    }
}

fn names(ask: &Ask) -> [&PoolName; 2] {
    [&ask.stable, &ask.candidate]
}

/// What a rollout is told of its pools.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Survey {
    /// What they can serve.
    pub(crate) capacity: Capacities,
    /// What stands in the way of a step.
    pub(crate) held: Vec<Hold>,
}

/// A pool of a rollout, as it is now.
#[derive(Clone, Copy)]
pub(super) struct Sight<'a> {
    /// `None`: it is not autoscaled.
    pub(super) scaler: Option<&'a Scaler>,
    /// The weight of its servers that are available.
    pub(super) weight: f64,
}

/// Looks at the pools of a rollout.
pub(super) fn survey(
    rollout: &Rollout,
    stable: Sight<'_>,
    candidate: Sight<'_>,
    at: UnixTime,
) -> Survey {
    let mut held = Vec::new();
    for (pool, sight) in [(&rollout.pool, stable), (&rollout.candidate, candidate)] {
        let Some(scaler) = sight.scaler else { continue };
        let sales = scaler.sales(at).filter(|sale| rollout.freeze_during.contains(sale));
        held.extend(sales.map(Hold::Sale));
        held.extend(scaler.strain().map(|why| Hold::Emergency(format!("{pool} ({why})"))));
    }
    let is_full = candidate.scaler.is_some_and(Scaler::is_at_ceiling);
    held.extend(rollout.max_total.bound().filter(|_| is_full).map(Hold::Ceiling));
    let stable_able = stable.scaler.map_or(EVERYTHING, Scaler::capacity);
    let candidate_able = match (candidate.scaler, stable_able) {
        (Some(scaler), _) => scaler.capacity(),
        (None, Capacity::Known { now, .. }) if stable.weight > 0.0 => {
            let now = now * candidate.weight / stable.weight;
            Capacity::Known { now, most: now }
        }
        (None, _) => Capacity::Unknown,
    };
    Survey { capacity: Capacities { stable: stable_able, candidate: candidate_able }, held }
}

/// Servers that are listed were given all demand before the rollout began.
const EVERYTHING: Capacity = Capacity::Known { now: 1.0, most: 1.0 };

#[cfg(test)]
mod tests {
    use tidegate_core::model::ratio::Limit;
    use tidegate_core::model::rollout::Share;
    use tidegate_core::scale::release::{Keeps, Wants};
    use tidegate_core::time::Duration;

    use super::*;

    fn ask() -> Ask {
        Ask {
            rollout: RolloutName::new("shop-v2"),
            stable: PoolName::new("shop"),
            candidate: PoolName::new("shop-v2"),
            share: Share::NONE,
            next: 0.25,
            keeps: Keeps::All,
            max_total: Limit::At(20),
        }
    }

    fn at(seconds: u64) -> Instant {
        Instant::ZERO + Duration::from_secs(seconds)
    }

    #[test]
    fn both_pools_are_measured_from_the_second_look_on() {
        let (registry, mut releases) = (Registry::default(), Releases::default());
        let worker = registry.worker();
        let known = |_: &PoolName| Known { servers: 6, instances: 6, ..Known::default() };
        releases.replace(vec![ask()]);
        releases.measure(&registry, at(1));
        let unknown = releases.pledges(known);
        assert!(unknown.values().all(|pledge| pledge.all.is_none()), "unknown is not zero");
        worker.pool(&PoolName::new("shop")).arrivals.add(90);
        worker.pool(&PoolName::new("shop-v2")).arrivals.add(30);
        releases.measure(&registry, at(3));
        let made = releases.pledges(known);
        let (stable, candidate) = (&made[&ask().stable], &made[&ask().candidate]);
        assert_eq!((stable.all, candidate.all), (Some(60.0), Some(60.0)));
        assert_eq!((stable.wants, stable.most), (Wants::Demand(1.0), None));
        assert_eq!((candidate.wants, candidate.most), (Wants::Demand(0.25), Some(14)));
        releases.replace(Vec::new());
        assert!(releases.pledges(known).is_empty() && releases.flows.is_empty());
    }
}
