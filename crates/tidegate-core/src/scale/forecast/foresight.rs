//! The forecast of a pool: models side by side, each with its errors and what it would have cost.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::bins::{BIN_MILLIS, Bins, DAY, HOUR, Series, WEEK};
use super::errors::{Errors, Margin, share};
use super::flash::Flash;
use super::holt_winters::{self, HoltWinters, Learns};
use super::{naive, period};
use crate::time::{Duration, UnixTime};

/// What a late request costs, in what serving it would have: where nothing is to be launched below,
/// and where nothing is to be stopped above.
const PRICE_LIKELY: f64 = 8.0;
const PRICE_SAFE: f64 = 45.0;
/// Until so many bins are known, demand is taken to be as wild as this factor.
const TRUSTED: usize = DAY;
const UNTRUSTED: f64 = 1.0 / 0.7;
/// How much cheaper than the reactive model another has to have been.
const CHEAPER: f64 = 0.98;
/// How fast weights follow costs: a model that costs a twentieth more weighs a third.
const SHARPNESS: f64 = 20.0;
/// Bins after which a cost counts half.
const COST_HALF_LIFE: f64 = 2.0 * 5760.0;
/// The farthest that is foreseen, in bins: an hour.
const HORIZON_MAX: usize = HOUR;
/// No more than this comes in a second, whatever is said.
pub const RATE_MAX: f64 = 1e12;
/// Bins that "now" is the mean of, where models compare with it.
const NOW: usize = 4;
/// How often a period is looked for, in bins.
const PERIOD_EVERY: usize = DAY;

/// The models, in the order of their states.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Model {
    /// As now.
    Reactive,
    /// As an hour ago.
    Hourly,
    /// As a day ago.
    Daily,
    /// As a week ago.
    Weekly,
    /// As one found period ago.
    Periodic,
    /// As the days' profile says.
    HoltWinters,
}

const MODELS: [Model; 6] = [
    Model::Reactive,
    Model::Hourly,
    Model::Daily,
    Model::Weekly,
    Model::Periodic,
    Model::HoltWinters,
];

/// Whose word counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listen {
    /// Every model's that has earned it.
    All,
    /// Only that of the reactive one.
    Now,
}

/// What demand may be, in requests a second, at its highest until the horizon.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Upper {
    /// Demand now.
    pub level: f64,
    /// Capacity for less should not wait to be launched.
    pub likely: f64,
    /// Capacity for more is not worth its price.
    pub safe: f64,
    /// The model that counts most.
    pub model: Model,
}

impl Upper {
    /// What a part of it may be.
    #[must_use]
    pub fn part(self, part: f64) -> Self {
        let Self { level, likely, safe, model } = self;
        Self { level: level * part, likely: likely * part, safe: safe * part, model }
    }
}

/// Past demand and what it says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Forecast {
    bins: Bins,
    /// How the highest demand of the horizon compared with the level before it.
    grown: Series,
    levels: VecDeque<f64>,
    members: Vec<Member>,
    flash: Flash,
    holt_winters: HoltWinters,
    period: Option<usize>,
    /// Bins that are over, and the number of the last one since the epoch.
    seen: usize,
    bin: u64,
    horizon: usize,
    /// Demand below this makes no difference.
    grain: f64,
}

/// A model with its errors.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Member {
    errors: Errors,
    cost: f64,
    scored: usize,
    /// What it said at the last bins, the latest last.
    said: VecDeque<Word>,
}

/// What a model said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Word {
    /// The logarithm of the growth; `None`: it said nothing.
    growth: Option<f64>,
    /// The demand from which it grows.
    level: f64,
    unit: f64,
    likely: f64,
    safe: f64,
}

impl Default for Forecast {
    fn default() -> Self {
        Self {
            bins: Bins::default(),
            grown: Series::default(),
            levels: VecDeque::new(),
            members: vec![Member::default(); MODELS.len()],
            flash: Flash::default(),
            holt_winters: HoltWinters::default(),
            period: None,
            seen: 0,
            bin: 0,
            horizon: 1,
            grain: 1e-3,
        }
    }
}

impl Forecast {
    /// From a launch to a server that serves, and the demand that makes no difference: a part of
    /// what one server can do.
    pub fn look_ahead(&mut self, startup: Duration, grain: f64) {
        let bins = startup.as_millis().div_ceil(u128::from(BIN_MILLIS));
        self.horizon = usize::try_from(bins).unwrap_or(HORIZON_MAX).clamp(0, HORIZON_MAX - 1) + 1;
        if grain.is_finite() && grain > 0.0 {
            self.grain = grain;
        }
    }

    /// `rate` requests a second came since this was last called.
    pub fn observe(&mut self, rate: f64, at: UnixTime) {
        if !rate.is_finite() {
            return;
        }
        let mut bins = std::mem::take(&mut self.bins);
        bins.observe(rate.clamp(0.0, RATE_MAX), at, |past| {
            self.bin = at.as_millis() / BIN_MILLIS;
            self.learn(past);
        });
        self.bins = bins;
    }

    /// Takes rows of past demand, in the order of time, each with its rate since the one before.
    pub fn preload(&mut self, rows: impl IntoIterator<Item = (UnixTime, f64)>) {
        for (at, rate) in rows {
            self.observe(rate, at);
        }
    }

    /// What demand may be until a launch of now serves, where it is at least `now`; `None`: nothing
    /// has come yet.
    #[must_use]
    pub fn upper(&self, now: f64, listen: Listen) -> Option<Upper> {
        let level = self.bins.level()?.max(now.min(RATE_MAX));
        let mut upper = Upper { level, likely: level, safe: level, model: Model::Reactive };
        let mut weights = 0.0;
        let (mut likely, mut safe, mut most) = (0.0, 0.0, 0.0);
        let floored = level.max(self.grain);
        for (member, model) in self.members.iter().zip(MODELS) {
            let Some(word) = member.said.back().filter(|_| self.listens_to(model, listen)) else {
                continue;
            };
            let Some(growth) = word.growth else { continue };
            let base = if model == Model::Reactive { floored } else { word.level.max(self.grain) };
            let weight =
                (-SHARPNESS * (member.cost - self.members[0].cost)).clamp(-40.0, 40.0).exp();
            weights += weight;
            likely += weight * (base * growth.exp() * word.likely).ln();
            safe += weight * (base * growth.exp() * word.safe).ln();
            if weight > most {
                (most, upper.model) = (weight, model);
            }
        }
        if weights > 0.0 {
            upper.likely = (likely / weights).exp().max(level);
            upper.safe = (safe / weights).exp().max(upper.likely);
        }
        if self.seen < TRUSTED {
            upper.safe = upper.safe.max(level * UNTRUSTED);
            upper.likely = upper.safe;
        }
        Some(upper)
    }

    /// Whether demand leaps as no day does.
    #[must_use]
    pub fn is_flash(&self) -> bool {
        self.flash.is_on()
    }

    /// Whether demand leaps so, or did lately: crowds come in waves.
    #[must_use]
    pub fn is_flash_near(&self) -> bool {
        self.flash.is_near()
    }

    /// Bins of past demand that are known.
    #[must_use]
    pub fn known(&self) -> usize {
        self.seen
    }

    /// A model is believed once it has been cheaper than the reactive one for a day.
    fn listens_to(&self, model: Model, listen: Listen) -> bool {
        let reactive = &self.members[0];
        let member = &self.members[model as usize];
        model == Model::Reactive
            || (listen == Listen::All
                && !self.flash.is_on()
                && member.scored >= DAY
                && member.cost < reactive.cost * CHEAPER)
    }

    /// A bin is over.
    fn learn(&mut self, past: &Series) {
        let Some(demand) = past.back(0) else {
            // Nothing is known of it: what was said about it is not held against anybody.
            self.levels.clear();
            self.grown.push(None);
            for member in &mut self.members {
                member.said.clear();
            }
            return;
        };
        self.seen += 1;
        self.flash.observe(demand.max(self.grain));
        self.judge(past);
        let level = past.mean(NOW).unwrap_or(demand).max(self.grain);
        self.levels.push_back(level);
        while self.levels.len() > HORIZON_MAX + 1 {
            self.levels.pop_front();
        }
        self.smooth(past);
        if self.seen.is_multiple_of(PERIOD_EVERY) {
            self.period = period::find(past);
        }
        self.speak(demand.max(self.grain), level);
    }

    /// Compares what was said a horizon ago with what came since.
    fn judge(&mut self, past: &Series) {
        let highest = past.highest(self.horizon).unwrap_or(0.0).max(self.grain);
        let ago = self.levels.len().checked_sub(self.horizon);
        let then = ago.and_then(|ago| self.levels.get(ago));
        self.grown.push(then.map(|then| highest / then));
        let weight = highest / self.grain;
        for member in &mut self.members {
            let Some(place) = member.said.len().checked_sub(self.horizon) else { continue };
            let Some(word) = member.said.get(place).copied() else { continue };
            let Some(growth) = word.growth else { continue };
            let said = word.level * growth.exp();
            member.errors.add((highest / said).ln(), word.unit, weight);
            let late = if highest > said * word.safe { PRICE_SAFE } else { 0.0 };
            let cost = (said * word.safe / highest).min(10.0) + late;
            member.scored += 1;
            let part = share(COST_HALF_LIFE).max(1.0 / member.scored as f64);
            member.cost += part * (cost - member.cost);
        }
    }

    fn smooth(&mut self, past: &Series) {
        let place = self.bin as usize / holt_winters::STEP;
        if !(self.bin as usize).is_multiple_of(holt_winters::STEP) {
            return;
        }
        let learns = if self.flash.is_on() { Learns::NotTheProfile } else { Learns::All };
        if let Some(mean) = past.mean(holt_winters::STEP) {
            // The step that ends now is the one before the place of now.
            let place = place + DAY / holt_winters::STEP - 1;
            self.holt_winters.observe(mean.max(self.grain), place, learns);
        }
    }

    /// Each model says what it expects.
    fn speak(&mut self, demand: f64, level: f64) {
        for model in MODELS {
            let growth = self.growth(model);
            let level = if model == Model::Reactive { demand } else { level };
            let member = &mut self.members[model as usize];
            let Margin { likely, safe } = match growth {
                Some(_) => member.errors.margin(PRICE_LIKELY, PRICE_SAFE),
                None => Margin { likely: 1.0, safe: 1.0 },
            };
            let unit = member.errors.scale();
            member.said.push_back(Word { growth, level, unit, likely, safe });
            while member.said.len() > HORIZON_MAX {
                member.said.pop_front();
            }
        }
    }

    fn growth(&self, model: Model) -> Option<f64> {
        let naive = |period| naive::growth(&self.grown, period, self.horizon);
        match model {
            Model::Reactive => Some(0.0),
            Model::Hourly => naive(HOUR),
            Model::Daily => naive(DAY),
            Model::Weekly => naive(WEEK),
            Model::Periodic => naive(self.period?),
            Model::HoltWinters => {
                self.holt_winters.growth((self.bin % DAY as u64) as usize, self.horizon)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::rng::Rng;

    const STARTUP: Duration = Duration::from_secs(180);

    fn at(bin: usize) -> UnixTime {
        UnixTime::from_millis((1_000_000 + bin as u64) * BIN_MILLIS)
    }

    /// A forecast after so many bins of demand.
    fn after(bins: usize, demand: impl Fn(usize) -> f64) -> Forecast {
        let mut forecast = Forecast::default();
        forecast.look_ahead(STARTUP, 1.0);
        let rows = (0..bins).map(|bin| (at(bin + 1), demand(bin)));
        forecast.preload(rows);
        forecast
    }

    fn upper(forecast: &Forecast) -> Upper {
        forecast.upper(0.0, Listen::All).expect("demand came")
    }

    /// Six hours of calm, then within a minute four times the demand for six hours, every day.
    fn shop(bin: usize) -> f64 {
        let mut rng = Rng::new(bin as u64);
        let level = if bin % DAY < DAY / 4 { 100.0 } else { 400.0 };
        level * (1.0 + 0.02 * (rng.ratio() - 0.5))
    }

    #[test]
    fn a_young_forecast_says_nothing_but_a_wide_margin() {
        let young = upper(&after(100, |_| 100.0));
        assert_eq!(young.model, Model::Reactive);
        assert!((young.safe - 100.0 / 0.7).abs() < 1e-6 && young.likely >= 142.0, "{young:?}");
        let grown = upper(&after(3 * DAY, |_| 100.0));
        assert!(grown.safe < 105.0, "{grown:?}");
    }

    #[test]
    fn a_daily_rise_is_foreseen_before_it_comes() {
        let eve = 6 * DAY + DAY / 4 - 6;
        let forecast = after(eve, shop);
        let foreseen = upper(&forecast);
        assert!(foreseen.model != Model::Reactive && foreseen.safe > 250.0, "{foreseen:?}");
        let now = forecast.upper(0.0, Listen::Now).expect("demand came");
        assert!(now.safe < 200.0, "{now:?}");
        let calm = upper(&after(6 * DAY + DAY / 8, shop));
        assert!(calm.safe < 130.0, "hours before: {calm:?}");
    }

    #[test]
    fn a_flash_of_yesterday_does_not_echo() {
        let flash = 3 * DAY + DAY / 2;
        let once = |bin: usize| if (flash..flash + 60).contains(&bin) { 2000.0 } else { 100.0 };
        let during = after(flash + 8, once);
        assert!(during.is_flash());
        let next = after(flash + DAY - 5, once);
        assert!(!next.is_flash());
        assert!(upper(&next).safe < 200.0, "{:?}", upper(&next));
    }

    #[test]
    fn it_outlives_a_restart() {
        let forecast = after(2 * DAY, shop);
        let kept = serde_json::to_string(&forecast).expect("plain data");
        let back: Forecast = serde_json::from_str(&kept).expect("it was written so");
        let (one, other) = (upper(&forecast), upper(&back));
        assert!((one.safe - other.safe).abs() < 1e-3 && one.model == other.model);
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

        #[test]
        fn whatever_comes_it_is_a_number_and_above_demand(
            rows in proptest::collection::vec((0_u64..400_000, -1.0..1e9), 1..400),
            odd in proptest::sample::select(vec![f64::NAN, f64::INFINITY, 0.0, 1e300]),
            startup in 0_u64..100_000,
        ) {
            let mut forecast = Forecast::default();
            let mut now = 1_700_000_000_000;
            for (place, (step, rate)) in rows.into_iter().enumerate() {
                now += step;
                forecast.look_ahead(Duration::from_secs(startup), 1.0);
                let rate = if place % 50 == 49 { odd } else { rate };
                forecast.observe(rate, UnixTime::from_millis(now));
                if let Some(upper) = forecast.upper(0.0, Listen::All) {
                    let Upper { level, likely, safe, .. } = upper;
                    prop_assert!(safe.is_finite() && likely.is_finite(), "{upper:?}");
                    prop_assert!(safe >= likely && likely >= level && level >= 0.0, "{upper:?}");
                }
            }
        }
    }
}
