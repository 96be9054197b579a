//! The scalers by their names, as people ask for them.

use std::fmt;
use std::str::FromStr;

use tidegate_core::model::autoscale::{Autoscale, Policy};

use super::hpa::Hpa;
use super::oracle::{Fixed, Oracle};
use super::planned::Planned;
use super::replay::{Outcome, Scaler, Scenario, replay};

/// The share of CPU that [`Choice::Hpa`] aims at.
const HPA_TARGET: f64 = 0.7;

/// A scaler by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// The production planner with a policy.
    Planner(Policy),
    /// Kubernetes' autoscaler.
    Hpa,
    /// Perfect look-ahead.
    Oracle,
    /// As many servers all the time.
    Fixed(u32),
}

/// What follows when `choice` scales the pool of `settings` in `scenario`.
#[must_use]
pub fn simulate(choice: Choice, scenario: &Scenario<'_>, settings: Autoscale) -> Outcome {
    let mut scaler: Box<dyn Scaler> = match choice {
        Choice::Planner(_) => Box::new(Planned::new(settings)),
        Choice::Hpa => Box::new(Hpa::new(HPA_TARGET)),
        Choice::Oracle => Box::new(Oracle::new(scenario.demand, scenario.startup_ticks())),
        Choice::Fixed(servers) => Box::new(Fixed(servers)),
    };
    replay(scenario, scaler.as_mut())
}

impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Planner(Policy::Slo) => f.write_str("slo"),
            Self::Planner(Policy::Levels) => f.write_str("levels"),
            Self::Planner(Policy::Target) => f.write_str("target"),
            Self::Hpa => f.write_str("hpa"),
            Self::Oracle => f.write_str("oracle"),
            Self::Fixed(servers) => write!(f, "fixed:{servers}"),
        }
    }
}

impl FromStr for Choice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "slo" => Ok(Self::Planner(Policy::Slo)),
            "levels" => Ok(Self::Planner(Policy::Levels)),
            "target" => Ok(Self::Planner(Policy::Target)),
            "hpa" => Ok(Self::Hpa),
            "oracle" => Ok(Self::Oracle),
            _ => text
                .strip_prefix("fixed:")
                .and_then(|count| count.parse().ok())
                .map(Self::Fixed)
                .ok_or_else(|| "expected slo, levels, target, hpa, oracle or fixed:N".to_owned()),
        }
    }
}
