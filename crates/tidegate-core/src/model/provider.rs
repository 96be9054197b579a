//! What starts and stops the instances of a pool.

use std::collections::BTreeMap;
use std::path::PathBuf;

use rapidhash::v3::rapidhash_v3;

use crate::time::Duration;

/// What starts and stops instances.
#[derive(Clone, Debug, PartialEq)]
pub enum Provider {
    /// Children of the balancer.
    Process(Process),
    /// Three commands.
    Exec(Exec),
}

impl Provider {
    /// The word of the configuration for it.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Process(_) => "process",
            Self::Exec(_) => "exec",
        }
    }

    /// A digest of everything that makes an instance what it is: what was learned of one says
    /// nothing of another. Ports, logs, timeouts and how instances end make no other instance.
    ///
    /// Stable over releases and machines, as it is kept on disk.
    #[must_use]
    pub fn digest(&self) -> u64 {
        let mut text = String::new();
        match self {
            Self::Process(process) => {
                write(&mut text, "process", process.command.iter().map(String::as_str));
                for (name, value) in &process.env {
                    write(&mut text, "env", [name.as_str(), value]);
                }
                if let Some(directory) = &process.directory {
                    write(&mut text, "directory", [&*directory.to_string_lossy()]);
                }
                if let Some(cpus) = process.cpus {
                    write(&mut text, "cpus", [cpus.to_string().as_str()]);
                }
                if let Some(memory) = process.memory {
                    write(&mut text, "memory", [memory.to_string().as_str()]);
                }
            }
            Self::Exec(exec) => write(&mut text, "exec", exec.start.iter().map(String::as_str)),
        }
        rapidhash_v3(text.as_bytes())
    }
}

/// Writes a line of the canonical form. Each item follows its length, so that no two lists read
/// alike.
fn write<'a>(text: &mut String, word: &str, items: impl IntoIterator<Item = &'a str>) {
    text.push_str(word);
    for item in items {
        text.push_str(&format!(" {}:{item}", item.len()));
    }
    text.push('\n');
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
    /// Where it runs, which is also where a program with a `/` in its name is looked for; `None`:
    /// where the balancer does.
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

#[cfg(test)]
mod tests {
    use super::*;

    fn process() -> Process {
        Process {
            command: vec!["./shop".into(), "--port".into(), "{port}".into()],
            ports: (9100, 9199),
            env: BTreeMap::from([("MODE".into(), "prod".into())]),
            directory: Some("/srv/shop".into()),
            logs: None,
            cpus: Some(1.5),
            memory: Some(512 << 20),
            stop_timeout: Duration::from_secs(10),
            on_exit: OnExit::Keep,
        }
    }

    fn exec() -> Exec {
        let words = |text: &str| vec!["./cloud".to_owned(), text.to_owned()];
        Exec {
            list: words("list"),
            start: words("start"),
            stop: words("stop"),
            timeout: Duration::from_secs(60),
        }
    }

    /// Whoever changes these numbers makes every balancer forget what it has learned.
    #[test]
    fn digests_are_the_same_in_every_release() {
        assert_eq!(Provider::Process(process()).digest(), 14_957_725_527_628_368_968);
        assert_eq!(Provider::Exec(exec()).digest(), 16_159_469_488_374_750_977);
    }

    #[test]
    fn what_makes_the_instance_makes_its_digest() {
        let same = Provider::Process(process()).digest();
        let changes: [fn(&mut Process); 8] = [
            |p| p.command.push("-v".into()),
            |p| p.command = vec!["./shop".into(), "--port {port}".into()],
            |p| drop(p.env.insert("MODE".into(), "test".into())),
            |p| p.env.clear(),
            |p| p.directory = None,
            |p| p.cpus = Some(2.0),
            |p| p.memory = None,
            |p| p.command[0] = "shop".into(),
        ];
        for (place, change) in changes.iter().enumerate() {
            let mut process = process();
            change(&mut process);
            assert_ne!(Provider::Process(process).digest(), same, "change {place}");
        }
        let changes: [fn(&mut Process); 4] = [
            |p| p.ports = (1, 2),
            |p| p.logs = Some("/var/log/shop".into()),
            |p| p.stop_timeout = Duration::ZERO,
            |p| p.on_exit = OnExit::Stop,
        ];
        for (place, change) in changes.iter().enumerate() {
            let mut process = process();
            change(&mut process);
            assert_eq!(Provider::Process(process).digest(), same, "change {place}");
        }
        let mut other = exec();
        other.list.push("--all".into());
        other.timeout = Duration::from_secs(1);
        assert_eq!(Provider::Exec(other.clone()).digest(), Provider::Exec(exec()).digest());
        other.start.push("--large".into());
        assert_ne!(Provider::Exec(other).digest(), Provider::Exec(exec()).digest());
    }
}
