//! What the policies of a pool wish for, all of them; the highest wish wins.
//!
//! `slo` is asked at every look, `levels` and `target` once a period. What holds under every
//! policy, `targets` and custom metrics, is asked at every look. A measure that is missing wishes
//! for what there is: it never shrinks a pool.

use super::guard::most_after;
use super::observed::{Demand, Observed};
use super::target::{self, Window};
use super::wish::{Source, Wish};
use super::{levels, slo};
use crate::model::autoscale::{Autoscale, Per, Policy};
use crate::model::ratio::Ratio;
use crate::time::Instant;

/// What the policies remember.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    /// What `slo` remembers.
    pub slo: slo::Memory,
    levels: levels::Memory,
    window: Window,
    /// What arrived since the period began.
    arrivals: Mean,
    /// When the period began, and what was wished for then.
    period: Option<(Instant, Wish)>,
}

/// What is wished for.
pub(super) struct Wishes {
    /// Every wish, in the order in which the policies were asked.
    pub(super) all: Vec<Wish>,
    /// Instances to keep warm.
    pub(super) warm: u32,
}

/// What the policies wish for a pool that has, or will have, `current` servers.
pub(super) fn wishes(
    settings: &Autoscale,
    observed: &Observed,
    memory: &mut Memory,
    current: u32,
    now: Instant,
) -> Wishes {
    memory.slo.learned.observe(observed, &settings.slo);
    let first = match settings.policy {
        Policy::Slo => slo::wish(settings, observed, &mut memory.slo, now),
        Policy::Levels | Policy::Target => Some(memory.of_period(settings, observed, current, now)),
    };
    let mut all = vec![first.unwrap_or_else(|| unlearned(settings, observed, current))];
    let rotation = observed.fleet.in_rotation();
    all.extend(usage("cpu", settings.targets.cpu, observed.load.cpu, rotation, current));
    all.extend(usage("memory", settings.targets.memory, observed.load.memory, rotation, current));
    if settings.policy != Policy::Target {
        all.extend(requests(settings, observed, current));
    }
    all.extend(custom(settings, observed, current));
    let warm = all.iter().map(|wish| wish.warm).max().unwrap_or(0);
    Wishes { all, warm }
}

impl Memory {
    /// Servers for so many requests a second; 0 while nothing is known of what one can do.
    pub(super) fn servers_for(&self, settings: &Autoscale, observed: &Observed, rate: f64) -> u32 {
        self.rate_per_server(settings, observed).map_or(0, |each| target::ceil(rate / each))
    }

    /// The fewest servers that the policy is content with at so many requests a second; `None`:
    /// nothing is known of what one can do.
    pub(super) fn needs(
        &self,
        settings: &Autoscale,
        observed: &Observed,
        rate: f64,
    ) -> Option<u32> {
        if settings.policy == Policy::Slo {
            return self.slo.needs(settings, observed, rate);
        }
        let each = self.rate_per_server(settings, observed)?;
        Some(target::ceil(rate / (each * (1.0 + target::TOLERANCE))))
    }

    /// Whether a threshold is passed that waits for nothing.
    pub(super) fn is_emergency(&self, settings: &Autoscale) -> bool {
        settings.policy == Policy::Levels && self.levels.is_emergency()
    }

    /// Requests a second that one server is to have; `None`: nothing is known of that.
    fn rate_per_server(&self, settings: &Autoscale, observed: &Observed) -> Option<f64> {
        let set = settings.targets.requests_per_server;
        set.or_else(|| self.slo.rate_per_server(settings, observed))
    }

    /// What `levels` or `target` says, asked once a period.
    fn of_period(
        &mut self,
        settings: &Autoscale,
        observed: &Observed,
        current: u32,
        now: Instant,
    ) -> Wish {
        let period = match settings.policy {
            Policy::Levels => settings.levels.period,
            Policy::Slo | Policy::Target => target::PERIOD,
        };
        self.arrivals.take(observed);
        if let Some((began, wish)) = &self.period
            && now.since(*began) < period
        {
            return wish.clone();
        }
        let observed = self.arrivals.finish(observed);
        let wish = match settings.policy {
            Policy::Levels => levels::wish(settings, &observed, &mut self.levels, current, now),
            _ => self.target(settings, &observed, current, now),
        };
        self.period = Some((now, wish.clone()));
        wish
    }

    /// The policy `target`: requests a second for each server.
    fn target(
        &mut self,
        settings: &Autoscale,
        observed: &Observed,
        current: u32,
        now: Instant,
    ) -> Wish {
        let Some(demand) = observed.demand else { return hold(current, "demand is unknown") };
        let Some(each) = self.rate_per_server(settings, observed) else {
            return unlearned(settings, observed, current);
        };
        let recommended = target::servers_for(demand.arrivals, each, current);
        let servers = self.window.highest(recommended, now);
        let because = format!("{:.1} requests/s at {each:.1} each", demand.arrivals);
        Wish { servers, warm: 0, source: Source::Target, because }
    }
}

/// The mean of what arrived over the looks of a period.
#[derive(Clone, Copy, Debug, Default)]
struct Mean {
    sum: f64,
    looks: u32,
}

impl Mean {
    fn take(&mut self, observed: &Observed) {
        if let Some(demand) = observed.demand {
            self.sum += demand.arrivals;
            self.looks += 1;
        }
    }

    /// The last look with the mean of the period, which is over.
    fn finish(&mut self, observed: &Observed) -> Observed {
        let Self { sum, looks } = std::mem::take(self);
        let mean = |demand: Demand| Demand { arrivals: sum / f64::from(looks.max(1)), ..demand };
        Observed { demand: observed.demand.map(mean), ..observed.clone() }
    }
}

/// Of answers, the share that is late when servers are certainly too few.
const LATE: f64 = 0.5;

/// Nothing is known of what a server can do, so nothing can be reckoned. But where most answers are
/// late nothing will ever be learned either: the pool grows by a step, and once its servers have
/// arrived by another, until it keeps the promise and learns.
fn unlearned(settings: &Autoscale, observed: &Observed, current: u32) -> Wish {
    let Some(demand) = observed.demand else { return hold(current, "demand is unknown") };
    let late = demand.served - demand.goodput;
    if late <= demand.served * LATE {
        return hold(current, "what a server can do is not known yet");
    }
    let step = most_after(observed.fleet.in_rotation(), settings.guard.max_step);
    let share = late / demand.served * 100.0;
    let because =
        format!("{share:.0} % of answers are late, and what a server can do is not known yet");
    let source = if settings.policy == Policy::Slo { Source::Slo } else { Source::Target };
    Wish { servers: step.max(current), warm: 0, source, because }
}

/// What is there stays.
fn hold(current: u32, because: &str) -> Wish {
    Wish { servers: current, warm: 0, source: Source::Hold, because: because.to_owned() }
}

/// A share of what servers may use, that is to be kept.
fn usage(
    name: &str,
    wanted: Option<Ratio>,
    value: Option<f64>,
    rotation: u32,
    current: u32,
) -> Option<Wish> {
    let wanted = wanted?.value();
    let (servers, because) = match value {
        Some(value) => {
            let servers = target::servers_for(value * f64::from(rotation), wanted, rotation);
            // Near enough is what there is, whether it has arrived or not.
            let servers = if servers == rotation { current } else { servers };
            (servers, format!("{name} {:.0} % of {:.0} %", value * 100.0, wanted * 100.0))
        }
        None => (current, format!("{name} is unknown")),
    };
    Some(Wish { servers, warm: 0, source: Source::Target, because })
}

/// Requests a second for each server, that are to be kept under every policy.
fn requests(settings: &Autoscale, observed: &Observed, current: u32) -> Option<Wish> {
    let each = settings.targets.requests_per_server?;
    let (servers, because) = match observed.demand {
        Some(demand) => (
            target::servers_for(demand.arrivals, each, current),
            format!("{:.1} requests/s at {each} each", demand.arrivals),
        ),
        None => (current, "demand is unknown".to_owned()),
    };
    Some(Wish { servers, warm: 0, source: Source::Target, because })
}

/// Custom metrics.
fn custom(settings: &Autoscale, observed: &Observed, current: u32) -> impl Iterator<Item = Wish> {
    let rotation = observed.fleet.in_rotation();
    settings.custom.iter().enumerate().map(move |(place, metric)| {
        let value = observed.load.custom.get(place).copied().flatten();
        let (servers, because) = match value {
            Some(value) => {
                let total = match metric.per {
                    Per::Server => value,
                    Per::Mean => value * f64::from(rotation),
                };
                let servers = target::servers_for(total, metric.target, current);
                (servers, format!("{value} at {} each", metric.target))
            }
            None => (current, "it is unknown".to_owned()),
        };
        Wish { servers, warm: 0, source: Source::Custom(metric.name.clone()), because }
    })
}
