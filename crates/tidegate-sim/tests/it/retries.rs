//! A pool that fails as a whole: retries must not make it worse.
//!
//! Every try fails, every request would retry. However the load moves, tries stay within the
//! budget's share of the requests and its minimum, on each of several cores.

use std::num::NonZeroUsize;

use tidegate_core::admit::retry_budget::RetryBudget;
use tidegate_core::model::pool;
use tidegate_core::model::ratio::Ratio;
use tidegate_core::time::{Duration, Instant};
use tidegate_sim::check;
use tidegate_sim::traffic::Rate;
use tidegate_sim::world::World;

const CORES: usize = 4;
const MINIMUM: u32 = 8;
const SECONDS: u64 = 60;

#[derive(Clone, Debug)]
struct Arrive;

#[test]
fn a_storm_of_retries_stays_within_the_budget() {
    check::seeds(std::env::var("TIDEGATE_SEED").ok().as_deref(), |seed| {
        let mut world = World::new(seed);
        let (requests, retries) = storm(&mut world);
        let paid = 0.2 * requests + f64::from(MINIMUM) * (SECONDS + RetryBudget::SECONDS) as f64;
        assert!(retries <= paid + 0.01, "{retries} of {paid}\n{}", world.report());
        assert!(retries >= 0.2 * requests - CORES as f64, "{retries}: what was paid is granted");
    });
}

/// Requests and retries of a minute.
fn storm(world: &mut World<Arrive>) -> (f64, f64) {
    let settings =
        pool::RetryBudget { ratio: Ratio::new(0.2).expect("a share"), min_per_second: MINIMUM };
    let cores = NonZeroUsize::new(CORES).expect("not zero");
    let mut budgets = vec![RetryBudget::new(&settings, cores, Instant::ZERO); CORES];
    let rate = any_rate(world);
    let (mut requests, mut retries) = (0u32, 0u32);
    world.plan_after(Duration::ZERO, Arrive);
    while world.next_until(Instant::ZERO + Duration::from_secs(SECONDS)).is_some() {
        let now = world.now();
        let budget = &mut budgets[world.chance().below(CORES as u64) as usize];
        budget.deposit(now);
        requests += 1;
        retries += u32::from(budget.withdraw(now));
        let next = rate.next(now, world.chance());
        world.plan(next, Arrive);
    }
    (f64::from(requests), f64::from(retries))
}

fn any_rate(world: &mut World<Arrive>) -> Rate {
    let (low, high) = (1.0 + 50.0 * world.chance().ratio(), 200.0 * world.chance().ratio());
    match world.chance().below(3) {
        0 => Rate::Steady(low),
        1 => Rate::Step { before: low, at: Instant::ZERO + Duration::from_secs(30), after: high },
        _ => Rate::Wave { low, high, period: Duration::from_secs(20) },
    }
}
