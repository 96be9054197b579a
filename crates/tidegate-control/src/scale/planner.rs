//! The planner of one pool in operation: what it remembers, the time that it is told, what it
//! planned last, and what rollouts are told of that.

use tidegate_core::model::autoscale::Autoscale;
use tidegate_core::rollout::capacity::Capacity;
use tidegate_core::scale::capacity::{self, Able};
use tidegate_core::scale::forecast::foresight::Forecast;
use tidegate_core::scale::observed::{FleetCount, Observed};
use tidegate_core::scale::plan::{Limit, Memory, Plan, plan};
use tidegate_core::scale::record::PlannerRecord;
use tidegate_core::scale::release::Known;
use tidegate_core::time::Instant;

use super::lapse::Lapse;

/// The planner of one pool.
pub(super) struct Planner {
    memory: Memory,
    lapse: Lapse,
    /// What it planned last, and what it was told.
    last: Option<(Plan, Observed)>,
}

impl Planner {
    /// One that remembers `memory`, and is told the time of `lapse`.
    pub(super) const fn new(memory: Memory, lapse: Lapse) -> Self {
        Self { memory, lapse, last: None }
    }

    /// What the pool should have.
    pub(super) fn plan(
        &mut self,
        settings: &Autoscale,
        observed: &Observed,
        now: Instant,
    ) -> &Plan {
        let told = self.lapse.observed(observed.clone());
        let plan = plan(settings, &told, &mut self.memory, self.lapse.instant(now));
        let (plan, _) = self.last.insert((plan, told));
        plan
    }

    /// Whether it has seen past demand.
    pub(super) fn knows_past(&self) -> bool {
        self.memory.policy.slo.forecast.known() > 0
    }

    /// A forecast that knows past demand, for one that has seen next to nothing itself.
    pub(super) fn take_past(&mut self, forecast: Forecast) {
        self.memory.policy.slo.forecast = forecast;
    }

    /// Foresees from as far back as the planner of stable, which sees the same demand.
    pub(super) fn share_past(&mut self, stable: &Self) {
        self.memory.share_past(&stable.memory);
    }

    /// What is worth keeping, of instances of this launch template.
    pub(super) fn record(&self, template: u64) -> PlannerRecord {
        PlannerRecord::of(&self.memory, template)
    }

    /// What was spent today.
    pub(super) const fn spent_today(&self) -> f64 {
        self.memory.budget.spent().1
    }

    /// What one server can do.
    pub(super) fn able(&self, settings: &Autoscale) -> Option<Able> {
        let (_, told) = self.last.as_ref()?;
        capacity::able(settings, &self.memory.policy.slo.learned, told)
    }

    /// What a rollout needs to know of the pool; how much comes is counted elsewhere.
    pub(super) fn known(&self, settings: &Autoscale) -> Known {
        let Some((plan, told)) = &self.last else { return Known::default() };
        Known {
            arrivals: None,
            servers: told.fleet.in_rotation(),
            instances: told.fleet.paid().max(plan.instances + plan.warm),
            able: self.able(settings),
        }
    }

    /// What the pool can serve of the demand of both pools of a rollout.
    pub(super) fn capacity(&self, settings: &Autoscale) -> Capacity {
        let Some((_, told)) = &self.last else { return Capacity::Unknown };
        let FleetCount { listed, .. } = told.fleet;
        let bounds = [told.quota, told.pledge.as_ref().and_then(|pledge| pledge.most)];
        let bounds = bounds.into_iter().flatten().map(|most| listed.saturating_add(most));
        let now = told.fleet.in_rotation();
        let most = bounds.fold(settings.bounds.max, u32::min).max(now);
        let able = |servers| self.memory.able(settings, told, servers);
        able(now)
            .zip(able(most))
            .map_or(Capacity::Unknown, |(now, most)| Capacity::Known { now, most })
    }

    /// Why no rollout should put more upon the pool now.
    pub(super) fn strain(&self) -> Option<String> {
        self.last.as_ref().and_then(|(plan, _)| plan.strain())
    }

    /// Whether a rollout's pools have as many instances together as they may.
    pub(super) fn is_at_ceiling(&self) -> bool {
        let limits = self.last.iter().flat_map(|(plan, _)| &plan.limits);
        limits.into_iter().any(|limited| limited.by == Limit::Release)
    }
}
