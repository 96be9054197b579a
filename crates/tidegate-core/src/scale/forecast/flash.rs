//! Tells a flash of demand from the shape of a day: a cumulated sum of surprises.
//!
//! Page's test (1954) on the logarithm of demand over the mean of the last quarter of an hour, in
//! units of its usual size. A flash is over when demand is near that mean again, or the mean near
//! demand; but crowds come in waves, so for a while after it another is near.

use serde::{Deserialize, Serialize};

use super::errors::share;

/// A surprise as large as this many units is usual.
const USUAL: f64 = 2.5;
/// The sum at which it is a flash.
const ALARM: f64 = 10.0;
/// Bins after which the mean has forgotten half.
const MEAN_HALF_LIFE: f64 = 60.0;
const SIZE_HALF_LIFE: f64 = 5760.0;
/// A growth below this, as a logarithm, is no flash, however calm it was before: a third.
const GROWTH_MIN: f64 = 0.3;
/// Bins after a flash in which another is near: half an hour.
const NEAR: u32 = 120;

/// Watches for flashes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Flash {
    mean: f64,
    size: f64,
    sum: f64,
    /// Bins in which another is near.
    near: u32,
}

impl Flash {
    /// Takes the demand of a bin, above 0.
    pub fn observe(&mut self, demand: f64) {
        if !(demand.is_finite() && demand > 0.0) {
            return;
        }
        if self.mean <= 0.0 {
            (self.mean, self.size) = (demand, 0.1);
            return;
        }
        let surprise = (demand / self.mean).ln();
        let unit = self.size.max(0.02);
        if surprise < GROWTH_MIN {
            self.sum = 0.0;
        } else {
            self.sum += surprise / unit - USUAL;
            self.sum = self.sum.clamp(0.0, 4.0 * ALARM);
        }
        self.near = if self.is_on() { NEAR } else { self.near.saturating_sub(1) };
        self.size += share(SIZE_HALF_LIFE) * (surprise.abs().min(4.0 * unit) - self.size);
        self.mean += share(MEAN_HALF_LIFE) * (demand - self.mean);
    }

    /// Whether there is one.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.sum >= ALARM
    }

    /// Whether there is one, or was one lately.
    #[must_use]
    pub fn is_near(&self) -> bool {
        self.near > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_times_the_demand_is_a_flash_and_a_rising_morning_is_none() {
        let mut flash = Flash::default();
        for bin in 0..20_000 {
            let hour = f64::from(bin) / 240.0;
            flash.observe(100.0 * (1.2 + (hour * std::f64::consts::TAU / 24.0).sin()));
            assert!(!flash.is_on(), "bin {bin}");
        }
        for bin in 0..8 {
            flash.observe(2000.0);
            assert!(flash.is_on() || bin < 1, "bin {bin}");
        }
        while flash.is_on() {
            flash.observe(150.0);
        }
        for bin in 2..NEAR {
            flash.observe(150.0);
            assert!(flash.is_near() && !flash.is_on(), "another may come: bin {bin}");
        }
        flash.observe(150.0);
        assert!(!flash.is_near());
    }
}
