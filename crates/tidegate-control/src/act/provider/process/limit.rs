//! Limits of CPU and memory by control groups, version 2, where we may make some.
//!
//! That is so as root without a service manager, or under systemd with `Delegate=yes` and, as a
//! group with processes cannot have limited groups below it, `DelegateSubgroup=`. Elsewhere limits
//! are not enforced, which is told once.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use tidegate_core::scale::fleet::id::InstanceId;

const ROOT: &str = "/sys/fs/cgroup";

/// The period of `cpu.max`, in microseconds: the kernel's default.
const PERIOD: f64 = 100_000.0;

/// A group that groups of instances can be made in.
#[derive(Clone, Debug)]
pub(super) struct Groups(PathBuf);

/// What one instance may use; `None`: no bound.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Limit {
    pub(super) cpus: Option<f64>,
    pub(super) memory: Option<u64>,
}

impl Limit {
    pub(super) const fn is_none(self) -> bool {
        self.cpus.is_none() && self.memory.is_none()
    }
}

impl Groups {
    /// Our own group, or the one above if we were put into a part of it.
    pub(super) fn find() -> io::Result<Self> {
        let own = fs::read_to_string("/proc/self/cgroup")?;
        let own = own.lines().find_map(|line| line.strip_prefix("0::/"));
        let own = own.ok_or_else(|| io::Error::other("there are no control groups, version 2"))?;
        let own = Path::new(ROOT).join(own);
        let above = own.parent().filter(|above| above.starts_with(ROOT)).map(Path::to_owned);
        Self::at(own).or_else(|error| above.map_or(Err(error), Self::at))
    }

    /// Has groups below this one be limited.
    fn at(path: PathBuf) -> io::Result<Self> {
        let controllers = fs::read_to_string(path.join("cgroup.controllers"))?;
        let has = |name| controllers.split_ascii_whitespace().any(|one| one == name);
        if !has("cpu") || !has("memory") {
            return Err(io::Error::other("the controllers cpu and memory are not delegated"));
        }
        fs::write(path.join("cgroup.subtree_control"), "+cpu +memory")?;
        Ok(Self(path))
    }

    /// Limits a process that has just begun, and what it starts from then on.
    pub(super) fn limit(&self, id: &InstanceId, limit: Limit, process: u32) -> io::Result<()> {
        let group = self.group(id);
        fs::create_dir_all(&group)?;
        if let Some(cpus) = limit.cpus {
            fs::write(group.join("cpu.max"), format!("{:.0} {PERIOD:.0}", cpus * PERIOD))?;
        }
        if let Some(memory) = limit.memory {
            fs::write(group.join("memory.max"), memory.to_string())?;
        }
        fs::write(group.join("cgroup.procs"), process.to_string())
    }

    /// Removes the group of an instance that is gone.
    pub(super) fn remove(&self, id: &InstanceId) {
        // A group that still has a process stays, and is found by its name with the next launch.
        let _ = fs::remove_dir(self.group(id));
    }

    fn group(&self, id: &InstanceId) -> PathBuf {
        self.0.join(format!("tidegate-{id}"))
    }
}

#[cfg(test)]
mod tests {
    use tidegate_net::entropy;

    use super::*;

    #[test]
    fn limits_are_written_as_the_kernel_reads_them() {
        let path = std::env::temp_dir().join(format!("tidegate-cgroup-{:016x}", entropy::word()));
        fs::create_dir(&path).expect("the name is new");
        assert!(Groups::at(path.clone()).is_err(), "it is no control group");
        fs::write(path.join("cgroup.controllers"), "cpuset cpu io memory pids").expect("room");
        let groups = Groups::at(path.clone()).expect("it looks like one");
        let id = InstanceId::parse("shop-1").expect("a name");
        let limit = Limit { cpus: Some(1.5), memory: Some(1 << 20) };
        groups.limit(&id, limit, 42).expect("it can be written");
        let read = |name| fs::read_to_string(path.join("tidegate-shop-1").join(name));
        let written = ["cpu.max", "memory.max", "cgroup.procs"].map(|name| read(name).ok());
        assert_eq!(written.map(Option::unwrap_or_default), ["150000 100000", "1048576", "42"]);
        fs::remove_dir_all(&path).expect("it is ours");
    }
}
