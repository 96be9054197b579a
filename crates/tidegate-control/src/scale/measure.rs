//! What is counted of a pool at one moment, gathered for its autoscaler.

use tidegate_core::model::server::{Availability, Member, Rotation};
use tidegate_core::scale::meter::{Reading, ServerReading};
use tidegate_core::scale::observed::Sample;
use tidegate_core::snapshot::PoolEntry;
use tidegate_core::telemetry::registry::Registry;
use tidegate_core::time::Instant;

use crate::act::provider::contract::Usage;

/// Reads what was counted of a pool and its members.
pub(super) fn read(entry: &PoolEntry, registry: &Registry, now: Instant) -> Reading {
    let name = &entry.pool.name;
    let names: Vec<_> = entry.members.iter().map(|member| &member.server.name).collect();
    let totals = registry.servers(name, &names);
    let servers = entry.members.iter().zip(totals).map(|(member, totals)| {
        let sample = sample(entry, member, now);
        let (failures, duration) = (totals.failures, totals.duration);
        (member.state.id(), ServerReading { failures, duration, sample })
    });
    Reading {
        arrivals: registry.pool(name).arrivals,
        in_flight: entry.members.iter().map(|member| u64::from(member.state.in_flight())).sum(),
        servers: servers.collect(),
    }
}

/// Listed primaries that are healthy.
pub(super) fn listed(entry: &PoolEntry) -> u32 {
    let well = entry.members.iter().take(entry.listed).filter(|member| member.is_serving()).count();
    u32::try_from(well).unwrap_or(u32::MAX)
}

/// How many primaries are listed, and how many of them are not healthy.
pub(super) fn primaries(entry: &PoolEntry) -> (u32, u32) {
    let primaries = || entry.members.iter().take(entry.listed).filter(|one| !one.server.backup);
    let unhealthy = |one: &&Member| !one.state.availability().is_available();
    let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    (count(primaries().count()), count(primaries().filter(unhealthy).count()))
}

/// Requests in flight for each server in rotation; `None` without any.
pub(super) fn connections(entry: &PoolEntry) -> Option<f64> {
    let serving: Vec<&Member> = entry.members.iter().filter(|one| one.is_serving()).collect();
    let in_flight: f64 = serving.iter().map(|member| f64::from(member.state.in_flight())).sum();
    (!serving.is_empty()).then(|| in_flight / serving.len() as f64)
}

/// How busy instances are on average; `None` without any.
pub(super) fn mean(busy: &[&Usage], of: fn(&Usage) -> f64) -> Option<f64> {
    let sum: f64 = busy.iter().map(|usage| of(usage)).sum();
    (!busy.is_empty()).then(|| sum / busy.len() as f64)
}

/// The weight of the primaries that take requests.
pub(super) fn weight(entry: &PoolEntry) -> f64 {
    let serving = entry.members.iter().filter(|member| member.is_serving());
    serving.map(|member| f64::from(member.state.weight())).sum()
}

/// A server that is sick, on its way or in slow start does not show what it can do.
fn sample(entry: &PoolEntry, Member { state, .. }: &Member, now: Instant) -> Sample {
    let ramping = state.joined().is_some_and(|joined| now.since(joined) < entry.pool.slow_start);
    let well = state.availability() == Availability::Healthy && state.rotation() == Rotation::In;
    if well && !ramping { Sample::Fair } else { Sample::Disturbed }
}
