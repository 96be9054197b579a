//! How busy instances are, by what `/proc` counts of their processes.
//!
//! The share is of what the instance may use: its configured limit, or else an equal part of the
//! machine, as all instances on one machine share it.

use std::collections::BTreeMap;
use std::fs;

use tidegate_core::model::provider::Process;
use tidegate_core::scale::fleet::id::InstanceId;
use tidegate_core::time::Instant;

use super::super::contract::Usage;
use super::family::Family;

/// What was counted at the last look.
#[derive(Debug, Default)]
pub(super) struct Meter {
    at: Option<Instant>,
    ticks: BTreeMap<InstanceId, u64>,
}

/// What one instance may use.
#[derive(Clone, Copy, Debug)]
struct Allowance {
    cpus: f64,
    bytes: f64,
}

impl Meter {
    /// The usage since the last look of those that were there then.
    #[expect(clippy::cast_precision_loss, reason = "what is counted here fits a double")]
    pub(super) fn read(
        &mut self,
        families: &BTreeMap<InstanceId, Family>,
        settings: &Process,
        now: Instant,
    ) -> BTreeMap<InstanceId, Usage> {
        let allowance = Allowance::of(settings, families.len());
        let seconds = self.at.map_or(0.0, |at| now.since(at).as_secs_f64());
        let hertz = rustix::param::clock_ticks_per_second() as f64;
        let page = rustix::param::page_size() as f64;
        let mut usage = BTreeMap::new();
        let mut counted = BTreeMap::new();
        for (id, family) in families {
            let ticks: u64 = family.processes.iter().map(|process| process.ticks).sum();
            let pages: u64 = family.processes.iter().map(|process| process.pages).sum();
            if let Some(before) = self.ticks.get(id).filter(|_| seconds > 0.0) {
                // One that ended took its ticks along unless its parent waited for it.
                let used = ticks.saturating_sub(*before) as f64 / hertz / seconds;
                let memory = pages as f64 * page / allowance.bytes;
                usage.insert(id.clone(), Usage { cpu: used / allowance.cpus, memory });
            }
            counted.insert(id.clone(), ticks);
        }
        *self = Self { at: Some(now), ticks: counted };
        usage
    }
}

impl Allowance {
    #[expect(clippy::cast_precision_loss, reason = "what is counted here fits a double")]
    fn of(settings: &Process, instances: usize) -> Self {
        let part = instances.max(1) as f64;
        let cpus = std::thread::available_parallelism().map_or(1.0, |cpus| cpus.get() as f64);
        let bytes = memory_total().unwrap_or(u64::MAX) as f64;
        Self {
            cpus: settings.cpus.unwrap_or(cpus / part),
            bytes: settings.memory.map_or(bytes / part, |bytes| bytes as f64),
        }
    }
}

/// The memory of the machine, in bytes (proc_meminfo(5)).
fn memory_total() -> Option<u64> {
    let text = fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use tidegate_core::time::Duration;

    use super::super::table::{Process as Seen, ProcessId};
    use super::*;

    #[test]
    fn shares_are_of_what_an_instance_may_use() {
        let id = InstanceId::parse("shop-1").expect("a name");
        let hertz = rustix::param::clock_ticks_per_second();
        let family = |ticks: [u64; 2]| {
            let seen = |(number, ticks)| {
                let id = ProcessId { start: 1, number };
                Seen { id, group: 1, ticks, pages: 10 }
            };
            let processes = (1..).zip(ticks).map(seen).collect();
            BTreeMap::from([(id.clone(), Family { mark: None, processes })])
        };
        let settings = Process {
            cpus: Some(2.0),
            memory: Some(rustix::param::page_size() as u64 * 80),
            ..super::super::tests::settings(&[])
        };
        let at = |second| Instant::ZERO + Duration::from_secs(second);
        let mut meter = Meter::default();
        assert!(meter.read(&family([0, 0]), &settings, at(10)).is_empty(), "one look is none");
        let usage = meter.read(&family([3 * hertz, hertz]), &settings, at(14))[&id];
        assert!((usage.cpu - 0.5).abs() < 1e-9, "4 of 2 × 4 seconds: {usage:?}");
        assert!((usage.memory - 0.25).abs() < 1e-9, "20 of 80 pages: {usage:?}");
        let usage = meter.read(&family([hertz, 0]), &settings, at(15))[&id];
        assert!(usage.cpu.abs() < 1e-9, "an end is no negative use");
    }

    #[test]
    fn the_machine_has_memory() {
        assert!(memory_total().is_some_and(|bytes| bytes > 1 << 20));
    }
}
