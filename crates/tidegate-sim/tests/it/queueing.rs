//! Sizing by queueing theory against a simulated queue, request by request.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use tidegate_core::rng::Rng;
use tidegate_core::scale::queueing::{Wanted, Work, late, slots_for};

const REQUESTS: u32 = 1_000_000;

/// The share of requests that wait for longer than `wait` at `slots`, first come first served,
/// arrivals Poisson and service of mean 1.
fn simulated(slots: u32, load: f64, wait: f64, mut service: impl FnMut(&mut Rng) -> f64) -> f64 {
    let mut rng = Rng::new(u64::from(slots));
    // When each slot is free, in nanoseconds.
    let mut free: BinaryHeap<Reverse<u64>> = (0..slots).map(|_| Reverse(0)).collect();
    let (mut now, mut waited) = (0.0, 0_u32);
    for _ in 0..REQUESTS {
        now += exponential(&mut rng) / load;
        let Some(Reverse(at)) = free.pop() else { return 1.0 };
        let begins = (at as f64 / 1e9).max(now);
        waited += u32::from(begins - now > wait);
        free.push(Reverse(((begins + service(&mut rng)) * 1e9) as u64));
    }
    f64::from(waited) / f64::from(REQUESTS)
}

fn exponential(rng: &mut Rng) -> f64 {
    -(1.0 - rng.ratio()).ln()
}

#[test]
fn the_promise_is_kept_and_hardly_more_than_that() {
    let wanted = Wanted { wait: 1.0, share: 0.01 };
    // Beyond these a fuller queue forgets so slowly that a million requests prove nothing.
    for load in [1.0, 3.5, 10.0, 50.0] {
        let work = Work { load, service: 1.0, variation: 1.0 };
        let slots = slots_for(work, wanted);
        // What the formula says of whole slots is what happens.
        let (said, seen) = (late(slots, work, 1.0), simulated(slots, load, 1.0, exponential));
        println!("load {load}: {slots} slots, {said:.5} said, {seen:.5} seen");
        assert!(seen <= wanted.share * 1.2, "load {load}: {seen}");
        assert!((seen - said).abs() <= 0.25 * said + 0.0005, "load {load}: {said} {seen}");
        let fewer = simulated(slots - 1, load, 1.0, exponential);
        assert!(fewer > wanted.share * 0.8, "load {load}: {slots} slots are too many");
    }
}

#[test]
fn steady_and_wild_service_times_are_sized_as_they_are() {
    let wanted = Wanted { wait: 1.0, share: 0.01 };
    // Hyperexponential with a squared coefficient of variation of 4.
    let wild = |rng: &mut Rng| {
        let share = 0.5 * (1.0 + (3.0_f64 / 5.0).sqrt());
        let mean = if rng.ratio() < share { 0.5 / share } else { 0.5 / (1.0 - share) };
        mean * exponential(rng)
    };
    for load in [5.0, 20.0, 100.0] {
        let size = |variation| slots_for(Work { load, service: 1.0, variation }, wanted);
        let steady = simulated(size(0.0), load, 1.0, |_| 1.0);
        let wild = simulated(size(4.0), load, 1.0, wild);
        println!("load {load}: {} and {} slots, {steady:.5}, {wild:.5}", size(0.0), size(4.0));
        assert!(steady <= wanted.share * 1.2, "load {load}: {steady}");
        assert!(wild <= wanted.share * 1.5, "load {load}: {wild}");
    }
}
