//! The planner: what a pool should have, by every voice and limit, with the reasons.
//!
//! Who wins, highest first: the provider's quota, the budget, `max`; a number by hand; a running
//! rollout; a sale of the schedule; then the policy with its forecast, and only this last is
//! slowed by the guard. The
//! same function runs in production, in the simulator and in tests: it reads no clock and draws no
//! lots, and what it remembers is in `Memory`.

use std::fmt;

use super::guard::{Held, Look};
use super::observed::{Hand, HandWants, Observed};
use super::policy::{self, Wishes};
use super::release::{self, Turn, Wants};
use super::wish::{Source, Wish};
use super::{bottleneck, budget, guard, schedule, target};
use crate::model::autoscale::{Autoscale, OnReach, Policy, SaleWants};
use crate::model::ids::PoolName;
use crate::time::{Duration, Instant};

/// What a pool should have.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// Servers in rotation, listed ones and instances, arrived or to be launched.
    pub servers: u32,
    /// Instances among them: what the provider is to run in rotation.
    pub instances: u32,
    /// Instances besides, ready and out of rotation.
    pub warm: u32,
    /// Every wish; the one that binds is first.
    pub wishes: Vec<Wish>,
    /// What holds the pool elsewhere than wished, in the order in which it applied.
    pub limits: Vec<Limited>,
    /// Whether a threshold of emergency is passed.
    pub is_emergency: bool,
}

/// A limit that binds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limited {
    /// What limits.
    pub by: Limit,
    /// What it makes of the wish.
    pub servers: u32,
}

/// What can hold a pool elsewhere than wished.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Limit {
    /// The pool grows as fast as `guard.max_step` lets it.
    Step,
    /// The pool may not shrink yet, or not so much at a time.
    Cooldown,
    /// More servers do not help: the limit lies behind the pool.
    Bottleneck,
    /// More servers have to show first that they help.
    Proof,
    /// `min`.
    Min,
    /// `max`.
    Max,
    /// The day's budget is spent.
    Budget,
    /// The provider runs no more.
    Quota,
    /// The two pools of a rollout have as many instances together as they may.
    Release,
    /// Somebody froze the pool.
    Freeze,
}

impl Limit {
    /// Every limit.
    pub const ALL: [Self; 10] = [
        Self::Step,
        Self::Cooldown,
        Self::Bottleneck,
        Self::Proof,
        Self::Min,
        Self::Max,
        Self::Budget,
        Self::Quota,
        Self::Release,
        Self::Freeze,
    ];

    /// Whether people should know that it binds: it is not how a pool lives every day.
    #[must_use]
    pub const fn is_trouble(self) -> bool {
        matches!(self, Self::Bottleneck | Self::Max | Self::Budget | Self::Quota | Self::Release)
    }

    /// What it means for a pool, held at so many servers.
    #[must_use]
    pub fn sentence(self, pool: &PoolName, servers: u32) -> String {
        match self {
            Self::Bottleneck => {
                format!("bottleneck behind pool {pool}: more than {servers} servers do not help")
            }
            limit => format!("pool {pool} is held at {servers} servers by {}", limit.as_str()),
        }
    }

    /// The word for it in metrics and reasons.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Step => "max_step",
            Self::Cooldown => "cooldown",
            Self::Bottleneck => "bottleneck",
            Self::Proof => "proof",
            Self::Min => "min",
            Self::Max => "max",
            Self::Budget => "budget",
            Self::Quota => "quota",
            Self::Release => "max_total",
            Self::Freeze => "freeze",
        }
    }
}

/// So many times the servers that arrivals explain are believed in without proof: demand may be
/// foreseen, and what waits has to be worked off.
const EXPLAINED: u32 = 2;

/// More than so many times all demand makes no difference.
const FRACTION_MAX: f64 = 64.0;
/// As often a fraction is halved until it is exact.
const HALVINGS: u32 = 52;

/// What the planner remembers from look to look.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    /// What was planned last.
    servers: Option<u32>,
    /// What each policy remembers.
    pub policy: policy::Memory,
    /// What has been spent.
    pub budget: budget::Memory,
    guard: guard::Memory,
    bottleneck: bottleneck::Memory,
    release: release::Memory,
}

/// What a pool should have.
pub fn plan(settings: &Autoscale, observed: &Observed, memory: &mut Memory, now: Instant) -> Plan {
    memory.bottleneck.observe(observed, now);
    if let Some(budget) = &settings.budget {
        memory.budget.charge(budget, observed.fleet.paid(), observed.at);
    }
    if let Some(able) = memory.release.guess(observed) {
        memory.policy.slo.learned.guess(able);
    }
    if memory.release.observe(observed, now) == Turn::Ended {
        memory.guard.begin_anew(now);
    }
    let current = memory.servers.unwrap_or_else(|| observed.fleet.committed());
    let Wishes { all, warm } = policy::wishes(settings, observed, &mut memory.policy, current, now);
    let mut draft = Draft { servers: current, wishes: all, limits: Vec::new() };
    draft.slow(settings, observed, memory, current, now);
    draft.keep_sales(settings, observed, memory);
    draft.keep_pledge(settings, observed, memory);
    draft.follow_hand(observed);
    draft.bound(settings, observed, memory, current);
    let Draft { servers, wishes, limits } = draft;
    if servers > current {
        memory.bottleneck.grown(current, servers, now);
    }
    memory.guard.changed(current, servers, now);
    memory.servers = Some(servers);
    let instances = servers.saturating_sub(observed.fleet.listed);
    let warm = warm.max(settings.warm.size).min(room(settings, observed, servers));
    let is_emergency = memory.policy.is_emergency(settings);
    Plan { servers, instances, warm, wishes, limits, is_emergency }
}

impl Memory {
    /// Servers that can take so large a fraction of the demand of both pools of a rollout. Where it
    /// is not known what a server can do, that fraction of those that stable has.
    #[must_use]
    pub fn needs(&self, settings: &Autoscale, observed: &Observed, fraction: f64) -> u32 {
        let Some(pledge) = observed.pledge.as_ref().filter(|_| fraction > 0.0) else { return 0 };
        let rate = self.foreseen(settings).map(|all| all * fraction);
        let known = rate.and_then(|rate| self.policy.needs(settings, observed, rate));
        known.unwrap_or_else(|| target::ceil(f64::from(pledge.stable.servers) * fraction)).max(1)
    }

    /// The fraction of the demand of both pools of a rollout that so many servers can take; `None`:
    /// nothing is known of either.
    #[must_use]
    pub fn able(&self, settings: &Autoscale, observed: &Observed, servers: u32) -> Option<f64> {
        let pledge = observed.pledge.as_ref()?;
        if self.foreseen(settings).is_none() && pledge.stable.servers == 0 {
            return None;
        }
        let takes = |fraction: f64| self.needs(settings, observed, fraction) <= servers;
        let (mut least, mut most) = (0.0, FRACTION_MAX);
        for _ in 0..HALVINGS {
            let middle = f64::midpoint(least, most);
            if takes(middle) {
                least = middle;
            } else {
                most = middle;
            }
        }
        Some(least)
    }

    /// Knows of demand what the planner of stable knows, if that is more: while a rollout runs both
    /// foresee the same demand.
    pub fn share_past(&mut self, stable: &Self) {
        let known = &stable.policy.slo.forecast;
        if known.known() > self.policy.slo.forecast.known() {
            self.policy.slo.forecast = known.clone();
        }
    }

    /// The demand that may come to both pools of a rollout.
    fn foreseen(&self, settings: &Autoscale) -> Option<f64> {
        let forecast = self.policy.slo.foreseen.filter(|_| settings.policy == Policy::Slo);
        forecast.or_else(|| self.release.seen().map(|seen| seen.all))
    }

    /// Servers that stay where a pool rests: more than asked for as long as somebody uses them.
    fn rest(&self, settings: &Autoscale, observed: &Observed, servers: u32) -> u32 {
        let own = self.release.seen().map_or(0.0, |seen| seen.own);
        let used = self.policy.needs(settings, observed, own);
        let unknown = if own > 0.0 { observed.fleet.in_rotation() } else { 0 };
        used.unwrap_or(unknown).max(servers)
    }
}

/// A plan in the making.
struct Draft {
    servers: u32,
    wishes: Vec<Wish>,
    limits: Vec<Limited>,
}

impl Draft {
    /// Takes the highest wish of the policies, as far as the guard lets it.
    fn slow(
        &mut self,
        settings: &Autoscale,
        observed: &Observed,
        memory: &mut Memory,
        current: u32,
        now: Instant,
    ) {
        self.wishes.sort_by_key(|wish| std::cmp::Reverse(wish.servers));
        let mut wished = self.wishes.first().map_or(current, |wish| wish.servers);
        if wished > current && memory.bottleneck.holds() {
            wished = current;
            self.limits.push(Limited { by: Limit::Bottleneck, servers: current });
        }
        let wished = self.credible(wished, current, settings, observed, memory);
        // What lies beyond the bounds is never on its way: it must not open a step.
        let (least, most) = (settings.bounds.min, settings.bounds.max);
        let within = wished.clamp(least.min(current), most.max(current));
        let look = Look { current, wished: within, startup: startup(settings, observed) };
        let (servers, held) = memory.guard.allow(&settings.guard, look, now);
        self.servers = servers;
        let by = match held {
            Held::Step => Some(Limit::Step),
            Held::Cooldown => Some(Limit::Cooldown),
            Held::Free if wished > within => Some(Limit::Max),
            Held::Free if wished < within => Some(Limit::Min),
            Held::Free => None,
        };
        self.limits.extend(by.map(|by| Limited { by, servers }));
    }

    /// A wish as far as it is believed. The policy `slo` wants more servers when they become slow,
    /// which helps if they are busy, and does not if they wait for something behind them.
    fn credible(
        &mut self,
        wished: u32,
        current: u32,
        settings: &Autoscale,
        observed: &Observed,
        memory: &Memory,
    ) -> u32 {
        let is_slo = self.wishes.first().is_some_and(|wish| wish.source == Source::Slo);
        let arrivals = observed.demand.map_or(0.0, |demand| demand.arrivals);
        let explained = memory.policy.servers_for(settings, observed, arrivals);
        let most = current.max(explained.saturating_mul(EXPLAINED));
        if !is_slo || wished <= most || memory.bottleneck.may_try() {
            return wished;
        }
        self.limits.push(Limited { by: Limit::Proof, servers: most });
        most
    }

    /// Sales are known beforehand: their capacity comes whole.
    fn keep_sales(&mut self, settings: &Autoscale, observed: &Observed, memory: &Memory) {
        let ahead = settings.forecast.ahead.unwrap_or(Duration::ZERO);
        let lead = startup(settings, observed).saturating_add(ahead);
        for due in schedule::upcoming(&settings.schedule, observed.at, lead) {
            let servers = match due.sale.wants {
                SaleWants::Min(servers) => servers,
                SaleWants::Demand(rate) => memory.policy.servers_for(settings, observed, rate),
                SaleWants::Factor(factor) => {
                    let usual = self.wishes.first().map_or(self.servers, |wish| wish.servers);
                    target::ceil(f64::from(usual) * factor)
                }
            };
            let because = format!("at least {servers} while it lasts");
            self.floor(servers, Source::Schedule(due.sale.name.clone()), because);
        }
    }

    /// A rollout needs its capacity when it needs it: nothing slows it.
    fn keep_pledge(&mut self, settings: &Autoscale, observed: &Observed, memory: &Memory) {
        let Some(pledge) = &observed.pledge else { return };
        let source = Source::Release(pledge.rollout.clone());
        let because = pledge.sentence(memory.foreseen(settings));
        match pledge.wants {
            Wants::Demand(fraction) => {
                self.floor(memory.needs(settings, observed, fraction), source, because);
            }
            Wants::Rest(servers) => {
                let servers = memory.rest(settings, observed, servers);
                self.take(Wish { servers, warm: 0, source, because });
            }
        }
    }

    fn follow_hand(&mut self, observed: &Observed) {
        let Some(Hand { wants, until, by }) = &observed.steering.hand else { return };
        if observed.at >= *until {
            return;
        }
        match *wants {
            HandWants::AtLeast(servers) => {
                self.floor(servers, Source::Hand, format!("at least {servers}, asked for by {by}"));
            }
            HandWants::Exactly(servers) => {
                let because = format!("{servers}, asked for by {by}");
                self.take(Wish { servers, warm: 0, source: Source::Hand, because });
            }
        }
    }

    /// A wish that nothing below it can go under.
    fn floor(&mut self, servers: u32, source: Source, because: String) {
        let wish = Wish { servers, warm: 0, source, because };
        if servers > self.servers {
            self.take(wish);
        } else {
            self.wishes.push(wish);
        }
    }

    /// A wish that beats those before it, and what limited them.
    fn take(&mut self, wish: Wish) {
        self.servers = wish.servers;
        self.wishes.insert(0, wish);
        self.limits.clear();
    }

    /// What no voice can go beyond.
    fn bound(&mut self, settings: &Autoscale, observed: &Observed, memory: &Memory, current: u32) {
        let pledge = observed.pledge.as_ref();
        if pledge.is_none_or(|pledge| matches!(pledge.wants, Wants::Demand(_))) {
            self.at_least(settings.bounds.min, Limit::Min);
        }
        self.at_most(settings.bounds.max.max(observed.fleet.listed), Limit::Max);
        // What serves is not stopped: it only grows no more.
        if let Some(most) = pledge.and_then(|pledge| pledge.most) {
            self.at_most(current.max(observed.fleet.listed.saturating_add(most)), Limit::Release);
        }
        let spent = settings.budget.as_ref().is_some_and(|budget| {
            budget.on_reach == OnReach::Hold && memory.budget.is_spent(budget)
        });
        if spent {
            self.at_most(current, Limit::Budget);
        }
        if let Some(quota) = observed.quota {
            self.at_most(observed.fleet.listed.saturating_add(quota), Limit::Quota);
        }
        if observed.steering.frozen.is_some_and(|until| observed.at < until) {
            self.at_least(current, Limit::Freeze);
            self.at_most(current, Limit::Freeze);
        }
    }

    fn at_least(&mut self, servers: u32, by: Limit) {
        if self.servers < servers {
            self.servers = servers;
            self.limits.push(Limited { by, servers });
        }
    }

    fn at_most(&mut self, servers: u32, by: Limit) {
        if self.servers > servers {
            self.servers = servers;
            self.limits.push(Limited { by, servers });
        }
    }
}

impl Plan {
    /// Why no rollout should put more upon the pool now, if so. That there may be no more instances
    /// is no reason in itself: those that there are may do.
    #[must_use]
    pub fn strain(&self) -> Option<String> {
        if self.is_emergency {
            return Some("a threshold of emergency is passed".to_owned());
        }
        let is_strain = |limit: Limit| limit.is_trouble() && limit != Limit::Release;
        let trouble = self.limits.iter().find(|limited| is_strain(limited.by))?;
        Some(format!("held at {} by {}", trouble.servers, trouble.by.as_str()))
    }
}

/// Warm instances that there may be beside so many servers.
fn room(settings: &Autoscale, observed: &Observed, servers: u32) -> u32 {
    let room = settings.bounds.max.saturating_sub(servers);
    let Some(pledge) = &observed.pledge else { return room };
    let instances = servers.saturating_sub(observed.fleet.listed);
    match pledge.wants {
        Wants::Rest(_) => 0,
        Wants::Demand(_) => {
            pledge.most.map_or(room, |most| room.min(most.saturating_sub(instances)))
        }
    }
}

/// How long a launch takes: as measured, or else as expected.
pub(super) fn startup(settings: &Autoscale, observed: &Observed) -> Duration {
    observed.startup.unwrap_or(settings.startup)
}

/// `want 60 (slo), floor 40 (sale), held at 12 by max`.
impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.wishes.first() {
            Some(wish) => write!(f, "want {} ({}: {})", wish.servers, wish.source, wish.because)?,
            None => write!(f, "want {}", self.servers)?,
        }
        for Limited { by, servers } in &self.limits {
            write!(f, ", held at {servers} by {}", by.as_str())?;
        }
        Ok(())
    }
}
