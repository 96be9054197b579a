//! Peak EWMA: of two drawn at random, the one that costs less, where cost is latency times load.
//!
//! Each server has a moving average of its latency that jumps up to any peak at once and comes
//! down slowly (Finagle's `PeakEwma`). A pick draws two choices by weight and takes the one
//! whose average, times its requests in flight and the one to come, is lower. Those in flight
//! count by weight, in proportion to the pool's mean; the one to come does not, as the draw has
//! seen to it. The first drawn wins a tie.
//!
//! An average says less the older it is, so at a pick it moves towards the pool's median as time
//! goes by: a server that was slow is tried again after a while, and one that stood idle does not
//! look ever faster. A server that was never measured counts as the median.
//!
//! A server that fails fast would look like the best of all. So a failure counts as slow: as a
//! second at least, and twice as long for each further failure in a row. Errors that are part of
//! normal business at a low rate thus cost a server no more than a second's penalty.

use super::balancer::PickRequest;
use super::choices::{Choice, Choices};
use super::lottery::Lottery;
use super::picker::Picker;
use crate::model::server::ServerState;
use crate::time::{Duration, Instant};

/// How long it takes for an average to come within 37 % (1/e) of what it moves towards.
const DECAY: Duration = Duration::from_secs(10);
/// What a failure counts as at least.
const FAILURE: Duration = Duration::from_secs(1);
/// What a failure counts as at most, if it did not take longer itself.
const FAILURE_MAX: Duration = Duration::from_secs(300);
/// How often the median is brought up to date.
const MEDIAN_STEP: Duration = Duration::from_secs(1);

/// Notes in `state` that an exchange ended at `now`, `latency` after the request was sent.
///
/// Call [`ServerState::fail`] or [`ServerState::succeed`] first: the length of the run of failures
/// sets what a `failed` exchange counts as.
pub fn observe(state: &ServerState, latency: Duration, failed: bool, now: Instant) {
    let sample = if failed { penalty(state, latency) } else { latency };
    let average = match state.latency() {
        Some((average, measured)) if sample < average => {
            approach(nanos(average), nanos(sample), now.since(measured))
        }
        _ => nanos(sample),
    };
    state.set_latency(Duration::from_nanos(whole(average)), now);
}

/// Picks the cheaper of two.
#[derive(Debug, Default)]
pub(super) struct PeakEwma {
    lottery: Lottery,
    /// The pool's median, in nanoseconds. While nobody was measured any number will do.
    median: f64,
    /// The choices' mean weight.
    weight_mean: f64,
    /// Room for finding the median.
    averages: Vec<Duration>,
}

impl Picker for PeakEwma {
    fn rebuild(&mut self, choices: &Choices) {
        self.lottery.rebuild(choices);
        let all = choices.all();
        let total: f64 = all.iter().map(|one| f64::from(one.weight)).sum();
        self.weight_mean = total / f64::from(u32::try_from(all.len()).unwrap_or(u32::MAX));
        self.averages.reserve(all.len());
    }

    fn pick<'c>(&mut self, choices: &'c Choices, request: &PickRequest<'_>) -> Option<&'c Choice> {
        let (first, second) = self.lottery.two(choices, request)?;
        let Some(second) = second else { return Some(first) };
        let is_cheaper = self.cost(second, request.now) < self.cost(first, request.now);
        Some(if is_cheaper { second } else { first })
    }

    fn refresh(&mut self, choices: &Choices, now: Instant) -> Instant {
        self.averages.clear();
        let measured = choices.all().iter().filter_map(|one| one.state.latency());
        self.averages.extend(measured.map(|(average, _)| average));
        let middle = self.averages.len() / 2;
        self.median = match self.averages.get(middle) {
            Some(_) => nanos(*self.averages.select_nth_unstable(middle).1),
            None => 1.0,
        };
        now + MEDIAN_STEP
    }
}

impl PeakEwma {
    fn cost(&self, choice: &Choice, now: Instant) -> f64 {
        let latency = match choice.state.latency() {
            Some((average, at)) => approach(nanos(average), self.median, now.since(at)),
            None => self.median,
        };
        let share = f64::from(choice.weight) / self.weight_mean;
        latency * (f64::from(choice.state.in_flight()) / share + 1.0)
    }
}

fn penalty(state: &ServerState, latency: Duration) -> Duration {
    let doublings = state.consecutive_failures().saturating_sub(1).min(16);
    let average = state.latency().map_or(Duration::ZERO, |(average, _)| average);
    let sample = latency.max(FAILURE).saturating_mul(1 << doublings).min(FAILURE_MAX);
    // It must not bring the average down either.
    sample.max(latency).max(average)
}

/// Where an average that was `from` a while ago stands, on its way `to`.
fn approach(from: f64, to: f64, elapsed: Duration) -> f64 {
    to + (from - to) * (-elapsed.as_secs_f64() / DECAY.as_secs_f64()).exp()
}

#[expect(clippy::cast_precision_loss, reason = "a latency needs no more than 53 bits")]
fn nanos(duration: Duration) -> f64 {
    duration.as_nanos() as f64
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the conversion saturates, and averages of durations are not negative"
)]
fn whole(nanos: f64) -> u64 {
    nanos as u64
}
