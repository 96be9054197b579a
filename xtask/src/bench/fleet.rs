//! The origin and all candidates, started, pinned and listening; they end with the fleet.

use std::fs::{self, File};
use std::net::{Ipv4Addr, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use rustix::process::{Pid, Resource, Rlimit, Signal};

use super::candidate::{self, Candidate};
use super::peer_config;
use super::release;
use super::setting::Setting;
use crate::clock;

/// Where the origin listens.
pub(super) const ORIGIN_PORT: u16 = 9000;
/// The core of whoever is measured.
const MEASURED: Core = Core(0);
/// The core of load and origin.
pub(super) const LOADING: Core = Core(1);
/// For a program to listen, and to end when told to.
const PATIENCE: Duration = Duration::from_secs(10);
/// Descriptors that a program needs beside those of its clients and servers.
const DESCRIPTORS_SPARE: u64 = 4096;

/// A CPU core by the kernel's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Core(u8);

impl Core {
    /// Words to put before a command, so that it runs on this core alone.
    pub(super) fn pin(self) -> Vec<String> {
        vec!["taskset".to_owned(), "-c".to_owned(), self.0.to_string()]
    }
}

/// All that stands between the load and its answers.
pub(super) struct Fleet {
    pub(super) members: Vec<Member>,
    /// Held for its end.
    _origin: Process,
}

/// A candidate that runs.
pub(super) struct Member {
    pub(super) name: String,
    pub(super) port: u16,
    process: Process,
}

impl Member {
    /// Its process id.
    pub(super) fn id(&self) -> u32 {
        self.process.0.id()
    }
}

impl Fleet {
    /// Starts everything, ready for as many clients as `connections`.
    ///
    /// # Errors
    /// When a program does not start or does not listen.
    pub(super) fn start(
        candidates: &[Candidate],
        directory: &Path,
        setting: Setting,
        connections: u32,
    ) -> Result<Self> {
        let cores = thread::available_parallelism()?.get();
        ensure!(cores >= 2, "the measured and the measuring need a core each");
        allow_descriptors(u64::from(connections) + DESCRIPTORS_SPARE)?;
        peer_config::write(directory, setting, connections)?;

        let origin = candidate::origin("origin", ORIGIN_PORT)?;
        let origin = Process::start(&origin, LOADING, directory)?;
        let members = candidates.iter().map(|candidate| {
            let process = Process::start(candidate, MEASURED, directory)?;
            Ok(Member { name: candidate.name.clone(), port: candidate.port, process })
        });
        Ok(Self { members: members.collect::<Result<_>>()?, _origin: origin })
    }
}

/// Lets this process, and those it starts, open so many descriptors.
fn allow_descriptors(count: u64) -> Result<()> {
    let Rlimit { current, maximum } = rustix::process::getrlimit(Resource::Nofile);
    if current.is_none_or(|current| current >= count) {
        return Ok(());
    }
    // Up to the maximum is free to everyone; beyond it takes a privilege.
    let maximum = maximum.map(|maximum| maximum.max(count));
    rustix::process::setrlimit(Resource::Nofile, Rlimit { current: Some(count), maximum })
        .with_context(|| format!("{count} file descriptors are needed (ulimit -n)"))
}

/// A program in a process group of its own, which ends when this is dropped.
struct Process(Child);

impl Process {
    /// Starts the command on `core` and waits until it listens. What it prints goes to a file.
    fn start(candidate: &Candidate, core: Core, directory: &Path) -> Result<Self> {
        let name = &candidate.name;
        let log = directory.join(format!("{name}.log"));
        let output = File::create(&log).with_context(|| format!("cannot write {log:?}"))?;
        let mut words = core.pin();
        words.extend(candidate.command.iter().cloned());
        let child = Command::new(&words[0])
            .args(&words[1..])
            .current_dir(directory)
            .env(release::TOKEN, name)
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            .process_group(0)
            .spawn()
            .with_context(|| format!("cannot start {name}"))?;
        let mut process = Self(child);

        let address = (Ipv4Addr::LOCALHOST, candidate.port);
        let listens = || TcpStream::connect(address).is_ok();
        let waited = clock::wait_until(&format!("{name} listening"), PATIENCE, || {
            listens() || process.has_ended()
        });
        // A program that ended leaves its port to whoever held it: that is not who we measure.
        if waited.is_err() || process.has_ended() {
            let printed = fs::read_to_string(&log).unwrap_or_default();
            bail!("{name} does not listen on port {}:\n{printed}", candidate.port);
        }
        order(candidate).with_context(|| format!("{name} takes no orders"))?;
        Ok(process)
    }

    fn has_ended(&mut self) -> bool {
        !matches!(self.0.try_wait(), Ok(None))
    }
}

/// Says to one that listens what is to be said to it, if anything is.
fn order(candidate: &Candidate) -> Result<()> {
    let Some((program, arguments)) = candidate.then.split_first() else { return Ok(()) };
    let mut command = Command::new(program);
    let output = command.args(arguments).env(release::TOKEN, &candidate.name).output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{}: {said}", candidate.then.join(" "));
    Ok(())
}

impl Drop for Process {
    fn drop(&mut self) {
        let Some(group) = Pid::from_raw(self.0.id().cast_signed()) else { return };
        // An error means that the group is gone already, which is all that is wanted.
        let _ = rustix::process::kill_process_group(group, Signal::TERM);
        if clock::wait_until("end", Duration::from_secs(3), || self.has_ended()).is_err() {
            let _ = rustix::process::kill_process_group(group, Signal::KILL);
            let _ = self.0.wait();
        }
    }
}
