//! Holt-Winters with a damped trend and a daily profile, several settings side by side.
//!
//! `l = α(y/s) + (1−α)(l + φb)`, `b = β(l − l₋) + (1−β)φb`, `s = γ(y/l) + (1−γ)s`, in steps of five
//! minutes. There is nothing to tune: all settings run, and the one whose words of the last hours
//! were nearest to what came is listened to.

use serde::{Deserialize, Serialize};

use super::bins::DAY;
use super::errors::share;

/// Bins of a step.
pub const STEP: usize = 20;
/// Steps of a day.
const SEASON: usize = DAY / STEP;
/// How much of the trend is left after a step.
const DAMPING: f64 = 0.9;
/// α, β, γ.
const SETTINGS: [(f64, f64, f64); 6] = [
    (0.2, 0.05, 0.2),
    (0.2, 0.05, 0.5),
    (0.5, 0.1, 0.2),
    (0.5, 0.1, 0.5),
    (0.8, 0.2, 0.2),
    (0.8, 0.2, 0.5),
];
/// Steps after which the loss of a setting counts half.
const LOSS_HALF_LIFE: f64 = 72.0;

/// The settings side by side.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct HoltWinters {
    smoothers: Vec<Smoother>,
    steps: usize,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Smoother {
    level: f64,
    trend: f64,
    profile: Vec<f64>,
    loss: f64,
}

impl HoltWinters {
    /// Takes the mean demand of a step, which is the `place`th of the day. With `frozen` the
    /// profile stays as it is.
    pub fn observe(&mut self, demand: f64, place: usize, learns: Learns) {
        if !(demand.is_finite() && demand > 0.0) {
            return;
        }
        if self.smoothers.is_empty() {
            let fresh =
                Smoother { level: demand, trend: 0.0, profile: vec![1.0; SEASON], loss: 0.0 };
            self.smoothers = vec![fresh; SETTINGS.len()];
        }
        for (smoother, setting) in self.smoothers.iter_mut().zip(SETTINGS) {
            smoother.step(demand, place % SEASON, setting, learns);
        }
        self.steps += 1;
    }

    /// By what demand will have grown at most, as a logarithm, when so many bins after the bin
    /// `bin` of the day have passed. `None`: fewer than two days are known.
    #[must_use]
    pub fn growth(&self, bin: usize, horizon: usize) -> Option<f64> {
        if self.steps < 2 * SEASON {
            return None;
        }
        let best = self.smoothers.iter().min_by(|one, other| one.loss.total_cmp(&other.loss))?;
        let now = best.shape(bin);
        let later = |ahead: usize| best.shape(bin + ahead) * best.drift(ahead);
        let half = later(horizon.div_ceil(2)).max(later(horizon));
        Some((half.max(now) / now).ln().clamp(0.0, 2.0))
    }
}

/// Whether a profile learns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Learns {
    /// It does.
    All,
    /// The profile stays as it is: this is no day like others.
    NotTheProfile,
}

impl Smoother {
    fn step(&mut self, demand: f64, place: usize, setting: (f64, f64, f64), learns: Learns) {
        let (alpha, beta, gamma) = setting;
        let season = self.profile.get(place).copied().unwrap_or(1.0).max(1e-3);
        let said = ((self.level + DAMPING * self.trend) * season).max(1e-9);
        let loss = (demand / said).ln().abs().min(3.0);
        self.loss += share(LOSS_HALF_LIFE) * (loss - self.loss);
        let before = self.level;
        let level = alpha * demand / season + (1.0 - alpha) * (before + DAMPING * self.trend);
        self.level = level.max(1e-9);
        self.trend = beta * (self.level - before) + (1.0 - beta) * DAMPING * self.trend;
        if learns == Learns::All
            && let Some(season) = self.profile.get_mut(place)
        {
            *season = (gamma * demand / self.level + (1.0 - gamma) * *season).clamp(1e-3, 1e3);
        }
    }

    /// The profile at a bin, between the middles of its steps.
    fn shape(&self, bin: usize) -> f64 {
        let at = |step: usize| self.profile.get(step % SEASON).copied().unwrap_or(1.0);
        let middle = bin % DAY + DAY - STEP / 2;
        let part = (middle % STEP) as f64 / STEP as f64;
        at(middle / STEP) * (1.0 - part) + at(middle / STEP + 1) * part
    }

    /// What the trend makes of the level, relative to it.
    fn drift(&self, ahead: usize) -> f64 {
        let steps = ahead as f64 / STEP as f64;
        (1.0 + DAMPING * self.trend * steps / self.level).clamp(0.5, 2.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_daily_rise_is_foreseen_after_some_days_and_nothing_before() {
        let mut model = HoltWinters::default();
        let demand =
            |step: usize| if (100..200).contains(&(step % SEASON)) { 300.0 } else { 100.0 };
        for step in 0..5 * SEASON {
            assert_eq!(model.growth(0, 13).is_some(), step >= 2 * SEASON);
            model.observe(demand(step), step, Learns::All);
        }
        let rise = model.growth(99 * STEP + 5, STEP).expect("five days are known").exp();
        let calm = model.growth(150 * STEP, STEP).expect("five days are known").exp();
        assert!(rise > 1.2 && calm < 1.1, "{rise} {calm}");
    }

    #[test]
    fn a_frozen_profile_does_not_learn() {
        let mut model = HoltWinters::default();
        for step in 0..4 * SEASON {
            let flash = step / SEASON == 3 && (50..60).contains(&(step % SEASON));
            let learns = if flash { Learns::NotTheProfile } else { Learns::All };
            model.observe(if flash { 5000.0 } else { 100.0 }, step, learns);
        }
        let echo = model.growth(49 * STEP, STEP).expect("four days are known").exp();
        assert!(echo < 1.3, "{echo}");
    }
}
