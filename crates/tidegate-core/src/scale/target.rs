//! Proportional target tracking, as the Kubernetes Horizontal Pod Autoscaler (autoscaling/v2) does
//! it, but on arrivals, which neither saturate nor lag.
//!
//! `desired = ceil(current × value / target)`, and nothing while the ratio is within a tenth of 1.
//! Shrinking waits: the highest recommendation of the last five minutes holds.

use std::collections::VecDeque;

use crate::time::{Duration, Instant};

/// How often it is asked, as Kubernetes' is. It has no thresholds that have to be passed so many
/// times in a row, so there is nothing that another period would be for.
pub const PERIOD: Duration = Duration::from_secs(15);
/// A ratio so near to 1 changes nothing.
pub const TOLERANCE: f64 = 0.1;
/// The highest recommendation of so long holds.
pub const STABILIZATION: Duration = Duration::from_secs(300);
/// The share of a server's capacity that is aimed at where nothing else is said.
pub const UTILIZATION: f64 = 0.7;
/// Recommendations that are remembered; at one each period this covers the window.
const KEPT: usize = 512;

/// How many servers of `current` bring what they measure together, `total`, to `target` each;
/// `current` where that is near enough.
#[must_use]
pub fn servers_for(total: f64, target: f64, current: u32) -> u32 {
    let ratio = total / (target * f64::from(current.max(1)));
    if current > 0 && (ratio - 1.0).abs() <= TOLERANCE {
        return current;
    }
    ceil(total / target)
}

/// The next whole number, so much above zero as not to be noise of the arithmetic.
#[must_use]
pub fn ceil(servers: f64) -> u32 {
    // A cast saturates, and makes 0 of a NaN.
    (servers - 1e-9).ceil().max(0.0) as u32
}

/// Recommendations of the last while.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Window(VecDeque<(Instant, u32)>);

impl Window {
    /// The highest recommendation of the window, this one included.
    pub fn highest(&mut self, recommended: u32, now: Instant) -> u32 {
        while self.0.front().is_some_and(|(then, _)| now.since(*then) > STABILIZATION) {
            self.0.pop_front();
        }
        // A lower one before a higher one can never be the highest again.
        while self.0.back().is_some_and(|(_, lower)| *lower <= recommended) {
            self.0.pop_back();
        }
        if self.0.len() == KEPT {
            self.0.pop_back();
        }
        self.0.push_back((now, recommended));
        self.0.front().map_or(recommended, |(_, highest)| *highest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proportional_with_a_dead_band() {
        for (total, target, current, servers) in [
            (700.0, 70.0, 10, 10),
            (760.0, 70.0, 10, 10),
            (780.0, 70.0, 10, 12),
            (640.0, 70.0, 10, 10),
            (620.0, 70.0, 10, 9),
            (0.0, 70.0, 10, 0),
            (35.0, 70.0, 0, 1),
            (7000.0, 70.0, 10, 100),
        ] {
            assert_eq!(servers_for(total, target, current), servers, "{total} on {current}");
        }
    }

    #[test]
    fn the_highest_recommendation_of_five_minutes_holds() {
        let mut window = Window::default();
        let at = |seconds| Instant::ZERO + Duration::from_secs(seconds);
        for (second, recommended, highest) in
            [(0, 10, 10), (60, 30, 30), (120, 12, 30), (360, 8, 30), (361, 8, 12), (421, 8, 8)]
        {
            assert_eq!(window.highest(recommended, at(second)), highest, "at {second} s");
        }
    }
}
