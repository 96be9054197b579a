//! A network and process namespace of the benchmark's own.
//!
//! Its ports are all free and no traffic of others passes its loopback. When the benchmark ends,
//! however it ends, the kernel ends everything it has started.

use std::env;
use std::os::unix::process::CommandExt;
use std::process::Command;

use anyhow::Error;

use crate::peers;

/// The first process of the namespace. It stays beside the benchmark instead of becoming it, since
/// a first process ignores the interrupt from the terminal.
const FIRST: &str = "ip link set lo up && \"$@\"; exit $?";

/// Starts this program again, in a new namespace; returns only when that fails.
pub(super) fn enter() -> Error {
    let program = match env::current_exe() {
        Ok(program) => program,
        Err(error) => return error.into(),
    };
    let mut command = Command::new("unshare");
    command.args(["--net", "--pid", "--fork", "--kill-child", "--mount-proc"]);
    if !rustix::process::geteuid().is_root() {
        command.arg("--map-root-user");
    }
    command.args(["sh", "-c", FIRST, "sh"]).arg(program).args(env::args_os().skip(1));
    let error = command.arg("--in-namespace").env("PATH", peers::search_path()).exec();
    Error::new(error).context("cannot run unshare")
}
