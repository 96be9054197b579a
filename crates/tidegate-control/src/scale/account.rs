//! What people are told of the autoscaler of a pool: its status whenever they look, and what
//! changes as it happens, with the reason.

use std::sync::Arc;

use tidegate_core::model::autoscale::Autoscale;
use tidegate_core::model::ids::PoolName;
use tidegate_core::scale::fleet::event::FleetEvent;
use tidegate_core::scale::fleet::instance::Stage;
use tidegate_core::scale::fleet::machine::Fleet;
use tidegate_core::scale::observed::Observed;
use tidegate_core::scale::plan::{Limit, Limited, Plan};
use tidegate_core::time::Instant;

use super::status::AutoscaleStatus;
use crate::events::{Kind, Report};
use crate::shared::Shared;

/// What people are told of the autoscaler of a pool.
pub(super) struct Account {
    shared: Arc<Shared>,
    pool: PoolName,
    pub(super) status: AutoscaleStatus,
    /// The servers of the last plan that was told, and what held it.
    told: Option<(u32, Vec<Limit>)>,
}

impl Account {
    /// Nothing yet, of this pool.
    pub(super) fn new(shared: Arc<Shared>, pool: PoolName) -> Self {
        let status = AutoscaleStatus { pool: pool.to_string(), ..AutoscaleStatus::default() };
        Self { shared, pool, status, told: None }
    }

    /// The pool.
    pub(super) const fn pool(&self) -> &PoolName {
        &self.pool
    }

    /// Shows what is configured.
    pub(super) const fn configure(&mut self, settings: &Autoscale) {
        self.status.policy = settings.policy.as_str();
        (self.status.min, self.status.max) = (settings.bounds.min, settings.bounds.max);
        self.status.dry_run = settings.dry_run;
    }

    /// The pool is scaled no more.
    pub(super) fn retire(&self) {
        self.tell(Kind::Scaled, "its instances go", "the configuration scales it no more");
    }

    /// Tells what a plan changes, and what holds it that did not hold the one before.
    pub(super) fn plan(&mut self, plan: &Plan, observed: &Observed) {
        let held = plan.limits.iter().map(|limited| limited.by).collect();
        let before = self.told.replace((plan.servers, held));
        let (from, known) = before.unwrap_or_else(|| (observed.fleet.committed(), Vec::new()));
        let changed = self.status.follow(plan, from, observed.at.as_millis()).is_some();
        if changed {
            let message =
                format!("pool {} goes from {from} to {} servers", self.pool, plan.servers);
            self.tell(Kind::Scaled, &message, &plan.to_string());
        }
        let is_news = |limit: &&Limited| limit.by.is_trouble() && !known.contains(&limit.by);
        for limit in plan.limits.iter().filter(is_news) {
            let message = limit.by.sentence(&self.pool, limit.servers);
            self.tell(Kind::ScaleLimited, &message, &plan.to_string());
        }
    }

    /// Tells what happened to the fleet.
    pub(super) fn event(&mut self, event: &FleetEvent) {
        let kind = match event {
            FleetEvent::Became { stage, .. } => match stage {
                Stage::Warm | Stage::Warming | Stage::Draining => Kind::Instance,
                _ => return,
            },
            FleetEvent::InventoryBack => Kind::ProviderBack,
            FleetEvent::LaunchFailed { .. }
            | FleetEvent::StopFailed { .. }
            | FleetEvent::InventoryFailed(_)
            | FleetEvent::Doubted(_)
            | FleetEvent::Overflow(_) => Kind::ProviderFailed,
            _ => Kind::Instance,
        };
        self.status.provider_error = match event {
            FleetEvent::InventoryFailed(failure) => Some(failure.to_string()),
            FleetEvent::LaunchFailed { failure, .. } => Some(failure.to_string()),
            FleetEvent::InventoryBack => None,
            FleetEvent::Became { stage: Stage::Warming, .. } => None,
            _ => self.status.provider_error.take(),
        };
        self.tell(kind, &event.to_string(), "");
    }

    /// Shows how the pool and its fleet are.
    pub(super) fn show(&mut self, observed: &Observed, fleet: &Fleet, now: Instant) {
        let tally = fleet.tally();
        let counts = &mut self.status.counts;
        counts.launches = tally.launches;
        counts.launch_failures = tally.launches_failed;
        counts.inventory_doubts = tally.inventory_disagreements;
        self.status.demand = observed.demand.map(|demand| demand.arrivals);
        self.status.startup_seconds = observed.startup.map(|startup| startup.as_secs_f64());
        self.status.count(fleet.instances(), observed.at, now);
    }

    fn tell(&self, kind: Kind, message: &str, reason: &str) {
        self.shared.events.emit(Report::scale(kind, &self.pool, message, reason));
    }
}
