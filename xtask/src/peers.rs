//! The programs that tests and benchmarks talk to, and how a Debian machine gets those it lacks.
//!
//! A missing program is installed with apt-get, as root or through a sudo that asks nothing. Where
//! that cannot be, the task stops and says which command would do; it never goes on with less.

use std::env;
use std::ffi::OsString;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};

/// Where Debian keeps daemons, which is not in everyone's PATH.
const SYSTEM_DIRECTORIES: &[&str] = &["/usr/local/sbin", "/usr/sbin", "/sbin"];

/// A program of others, and the Debian package that brings it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Peer {
    pub(crate) program: &'static str,
    pub(crate) package: &'static str,
}

impl Peer {
    const fn new(program: &'static str, package: &'static str) -> Self {
        Self { program, package }
    }

    /// Whether it is on this machine.
    pub(crate) fn is_there(self) -> bool {
        find(self.program).is_some()
    }
}

pub(crate) const CURL: Peer = Peer::new("curl", "curl");
pub(crate) const H2LOAD: Peer = Peer::new("h2load", "nghttp2-client");
pub(crate) const HAPROXY: Peer = Peer::new("haproxy", "haproxy");
pub(crate) const IP: Peer = Peer::new("ip", "iproute2");
pub(crate) const NGINX: Peer = Peer::new("nginx", "nginx");
pub(crate) const NGHTTP: Peer = Peer::new("nghttp", "nghttp2-client");
pub(crate) const NGHTTPD: Peer = Peer::new("nghttpd", "nghttp2-server");
pub(crate) const PEBBLE: Peer = Peer::new("pebble", "pebble");
pub(crate) const PERF: Peer = Peer::new("perf", "linux-perf");
pub(crate) const PYTHON: Peer = Peer::new("python3", "python3");
pub(crate) const STRACE: Peer = Peer::new("strace", "strace");
pub(crate) const VALGRIND: Peer = Peer::new("valgrind", "valgrind");
pub(crate) const WRK: Peer = Peer::new("wrk", "wrk");

/// Sees to it that all of `peers` are there.
///
/// # Errors
/// When one is missing and cannot be installed here.
pub(crate) fn ensure_all(peers: &[Peer]) -> Result<()> {
    let missing = missing(peers);
    match remedy(&packages(&missing), Rights::found()) {
        Remedy::None => Ok(()),
        Remedy::Install(commands) => {
            for command in commands {
                run(&command)?;
            }
            let still: Vec<&str> = self::missing(peers).iter().map(|peer| peer.program).collect();
            ensure!(still.is_empty(), "installed, and still missing: {}", still.join(", "));
            Ok(())
        }
        Remedy::Ask(message) => bail!(message),
    }
}

/// What PyPI has of gRPC, in the version that tests are written for.
const GRPCIO: &str = "grpcio==1.76.0";

/// Sets a Python with gRPC up below the build output, where tests look for it. Tests that need it
/// are skipped where it cannot be had.
pub(crate) fn ensure_grpc(target: &Path) {
    let directory = target.join("grpcio");
    let python = directory.join("bin/python");
    let works = |script: &str| {
        let mut command = Command::new(&python);
        command.args(["-c", script]).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    if works("import grpc") {
        return;
    }
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let (place, python) = (directory.display().to_string(), python.display().to_string());
    let made = run(&words(&["python3", "-m", "venv", &place]))
        .and_then(|()| run(&words(&[&python, "-m", "pip", "install", "--quiet", GRPCIO])));
    if let Err(error) = made {
        println!("without {GRPCIO}, tests of gRPC are skipped: {error:#}");
        // A half of it would fail them.
        let _ = std::fs::remove_dir_all(&directory);
    }
}

/// The PATH of this process with the directories of daemons behind it.
pub(crate) fn search_path() -> OsString {
    let own = env::var_os("PATH").unwrap_or_default();
    let mut directories: Vec<PathBuf> = env::split_paths(&own).collect();
    directories.extend(SYSTEM_DIRECTORIES.iter().map(PathBuf::from));
    // A directory whose name holds a colon cannot have come from PATH, nor is one of ours.
    env::join_paths(directories).unwrap_or(own)
}

/// Where `program` is, if it is anywhere on the search path.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    let path = search_path();
    env::split_paths(&path).map(|directory| directory.join(program)).find(|file| is_program(file))
}

fn is_program(file: &Path) -> bool {
    file.metadata().is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0)
}

fn missing(peers: &[Peer]) -> Vec<Peer> {
    peers.iter().copied().filter(|peer| !peer.is_there()).collect()
}

/// Their packages, each once.
fn packages(peers: &[Peer]) -> Vec<&'static str> {
    let mut packages: Vec<&str> = peers.iter().map(|peer| peer.package).collect();
    packages.sort_unstable();
    packages.dedup();
    packages
}

/// What this process may do to the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rights {
    /// Install as it is.
    Root,
    /// Install through sudo.
    Sudo,
    /// Nothing, or there is no apt-get.
    None,
}

impl Rights {
    fn found() -> Self {
        let succeeds = |program: &str, arguments: &[&str]| {
            let mut command = Command::new(program);
            command
                .args(arguments)
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null());
            command.status().is_ok_and(|status| status.success())
        };
        if find("apt-get").is_none() {
            Self::None
        } else if rustix::process::geteuid().is_root() {
            Self::Root
        } else if succeeds("sudo", &["-n", "true"]) {
            Self::Sudo
        } else {
            Self::None
        }
    }
}

/// What to do about missing packages.
#[derive(Debug, PartialEq, Eq)]
enum Remedy {
    /// Nothing is missing.
    None,
    /// Run these, program first.
    Install(Vec<Vec<String>>),
    /// Stop, and tell the user this.
    Ask(String),
}

fn remedy(packages: &[&str], rights: Rights) -> Remedy {
    if packages.is_empty() {
        return Remedy::None;
    }
    let list = packages.join(" ");
    let update = "apt-get update".to_owned();
    let install = format!("apt-get install -y --no-install-recommends {list}");
    let prefix = match rights {
        Rights::Root => "env DEBIAN_FRONTEND=noninteractive ",
        Rights::Sudo => "sudo -n env DEBIAN_FRONTEND=noninteractive ",
        Rights::None => {
            let how = format!("sudo sh -c '{update} && {install}'");
            return Remedy::Ask(format!("missing: {list}. On Debian, install with:\n  {how}"));
        }
    };
    let split = |line: &String| format!("{prefix}{line}").split(' ').map(str::to_owned).collect();
    Remedy::Install([update, install].iter().map(split).collect())
}

fn run(command: &[String]) -> Result<()> {
    println!("$ {}", command.join(" "));
    let Some((program, arguments)) = command.split_first() else { return Ok(()) };
    let status = Command::new(program).args(arguments).stdin(Stdio::null()).status();
    let status = status.with_context(|| format!("cannot run {program}"))?;
    ensure!(status.success(), "{} failed: {status}", command.join(" "));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_missing_needs_no_rights() {
        for rights in [Rights::Root, Rights::Sudo, Rights::None] {
            assert_eq!(remedy(&[], rights), Remedy::None);
        }
    }

    #[test]
    fn who_may_install_does() {
        for (rights, start) in [(Rights::Root, "env"), (Rights::Sudo, "sudo -n env")] {
            let Remedy::Install(commands) = remedy(&["nginx", "wrk"], rights) else {
                panic!("{rights:?} may install");
            };
            let lines: Vec<String> = commands.iter().map(|command| command.join(" ")).collect();
            assert!(lines.iter().all(|line| line.starts_with(start)), "{lines:?}");
            assert!(lines[0].ends_with("apt-get update"), "{lines:?}");
            assert!(
                lines[1].ends_with("install -y --no-install-recommends nginx wrk"),
                "{lines:?}"
            );
        }
    }

    #[test]
    fn who_may_not_install_is_told_how() {
        let Remedy::Ask(message) = remedy(&["nginx"], Rights::None) else { panic!("nobody may") };
        assert!(message.contains("missing: nginx"), "{message}");
        assert!(message.contains("apt-get install -y --no-install-recommends nginx"), "{message}");
    }

    #[test]
    fn a_package_is_named_once() {
        let peers = [Peer::new("b", "two"), Peer::new("a", "one"), Peer::new("c", "two")];
        assert_eq!(packages(&peers), ["one", "two"]);
    }

    #[test]
    fn a_program_is_found_or_not() {
        assert!(find("sh").is_some_and(|path| path.ends_with("sh")));
        assert_eq!(find("no-program-has-this-name"), None);
        assert_eq!(missing(&[Peer::new("sh", "dash")]), []);
    }
}
