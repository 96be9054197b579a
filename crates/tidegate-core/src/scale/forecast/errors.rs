//! How far above a model's word demand came: a histogram that forgets, and the margin that is
//! worth its price.
//!
//! An error is the logarithm of what came over what was said, in units of how much that varied of
//! late; so one histogram serves calm nights and busy evenings. Errors weigh as much as the demand
//! that came with them: a promise is about requests, not about hours. No quantile is aimed at. A
//! margin costs what it adds to the servers, too low a one costs `price` times what comes late, and
//! the margin is where the sum is least: far out where errors are rare and small, near where they
//! are wild and no reasonable number of servers would meet them.

use serde::{Deserialize, Serialize};

/// Cells of the histogram.
const CELLS: usize = 300;
/// The width of a cell, and where the first begins, in units of the scale.
const WIDTH: f64 = 0.1;
const LOW: f64 = -10.0;
/// Bins after which an error counts half.
const HALF_LIFE: f64 = 2.0 * 5760.0;
/// The same for the scale of late and for the usual one.
const SCALE_HALF_LIFE: f64 = 480.0;
const USUAL_HALF_LIFE: f64 = 2.0 * 5760.0;
/// The share of the scale of late in the one that is used.
const LATE_SHARE: f64 = 0.7;
/// The least scale: a hundredth.
const SCALE_MIN: f64 = 0.01;
/// Weights are brought down when they are beyond this.
const WEIGHT_MAX: f64 = 1e100;

/// The errors of a model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Errors {
    cells: Vec<f64>,
    total: f64,
    /// What the next error weighs: it grows, which is as good as older ones shrinking.
    weight: f64,
    scale: f64,
    usual: f64,
    count: f64,
}

/// What a word is to be multiplied with.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Margin {
    /// Where what comes late costs a little.
    pub likely: f64,
    /// Where it costs much.
    pub safe: f64,
}

impl Default for Errors {
    fn default() -> Self {
        Self {
            cells: vec![0.0; CELLS],
            total: 0.0,
            weight: 1.0,
            scale: 0.05,
            usual: 0.05,
            count: 0.0,
        }
    }
}

impl Errors {
    /// The unit of errors now.
    #[must_use]
    pub fn scale(&self) -> f64 {
        (LATE_SHARE * self.scale + (1.0 - LATE_SHARE) * self.usual).max(SCALE_MIN)
    }

    /// Adds an error that was made in the unit of its time; `weight` is the demand that came.
    pub fn add(&mut self, error: f64, unit: f64, weight: f64) {
        if !(error.is_finite() && unit > 0.0 && weight > 0.0 && weight.is_finite()) {
            return;
        }
        let cell = (((error / unit - LOW) / WIDTH).max(0.0) as usize).min(CELLS - 1);
        self.weight *= (1.0 / HALF_LIFE).exp2();
        if let Some(cell) = self.cells.get_mut(cell) {
            *cell += self.weight * weight;
            self.total += self.weight * weight;
        }
        if self.weight > WEIGHT_MAX {
            self.bring_down();
        }
        self.count += 1.0;
        let size = error.abs().min(4.0 * self.scale.max(self.usual));
        self.scale += share(SCALE_HALF_LIFE) * (size - self.scale);
        let usual = share(USUAL_HALF_LIFE).max(1.0 / self.count);
        self.usual += usual * (error.abs().min(1.0) - self.usual);
    }

    fn bring_down(&mut self) {
        for cell in &mut self.cells {
            *cell /= self.weight;
        }
        self.total /= self.weight;
        self.weight = 1.0;
    }

    /// The margins at which servers and late requests cost least together, where a late request
    /// costs so many times what serving it would.
    #[must_use]
    pub fn margin(&self, price_likely: f64, price_safe: f64) -> Margin {
        if self.total <= 0.0 {
            return Margin { likely: 1.0, safe: 1.0 };
        }
        let unit = self.scale();
        let step = (-WIDTH * unit).exp();
        let mut factor = ((LOW + WIDTH * CELLS as f64) * unit).exp();
        let mut above = 0.0;
        let (mut likely, mut safe) = ((f64::INFINITY, 1.0), (f64::INFINITY, 1.0));
        for cell in self.cells.iter().rev() {
            let share = above / self.total;
            for (price, best) in [(price_likely, &mut likely), (price_safe, &mut safe)] {
                let cost = factor + price * share;
                if cost < best.0 {
                    *best = (cost, factor);
                }
            }
            above += cell;
            factor *= step;
            if share > 0.9 {
                break;
            }
        }
        Margin { likely: likely.1, safe: safe.1 }
    }
}

/// The weight of the latest in a mean that forgets half after so many.
pub(super) fn share(half_life: f64) -> f64 {
    1.0 - (-1.0 / half_life).exp2()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Rng;

    #[test]
    fn a_wider_spread_or_a_higher_price_makes_a_wider_margin() {
        let margin = |spread: f64, price: f64| {
            let (mut rng, mut errors) = (Rng::new(1), Errors::default());
            for _ in 0..20_000 {
                let unit = errors.scale();
                errors.add((rng.ratio() + rng.ratio() - 1.0) * spread, unit, 1.0);
            }
            errors.margin(price / 8.0, price)
        };
        let (calm, wild) = (margin(0.05, 40.0), margin(0.5, 40.0));
        assert!(calm.safe < 1.06 && calm.safe > 1.02, "{calm:?}");
        assert!(wild.safe > 1.3 && wild.safe < 1.66, "{wild:?}");
        assert!(wild.likely < wild.safe);
        assert!(margin(0.5, 400.0).safe > wild.safe);
    }

    #[test]
    fn a_rare_leap_is_not_held_capacity_for_all_day() {
        let mut errors = Errors::default();
        for place in 0..20_000 {
            let unit = errors.scale();
            errors.add(if place % 150 == 0 { 1.5 } else { 0.02 }, unit, 1.0);
        }
        let margin = errors.margin(5.0, 40.0);
        assert!(margin.safe < 1.3, "{margin:?}");
    }

    #[test]
    fn nonsense_is_left_out() {
        let mut errors = Errors::default();
        errors.add(f64::NAN, 1.0, 1.0);
        errors.add(1.0, 0.0, 1.0);
        errors.add(1.0, 1.0, f64::INFINITY);
        assert_eq!(errors, Errors::default());
    }
}
