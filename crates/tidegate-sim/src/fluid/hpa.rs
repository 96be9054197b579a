//! The autoscaler that most people know: Kubernetes' horizontal one, version 2, on CPU.
//!
//! Its algorithm to the letter (`replica_calculator.go` and `horizontal.go` of release 1.31):
//! proportional to the mean CPU of the ready pods with a tolerance; pods that are not ready or have
//! no sample since they are, counted as idle when it grows; a scale-up of at most the larger of
//! 100 % and 4 pods each 15 seconds; and the highest recommendation of the last 300 seconds before
//! it shrinks. CPU is demand over capacity, which a saturated pod does not exceed, and is 60
//! seconds old when it is seen.

use std::collections::VecDeque;

use super::fleet::Size;
use super::replay::{Scaler, Seen, TICK_SECONDS};

/// How old a measure is when it is seen.
const DELAY_TICKS: usize = (60 / TICK_SECONDS) as usize;
/// The recommendations of how long are looked at before it shrinks.
const WINDOW_TICKS: usize = (300 / TICK_SECONDS) as usize;
/// `--horizontal-pod-autoscaler-tolerance`.
const TOLERANCE: f64 = 0.1;

/// Kubernetes' autoscaler at a share of CPU.
#[derive(Clone, Debug)]
pub struct Hpa {
    target: f64,
    /// CPU and serving pods of the last ticks, the latest last.
    past: VecDeque<(f64, u32)>,
    recommended: VecDeque<u32>,
}

impl Hpa {
    /// One that aims at this share of CPU.
    #[must_use]
    pub const fn new(target: f64) -> Self {
        Self { target, past: VecDeque::new(), recommended: VecDeque::new() }
    }

    /// `GetResourceReplicas`: what the measures ask for.
    fn desired(&self, seen: &Seen<'_>) -> u32 {
        let current = seen.fleet.committed();
        let Some(&(cpu, then)) = self.past.front().filter(|_| self.past.len() == DELAY_TICKS)
        else {
            return current;
        };
        // A pod that joined after the measure was taken has none of its own yet.
        let measured = then.min(seen.fleet.serving);
        let unready = current - measured;
        let ratio = cpu / self.target;
        if unready == 0 || ratio <= 1.0 {
            return if within(ratio) { current } else { ceil(ratio * f64::from(measured)) };
        }
        let adjusted = ratio * f64::from(measured) / f64::from(current);
        if within(adjusted) || adjusted < 1.0 {
            return current;
        }
        ceil(adjusted * f64::from(current)).max(current)
    }
}

impl Scaler for Hpa {
    fn size(&mut self, seen: &Seen<'_>) -> Size {
        if let Some(demand) = seen.demand {
            let capacity = f64::from(seen.served_by) * seen.capacity;
            let cpu = if capacity > 0.0 { (demand / capacity).min(1.0) } else { 1.0 };
            self.past.push_back((cpu, seen.served_by));
            keep(&mut self.past, DELAY_TICKS);
        }
        let current = seen.fleet.committed();
        let desired = self.desired(seen);
        self.recommended.push_back(desired);
        keep(&mut self.recommended, WINDOW_TICKS);
        let stable = self.recommended.iter().copied().max().unwrap_or(desired);
        let wanted = if desired < current { stable.min(current) } else { desired };
        let limit = (2 * current).max(current + 4);
        Size { servers: wanted.min(limit), warm: 0 }
    }
}

/// Keeps the last of a queue.
fn keep<T>(queue: &mut VecDeque<T>, length: usize) {
    while queue.len() > length {
        queue.pop_front();
    }
}

fn within(ratio: f64) -> bool {
    (1.0 - ratio).abs() <= TOLERANCE
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count, above 0")]
fn ceil(count: f64) -> u32 {
    count.ceil() as u32
}
