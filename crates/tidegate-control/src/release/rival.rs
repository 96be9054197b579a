//! Whether a rollout may start beside the others: a pool is in one of them at a time.
//!
//! Two that share a pool would each size it by its own share, and a user of one would be sent into
//! what the other divides. One that has finished holds its pools as long as routes still name the
//! old one, and so go where it sends them.

use tidegate_core::model::node::Config;
use tidegate_core::model::rollout::Rollout;
use tidegate_core::rollout::phase::Phase;

use super::steering::OrderError;

/// Whether `rollout` may start beside another one.
pub(super) fn check(
    rollout: &Rollout,
    (other, phase): (&Rollout, Phase),
    config: &Config,
) -> Result<(), OrderError> {
    let pools = |one: &Rollout| [one.pool.clone(), one.candidate.clone()];
    let shared = pools(rollout).into_iter().find(|pool| pools(other).contains(pool));
    let Some(pool) = shared.filter(|_| other.name != rollout.name) else { return Ok(()) };
    match phase {
        phase if phase.is_under_way() => {
            Err(OrderError::Taken { pool, rollout: other.name.clone(), phase })
        }
        Phase::Done if leads(config, other) => Err(OrderError::Unsaid {
            rollout: other.name.clone(),
            pool: other.pool.clone(),
            candidate: other.candidate.clone(),
        }),
        _ => Ok(()),
    }
}

/// Whether a route goes by what a rollout says.
pub(super) fn leads(config: &Config, rollout: &Rollout) -> bool {
    let mut behind = config.routes.iter().filter(|route| route.pool() == Some(&rollout.pool));
    behind.any(|route| rollout.takes_in(&route.name))
}
