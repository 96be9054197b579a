//! What people see of the autoscaler of a pool.

use std::collections::VecDeque;

use serde::Serialize;
use tidegate_core::rollout::capacity::Capacity;
use tidegate_core::scale::fleet::instance::{InstanceView, Stage};
use tidegate_core::scale::plan::{Limited, Plan};
use tidegate_core::scale::release::{Pledge, Wants};
use tidegate_core::scale::wish::Wish;
use tidegate_core::time::{Duration, Instant, UnixTime};

/// Decisions that are remembered of a pool.
const HISTORY: usize = 100;

/// The autoscaler of a pool.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct AutoscaleStatus {
    /// The pool.
    pub pool: String,
    /// `slo`, `levels` or `target`.
    pub policy: &'static str,
    /// The least servers.
    pub min: u32,
    /// The most servers.
    pub max: u32,
    /// Whether it decides and changes nothing.
    pub dry_run: bool,
    /// Servers that it wants in rotation, listed ones included.
    pub desired: u32,
    /// Instances that it wants ready besides.
    pub desired_warm: u32,
    /// Why, with what holds it back: `want 60 (slo: …), held at 12 by max`.
    pub reason: String,
    /// Every wish, the one that binds first.
    pub wishes: Vec<WishStatus>,
    /// What holds it elsewhere than wished.
    pub limits: Vec<LimitStatus>,
    /// New requests a second; `None`: unknown.
    pub demand: Option<f64>,
    /// How many instances are in each state of their lives.
    pub states: Vec<StateCount>,
    /// The instances.
    pub instances: Vec<InstanceStatus>,
    /// From a launch to the first request, in seconds, as measured.
    pub startup_seconds: Option<f64>,
    /// What a server can do, as learned or as configured.
    pub capacity: Option<CapacityStatus>,
    /// What a running rollout asks of it; `None`: nothing.
    pub release: Option<ReleaseStatus>,
    /// What was spent today, UTC, where a budget is set.
    pub spent_today: Option<f64>,
    /// The provider's last complaint, while it lasts.
    pub provider_error: Option<String>,
    /// What was counted since the start.
    pub counts: AutoscaleCounts,
    /// The latest decisions, newest last.
    pub history: VecDeque<Decision>,
}

/// What was counted since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct AutoscaleCounts {
    /// Decisions that there should be more servers.
    pub ups: u64,
    /// Decisions that there should be fewer.
    pub downs: u64,
    /// Instances that were asked for.
    pub launches: u64,
    /// Launches that failed.
    pub launch_failures: u64,
    /// Times that the provider's list contradicted the checks of an instance.
    pub inventory_doubts: u64,
}

/// What one voice wishes for.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct WishStatus {
    /// Whose wish it is.
    pub source: String,
    /// Servers.
    pub servers: u32,
    /// The figures behind it.
    pub because: String,
}

/// What holds a pool.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LimitStatus {
    /// What it is.
    pub by: &'static str,
    /// Where it holds.
    pub servers: u32,
}

/// How many instances are in one state.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StateCount {
    /// The state.
    pub state: &'static str,
    /// How many.
    pub instances: u32,
}

/// An instance.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct InstanceStatus {
    /// Its name.
    pub id: String,
    /// Where it is in its life.
    pub state: &'static str,
    /// Since when, in milliseconds since 1970.
    pub since: u64,
    /// Where it listens, once that is known.
    pub address: Option<String>,
    /// Why it is there.
    pub reason: String,
    /// Whether it was launched from another template than is configured now.
    pub outdated: bool,
    /// The sessions that live on it.
    pub sessions: u32,
    /// When that is over at the latest, in milliseconds since 1970, where time ends it.
    pub until: Option<u64>,
}

/// What a server can do.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CapacityStatus {
    /// Requests a second, per weight of one.
    pub requests_per_second: f64,
    /// How sure that is: 0 to 1.
    pub confidence: f64,
}

/// What a running rollout asks of a pool.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ReleaseStatus {
    /// The rollout.
    pub rollout: String,
    /// `stable` or `candidate`.
    pub side: &'static str,
    /// Requests a second that come to both pools; `None`: unknown.
    pub demand: Option<f64>,
    /// The fraction of that which it is to be able to take; `None`: it rests.
    pub wanted: Option<f64>,
    /// The fraction that it can take; `None`: unknown.
    pub able: Option<f64>,
    /// The instances that it may grow to; `None`: no rollout bounds them.
    pub instances_max: Option<u32>,
}

impl ReleaseStatus {
    /// A pledge, and what the pool can serve of all demand.
    pub(crate) fn of(pledge: &Pledge, capacity: Capacity) -> Self {
        Self {
            rollout: pledge.rollout.to_string(),
            side: pledge.side.as_str(),
            demand: pledge.all,
            wanted: match pledge.wants {
                Wants::Demand(fraction) => Some(fraction),
                Wants::Rest(_) => None,
            },
            able: match capacity {
                Capacity::Known { now, .. } => Some(now),
                Capacity::Unknown | Capacity::Vouched => None,
            },
            instances_max: pledge.most,
        }
    }
}

/// A decision that changed something.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Decision {
    /// When, in milliseconds since 1970.
    pub at: u64,
    /// Servers before.
    pub from: u32,
    /// Servers from then on.
    pub to: u32,
    /// Why.
    pub reason: String,
}

impl AutoscaleStatus {
    /// Shows the instances as they are.
    pub(crate) fn count<'a>(
        &mut self,
        instances: impl Iterator<Item = InstanceView<'a>>,
        at: UnixTime,
        now: Instant,
    ) {
        let mut states = Stage::ALL.map(|stage| StateCount { state: stage.as_str(), instances: 0 });
        self.instances.clear();
        for one in instances {
            states[one.stage as usize].instances += 1;
            let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
            let ahead = |due: Instant| at.as_millis().saturating_add(millis(due.since(now)));
            self.instances.push(InstanceStatus {
                id: one.id.to_string(),
                state: one.stage.as_str(),
                since: at.as_millis().saturating_sub(millis(now.since(one.since))),
                address: one.address.map(|address| address.to_string()),
                reason: one.reason.to_string(),
                outdated: one.outdated,
                sessions: one.sessions,
                until: one.due.map(ahead),
            });
        }
        self.states = states.to_vec();
    }

    /// Follows a plan; the decision, if it changed something.
    pub(crate) fn follow(&mut self, plan: &Plan, from: u32, at: u64) -> Option<&Decision> {
        self.desired = plan.servers;
        self.desired_warm = plan.warm;
        self.reason = plan.to_string();
        let wish = |wish: &Wish| WishStatus {
            source: wish.source.to_string(),
            servers: wish.servers,
            because: wish.because.clone(),
        };
        self.wishes = plan.wishes.iter().map(wish).collect();
        let limit =
            |limited: &Limited| LimitStatus { by: limited.by.as_str(), servers: limited.servers };
        self.limits = plan.limits.iter().map(limit).collect();
        if plan.servers == from {
            return None;
        }
        self.counts.ups += u64::from(plan.servers > from);
        self.counts.downs += u64::from(plan.servers < from);
        if self.history.len() == HISTORY {
            self.history.pop_front();
        }
        let decision = Decision { at, from, to: plan.servers, reason: self.reason.clone() };
        self.history.push_back(decision);
        self.history.back()
    }
}
