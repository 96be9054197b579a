//! By what times and bounds instances live.

use crate::model::autoscale::Autoscale;
use crate::model::ids::PoolName;
use crate::model::pool::Pool;
use crate::model::provider::Provider;
use crate::model::session::OnScaleIn;
use crate::time::Duration;

/// By what times and bounds the instances of a pool live.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The pool.
    pub pool: PoolName,
    /// The digest of what instances are launched from.
    pub template: u64,
    /// The most instances, warm ones included; replacements may exceed it by a tenth.
    pub instances_max: u32,
    /// How long an instance is expected to take until it answers, before that has been measured.
    pub startup: Duration,
    /// How long an instance may be unhealthy before it is replaced.
    pub replace_after: Duration,
    /// In what time an instance grows to its full weight.
    pub slow_start: Duration,
    /// How long an instance may finish its work.
    pub drain: Duration,
    /// Whether it waits for its sessions as well.
    pub on_scale_in: OnScaleIn,
    /// Whether instances are sent requests before they enter.
    pub warm_up: WarmUp,
    /// How fast things are done.
    pub pace: Pace,
}

/// Whether instances are sent requests before they enter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WarmUp {
    /// They are.
    Requests,
    /// They are not.
    None,
}

/// How fast things are done, whatever the pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// How long a provider may take to start an instance.
    pub start_within: Duration,
    /// How long it may take to stop one.
    pub stop_within: Duration,
    /// How long it may take to list them.
    pub list_within: Duration,
    /// From one inventory to the next.
    pub list_every: Duration,
    /// The same while instances come or go.
    pub list_every_changing: Duration,
    /// How long the requests of a warm-up may take.
    pub warm_up_within: Duration,
    /// The least time that is granted to answer checks.
    pub answer_min: Duration,
    /// How long to wait after the first of a run of failures; it doubles with each further one.
    pub back_off_first: Duration,
    /// The longest wait.
    pub back_off_max: Duration,
    /// How long an instance must be healthy to count as a launch that went well.
    pub proof: Duration,
    /// After how long a record that could not be written is tried again.
    pub record_again: Duration,
    /// The most launches that are asked for at once.
    pub calls_max: u32,
    /// Inventories in a row without an instance before it may be taken for gone,
    pub missing_lists: u32,
    /// and how long they must lie apart.
    pub missing_for: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            start_within: Duration::from_secs(60),
            stop_within: Duration::from_secs(60),
            list_within: Duration::from_secs(30),
            list_every: Duration::from_secs(10),
            list_every_changing: Duration::from_secs(2),
            warm_up_within: Duration::from_secs(30),
            answer_min: Duration::from_secs(60),
            back_off_first: Duration::from_secs(1),
            back_off_max: Duration::from_secs(60),
            proof: Duration::from_secs(60),
            record_again: Duration::from_secs(5),
            calls_max: 32,
            missing_lists: 3,
            missing_for: Duration::from_secs(30),
        }
    }
}

impl Pace {
    /// What suits a provider: a child has its `stop_timeout` to end, a command its own bound.
    #[must_use]
    pub fn of(provider: &Provider) -> Self {
        let pace = Self::default();
        match provider {
            Provider::Process(process) => {
                Self { stop_within: process.stop_timeout + Duration::from_secs(10), ..pace }
            }
            Provider::Exec(exec) => Self {
                start_within: exec.timeout,
                stop_within: exec.timeout,
                list_within: exec.timeout,
                ..pace
            },
        }
    }
}

impl Settings {
    /// The settings of a pool's configuration. An instance is launched from what `template` is the
    /// digest of. The whole of `max` may be instances, as only healthy listed servers count.
    #[must_use]
    pub fn of(pool: &Pool, autoscale: &Autoscale, template: u64) -> Self {
        let warm = &autoscale.warm;
        Self {
            pool: pool.name.clone(),
            template,
            instances_max: autoscale.bounds.max.saturating_add(warm.size),
            startup: autoscale.startup,
            replace_after: autoscale.replace_after,
            slow_start: pool.slow_start,
            drain: pool.drain_timeout,
            on_scale_in: pool
                .session
                .as_ref()
                .map(|session| session.on_scale_in)
                .unwrap_or_default(),
            warm_up: if warm.requests.is_empty() { WarmUp::None } else { WarmUp::Requests },
            pace: Pace::of(&autoscale.provider),
        }
    }

    /// How long a drain may take: until the work is done, and the sessions are over if they are
    /// waited for.
    #[must_use]
    pub fn drains_for(&self) -> Duration {
        match self.on_scale_in {
            OnScaleIn::Move => self.drain,
            OnScaleIn::Wait(wait) => wait.max(self.drain),
        }
    }

    /// The most names that may live at once: those of `instances_max` and of replacements under
    /// way.
    #[must_use]
    pub fn live_max(&self) -> usize {
        self.instances_max.saturating_add(at_a_time(self.instances_max)) as usize
    }
}

/// How many of so many instances are replaced at a time: a tenth, but one in any case.
#[must_use]
pub const fn at_a_time(instances: u32) -> u32 {
    if instances < 10 { 1 } else { instances / 10 }
}
