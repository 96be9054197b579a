//! The budget against examples, and against bounds that hold for any sequence of calls.

use proptest::prelude::*;

use super::*;
use crate::model::ratio::Ratio;

fn settings(ratio: f64, min_per_second: u32) -> pool::RetryBudget {
    let ratio = Ratio::new(ratio).expect("tests use ratios");
    pool::RetryBudget { ratio, min_per_second }
}

fn cores(count: usize) -> NonZeroUsize {
    NonZeroUsize::new(count).expect("tests use at least one core")
}

fn budget(ratio: f64, min_per_second: u32, of_cores: usize) -> RetryBudget {
    RetryBudget::new(&settings(ratio, min_per_second), cores(of_cores), at(0))
}

fn at(millis: u64) -> Instant {
    Instant::ZERO + Duration::from_millis(millis)
}

/// How many retries can be had at once.
fn drain(budget: &mut RetryBudget, now: Instant) -> u32 {
    (0..100_000).take_while(|_| budget.withdraw(now)).count() as u32
}

#[test]
fn the_minimum_is_there_from_the_start_and_comes_back() {
    let mut budget = budget(0.2, 3, 1);
    assert_eq!(drain(&mut budget, at(0)), 30);
    assert_eq!(drain(&mut budget, at(333)), 0);
    assert_eq!(drain(&mut budget, at(334)), 1);
    assert_eq!(drain(&mut budget, at(1000)), 2);
    assert_eq!(drain(&mut budget, at(60_000)), 30);
}

#[test]
fn requests_pay_for_their_share_of_retries() {
    let mut budget = budget(0.2, 0, 1);
    assert_eq!(drain(&mut budget, at(0)), 0);
    (0..4).for_each(|_| budget.deposit(at(1)));
    assert!(!budget.withdraw(at(1)), "four fifths are not a token");
    budget.deposit(at(1));
    assert!(budget.withdraw(at(1)));
    assert!(!budget.withdraw(at(1)));
}

#[test]
fn deposits_lapse_after_ten_seconds() {
    let mut budget = budget(1.0, 0, 1);
    (0..10).for_each(|_| budget.deposit(at(0)));
    (0..5).for_each(|_| budget.deposit(at(5000)));
    assert!(budget.clone().withdraw(at(14_999)));
    assert_eq!(drain(&mut budget.clone(), at(9999)), 15);
    assert_eq!(drain(&mut budget.clone(), at(10_000)), 5);
    assert_eq!(drain(&mut budget, at(15_000)), 0);
}

#[test]
fn the_oldest_deposits_go_first() {
    let mut budget = budget(1.0, 0, 1);
    budget.deposit(at(0));
    budget.deposit(at(5000));
    assert!(budget.withdraw(at(9000)));
    assert_eq!(drain(&mut budget, at(14_000)), 1);
}

#[test]
fn cores_share_the_minimum_but_each_can_retry() {
    assert_eq!(drain(&mut budget(0.0, 4, 2), at(0)), 20);
    assert_eq!(drain(&mut budget(0.0, 3, 64), at(0)), 1);
    assert_eq!(drain(&mut budget(0.0, 0, 64), at(0)), 0);
}

#[test]
fn a_reload_keeps_what_is_there_within_the_new_bound() {
    let mut budget = budget(0.0, 3, 1);
    budget.update(&settings(0.0, 1), cores(1), at(0));
    assert_eq!(drain(&mut budget, at(0)), 10);
    budget.update(&settings(0.0, 5), cores(1), at(0));
    assert_eq!(drain(&mut budget, at(0)), 0);
    assert_eq!(drain(&mut budget, at(1000)), 5);
}

#[test]
fn asking_often_gains_no_more_and_no_less() {
    let mut budget = budget(0.0, 1, 7);
    drain(&mut budget, at(0));
    let granted = (0..70_000_000u64)
        .step_by(997)
        .filter(|micros| budget.withdraw(Instant::ZERO + Duration::from_micros(*micros)))
        .count();
    assert!((9..=10).contains(&granted), "{granted} in 70 s at 1/7 a second");
}

proptest! {
    /// Over any stretch, no more retries than the deposits, the minimum and a full reserve pay for;
    /// and time that jumps or stands still breaks nothing.
    #[test]
    fn retries_never_outrun_what_was_paid(
        ratio in 0.0..=1.0f64,
        minimum in 0u32..20,
        of_cores in 1usize..20,
        steps in prop::collection::vec((0u64..3000, any::<bool>()), 1..400),
    ) {
        let mut budget = budget(ratio, minimum, of_cores);
        let (mut now, mut requests, mut retries) = (0, 0u32, 0u32);
        for (pause, is_request) in steps {
            now += pause * u64::from(pause > 1500);
            if is_request {
                budget.deposit(at(now));
                requests += 1;
            } else {
                retries += u32::from(budget.withdraw(at(now)));
            }
        }
        let rate = f64::from(minimum) / of_cores as f64;
        let reserve = if minimum == 0 { 0.0 } else { (rate * 10.0).max(1.0) };
        let paid = ratio * f64::from(requests) + rate * now as f64 / 1000.0 + reserve;
        prop_assert!(f64::from(retries) <= paid + 0.01, "{retries} of {paid}");
    }
}
