//! What starts and stops the instances of a pool.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::time::Duration;

/// What starts and stops instances.
#[derive(Clone, Debug, PartialEq)]
pub enum Provider {
    /// Children of the balancer.
    Process(Process),
    /// Three commands.
    Exec(Exec),
}

/// Instances that are children of the balancer.
#[derive(Clone, Debug, PartialEq)]
pub struct Process {
    /// The program and its arguments; `{port}` and `{name}` are replaced in arguments.
    pub command: Vec<String>,
    /// The ports that are given out, both ends included.
    pub ports: (u16, u16),
    /// Variables on top of the balancer's own; `{port}` and `{name}` are replaced in values.
    pub env: BTreeMap<String, String>,
    /// Where it runs; `None`: where the balancer does.
    pub directory: Option<PathBuf>,
    /// A directory for what each instance prints, a file each; `None`: the balancer's log.
    pub logs: Option<PathBuf>,
    /// CPUs that an instance may use, by cgroup; `None`: no bound.
    pub cpus: Option<f64>,
    /// Memory that an instance may use, in bytes, by cgroup; `None`: no bound.
    pub memory: Option<u64>,
    /// How long an instance has between SIGTERM and SIGKILL.
    pub stop_timeout: Duration,
    /// What becomes of the children when the balancer ends.
    pub on_exit: OnExit,
}

/// What becomes of children when the balancer ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnExit {
    /// They run on and are adopted at the next start.
    #[default]
    Keep,
    /// They are stopped.
    Stop,
}

/// Instances that three commands list, start and stop; JSON in and out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exec {
    /// Prints all instances.
    pub list: Vec<String>,
    /// Starts the instance that it reads of.
    pub start: Vec<String>,
    /// Stops the instance that it reads of.
    pub stop: Vec<String>,
    /// How long one command may take.
    pub timeout: Duration,
}
