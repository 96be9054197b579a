//! What a process has used, from /proc, with all its threads and descendants.
//!
//! CPU time is the scheduler's own, in nanoseconds; softirq work done inside the process's system
//! calls is part of it, for everyone alike. How it divides into user and system comes from tick
//! counters and is approximate. A thread that ends takes its time along, so a candidate that starts
//! and ends threads would look too good.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// CPU time used so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Usage {
    /// User and system, exact.
    pub(super) cpu: Duration,
    /// Clock ticks in user mode.
    pub(super) user_ticks: u64,
    /// Clock ticks in the kernel.
    pub(super) system_ticks: u64,
}

impl Usage {
    /// Used so far by `process` and its descendants; nothing for one that is gone.
    pub(super) fn of(process: u32) -> Self {
        let mut usage = Self::default();
        for process in family(process) {
            let directory = Path::new("/proc").join(process.to_string());
            for thread in threads(&directory) {
                usage.cpu += read(&thread.join("schedstat"), run_time);
            }
            let (user, system) = read(&directory.join("stat"), ticks);
            usage.user_ticks += user;
            usage.system_ticks += system;
        }
        usage
    }

    /// What was used since `before`.
    pub(super) fn since(self, before: Self) -> Self {
        Self {
            cpu: self.cpu.saturating_sub(before.cpu),
            user_ticks: self.user_ticks.saturating_sub(before.user_ticks),
            system_ticks: self.system_ticks.saturating_sub(before.system_ticks),
        }
    }

    /// The part of the time spent in user mode, 0 to 1.
    pub(super) fn user_share(self) -> f64 {
        let all = (self.user_ticks + self.system_ticks).max(1);
        self.user_ticks as f64 / all as f64
    }
}

/// Resident memory of `process` and its descendants, in KiB.
pub(super) fn resident_kib(process: u32) -> u64 {
    let status = |process: u32| Path::new("/proc").join(process.to_string()).join("status");
    family(process).into_iter().map(|process| read(&status(process), resident)).sum()
}

/// `process` and all its descendants.
pub(super) fn family(process: u32) -> Vec<u32> {
    let mut members = vec![process];
    let mut next = 0;
    while let Some(&member) = members.get(next) {
        for thread in threads(&Path::new("/proc").join(member.to_string())) {
            members.extend(read(&thread.join("children"), numbers));
        }
        next += 1;
    }
    members
}

fn threads(process: &Path) -> Vec<PathBuf> {
    // A process may end while it is looked at: then it has no threads, and its files read as
    // nothing.
    let entries = fs::read_dir(process.join("task"));
    entries.into_iter().flatten().flatten().map(|entry| entry.path()).collect()
}

fn read<T: Default>(file: &Path, parse: impl Fn(&str) -> Option<T>) -> T {
    fs::read_to_string(file).ok().and_then(|text| parse(&text)).unwrap_or_default()
}

/// schedstat: nanoseconds on a CPU, nanoseconds waiting, times run.
fn run_time(text: &str) -> Option<Duration> {
    Some(Duration::from_nanos(text.split_whitespace().next()?.parse().ok()?))
}

/// stat: the fields behind the name, which may hold anything; user ticks are the 12th of them.
fn ticks(text: &str) -> Option<(u64, u64)> {
    let mut fields = text.rsplit_once(')')?.1.split_whitespace().skip(11);
    Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
}

fn resident(text: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.split_whitespace().next()?.parse().ok()
}

fn numbers(text: &str) -> Option<Vec<u32>> {
    text.split_whitespace().map(|word| word.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_proc_are_read() {
        assert_eq!(run_time("123456 789 12\n"), Some(Duration::from_nanos(123_456)));
        let stat = "42 (a (b) c) S 1 2 3 4 5 6 7 8 9 10 77 88 0 0 20 0 1 0";
        assert_eq!(ticks(stat), Some((77, 88)));
        assert_eq!(resident("Name:\tx\nVmRSS:\t    5124 kB\nVmData: 1 kB\n"), Some(5124));
        assert_eq!(numbers("12 345 \n"), Some(vec![12, 345]));
    }

    #[test]
    fn this_process_has_used_time_and_memory() {
        let this = std::process::id();
        assert!(Usage::of(this).cpu > Duration::ZERO);
        assert!(resident_kib(this) > 0);
        assert_eq!(family(this)[0], this);
    }

    #[test]
    fn a_process_that_is_gone_uses_nothing() {
        assert_eq!(Usage::of(u32::MAX), Usage::default());
        assert_eq!(resident_kib(u32::MAX), 0);
    }

    #[test]
    fn shares_and_differences_are_of_the_time_between() {
        let usage = |nanos, user_ticks, system_ticks| Usage {
            cpu: Duration::from_nanos(nanos),
            user_ticks,
            system_ticks,
        };
        let between = usage(150, 8, 12).since(usage(100, 5, 3));
        assert_eq!(between, usage(50, 3, 9));
        assert!((between.user_share() - 0.25).abs() < 1e-9);
        assert!(Usage::default().user_share().abs() < 1e-9);
    }
}
