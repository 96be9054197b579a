//! Thresholds with steps: warn, scale, emergency, and down.
//!
//! Once a period each metric is compared with its ladder. A threshold counts when it has been
//! passed for so many periods in a row; the metric that wishes for most wins. From `warn` on
//! instances are started and kept warm; from `scale` on the pool grows, by a share or to a target;
//! an emergency waits for no period and no cooldown. Each step is one of the servers in rotation,
//! which the metric is of: what was ordered and has not arrived is not ordered again. The pool
//! shrinks only if every metric that is looked at is known and low.

use super::guard::most_after;
use super::observed::Observed;
use super::target;
use super::wish::{Source, Wish};
use crate::model::autoscale::{Autoscale, Ladder, Levels};
use crate::time::Instant;

/// What is kept warm from `warn` on, of the pool.
const WARN_SHARE: f64 = 0.1;
/// What a step adds, of the pool.
const SCALE_SHARE: f64 = 0.3;

/// How long thresholds have been passed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Memory {
    /// Of each metric, in the order of [`metrics`].
    runs: Vec<Runs>,
    /// When the pool last grew by this policy.
    last_up: Option<Instant>,
    is_emergency: bool,
}

/// For how many periods in a row a metric has been beyond each threshold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Runs {
    warn: u32,
    scale: u32,
    down: u32,
}

/// A metric, its value and its ladder.
struct Metric<'a> {
    name: &'a str,
    value: Option<f64>,
    ladder: Ladder,
}

/// What the thresholds say of a pool that has, or will have, `current` servers. To be asked once a
/// period.
pub fn wish(
    settings: &Autoscale,
    observed: &Observed,
    memory: &mut Memory,
    current: u32,
    now: Instant,
) -> Wish {
    let metrics = metrics(settings, observed);
    memory.runs.resize(metrics.len(), Runs::default());
    for (runs, metric) in memory.runs.iter_mut().zip(&metrics) {
        runs.take(metric);
    }
    memory.is_emergency = metrics.iter().any(|metric| metric.emergency().is_some());
    let may_grow = memory.may_grow(&settings.levels, now);
    let look = Look { settings, current, rotation: observed.fleet.in_rotation(), may_grow };
    let rungs = metrics.iter().zip(&memory.runs).map(|(metric, runs)| look.rung(metric, *runs));
    let highest = rungs.max_by_key(|wish| (wish.servers, wish.warm));
    let wish = highest.unwrap_or_else(|| stay(current, "no metric has thresholds".to_owned()));
    if wish.servers > current {
        memory.last_up = Some(now);
    }
    wish
}

impl Metric<'_> {
    /// The threshold of emergency, if it is passed.
    fn emergency(&self) -> Option<f64> {
        self.ladder.emergency.filter(|emergency| self.value.is_some_and(|is| is >= *emergency))
    }
}

/// One look at all metrics.
#[derive(Clone, Copy)]
struct Look<'a> {
    settings: &'a Autoscale,
    current: u32,
    /// The servers that the values are of: a growth is one of these, and what is on its way is part
    /// of it.
    rotation: u32,
    may_grow: bool,
}

impl Look<'_> {
    /// What one metric wishes for.
    fn rung(&self, metric: &Metric<'_>, runs: Runs) -> Wish {
        let Metric { name, value, ladder } = metric;
        let Some(value) = *value else {
            return stay(self.current, format!("{name} is unknown"));
        };
        let counts = |run: u32| run >= self.settings.levels.periods;
        let says = |what: &str, threshold: f64| format!("{name} {value:.2}, {what} {threshold}");
        if let Some(emergency) = metric.emergency() {
            let most = most_after(self.rotation, self.settings.guard.max_step);
            return wished(most.max(self.current), says("emergency from", emergency));
        }
        if counts(runs.scale) && self.may_grow {
            return wished(self.grown(value, ladder), says("scale from", ladder.scale));
        }
        if let Some(warn) = ladder.warn.filter(|_| counts(runs.warn)) {
            let warm = share(self.current, WARN_SHARE);
            return Wish { warm, ..stay(self.current, says("warn from", warn)) };
        }
        if counts(runs.down) {
            return wished(self.current.saturating_sub(1), says("down below", ladder.down));
        }
        stay(self.current, format!("{name} {value:.2} is between its thresholds"))
    }

    /// To the target where there is one, else by a share; at least by one.
    fn grown(&self, value: f64, ladder: &Ladder) -> u32 {
        let grown = ladder.target.map_or_else(
            || self.rotation.saturating_add(share(self.rotation, SCALE_SHARE)),
            |aim| target::ceil(f64::from(self.rotation) * value / aim),
        );
        grown.max(self.rotation.saturating_add(1)).max(self.current)
    }
}

impl Runs {
    /// One more period with this value; without a value every run is over.
    fn take(&mut self, metric: &Metric<'_>) {
        let beyond = |passed: Option<bool>, run: u32| {
            if passed.unwrap_or(false) { run.saturating_add(1) } else { 0 }
        };
        let Metric { value, ladder, .. } = metric;
        let reaches = |threshold: f64| value.map(|value| value >= threshold);
        self.warn = beyond(ladder.warn.and_then(reaches), self.warn);
        self.scale = beyond(reaches(ladder.scale), self.scale);
        self.down = beyond(value.map(|value| value < ladder.down), self.down);
    }
}

impl Memory {
    /// Whether a threshold of emergency was passed at the last look.
    pub(super) const fn is_emergency(&self) -> bool {
        self.is_emergency
    }

    fn may_grow(&self, levels: &Levels, now: Instant) -> bool {
        self.last_up.is_none_or(|then| now.since(then) >= levels.up_cooldown)
    }
}

/// The metrics that have a ladder.
fn metrics<'a>(settings: &'a Autoscale, observed: &Observed) -> Vec<Metric<'a>> {
    let Autoscale { levels, custom, .. } = settings;
    let rotation = observed.fleet.in_rotation();
    let requests = observed.demand.map(|demand| demand.arrivals / f64::from(rotation.max(1)));
    let of_custom = |name: &str| {
        let place = custom.iter().position(|metric| metric.name == name)?;
        observed.load.custom.get(place).copied().flatten()
    };
    let fixed = [
        ("cpu", observed.load.cpu, levels.cpu),
        ("memory", observed.load.memory, levels.memory),
        ("requests per server", requests, levels.requests),
        ("connections per server", observed.load.connections, levels.connections),
    ];
    let fixed = fixed
        .into_iter()
        .filter_map(|(name, value, ladder)| Some(Metric { name, value, ladder: ladder? }));
    let custom = levels.custom.iter().map(|(name, ladder)| Metric {
        name,
        value: of_custom(name),
        ladder: *ladder,
    });
    fixed.chain(custom).collect()
}

/// At least one.
fn share(of: u32, share: f64) -> u32 {
    target::ceil(f64::from(of) * share).max(1)
}

fn wished(servers: u32, because: String) -> Wish {
    Wish { servers, warm: 0, source: Source::Levels, because }
}

fn stay(current: u32, because: String) -> Wish {
    wished(current, because)
}
