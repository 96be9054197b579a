//! The autoscalers of pools.

use std::fmt;

use tidegate_control::scale::status::AutoscaleCounts;
use tidegate_core::scale::plan::Limit;

use super::page::Facts;
use super::writer::Writer;

pub(super) fn write(writer: &mut Writer<'_>, facts: &Facts) -> fmt::Result {
    let pools = || facts.autoscale.iter().map(|status| (status.pool.as_str(), status));
    let instances = pools().flat_map(|(pool, status)| {
        let row = move |state, count: u32| ([("pool", pool), ("state", state)], i64::from(count));
        status.states.iter().map(move |counted| row(counted.state, counted.instances))
    });
    writer.gauge(
        "tidegate_autoscale_instances",
        "Instances by where they are in their lives.",
        instances,
    )?;
    writer.gauge(
        "tidegate_autoscale_desired",
        "Servers that a pool should have, listed ones included.",
        pools().map(|(pool, status)| ([("pool", pool)], i64::from(status.desired))),
    )?;
    let limited = pools().flat_map(|(pool, status)| {
        Limit::ALL.map(|limit| {
            let holds = status.limits.iter().any(|limited| limited.by == limit.as_str());
            ([("pool", pool), ("by", limit.as_str())], i64::from(holds))
        })
    });
    writer.gauge(
        "tidegate_autoscale_limited",
        "1 while this holds a pool elsewhere than wished.",
        limited,
    )?;
    for (name, help, number) in COUNTERS {
        let rows = pools().map(|(pool, status)| ([("pool", pool)], number(&status.counts)));
        writer.counter(name, help, rows)?;
    }
    Ok(())
}

/// A counter of autoscalers: its name, what it says, where it stands.
type AutoscaleCounter = (&'static str, &'static str, fn(&AutoscaleCounts) -> u64);

const COUNTERS: [AutoscaleCounter; 5] = [
    ("tidegate_autoscale_ups", "Decisions that a pool should have more servers.", |n| n.ups),
    ("tidegate_autoscale_downs", "Decisions that a pool should have fewer servers.", |n| n.downs),
    ("tidegate_autoscale_launches", "Instances that were asked for.", |n| n.launches),
    ("tidegate_autoscale_launch_failures", "Launches that failed.", |n| n.launch_failures),
    (
        "tidegate_autoscale_inventory_doubts",
        "Times that a provider's list contradicted the checks of an instance.",
        |n| n.inventory_doubts,
    ),
];
