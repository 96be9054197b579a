//! What stands in the way of any step of a rollout, whatever its candidate does.

use tidegate_core::model::rollout::Rollout;
use tidegate_core::rollout::input::Hold;
use tidegate_core::scale::schedule;
use tidegate_core::snapshot::{PoolEntry, Snapshot};
use tidegate_core::time::{Duration, UnixTime};

/// The sales of its pools during which it takes no step, that are held.
pub(super) fn sales(rollout: &Rollout, snapshot: &Snapshot, at: UnixTime) -> Vec<Hold> {
    let pools = [&rollout.pool, &rollout.candidate].into_iter().filter_map(|it| snapshot.pool(it));
    let mut held: Vec<String> = pools.flat_map(|entry| sales_of(entry, at)).collect();
    held.retain(|sale| rollout.freeze_during.contains(sale));
    held.sort_unstable();
    held.dedup();
    held.into_iter().map(Hold::Sale).collect()
}

fn sales_of(entry: &PoolEntry, at: UnixTime) -> Vec<String> {
    let Some(settings) = &entry.pool.autoscale else { return Vec::new() };
    let held = schedule::upcoming(&settings.schedule, at, Duration::ZERO);
    held.into_iter().map(|due| due.sale.name.clone()).collect()
}
