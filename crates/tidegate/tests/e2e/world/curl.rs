//! curl, as a client that speaks TLS.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// Whether a program is there; says so when a test has to go without.
pub(crate) fn is_installed(program: &str) -> bool {
    let mut command = Command::new(program);
    let found = command.arg("--help").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok();
    if !found {
        // Past the harness, which shows what a test prints only when it fails.
        let _ = writeln!(io::stderr(), "SKIPPED a test: {program} is not installed");
    }
    found
}

/// curl that asks for `https://NAME/PATH` at `address` and trusts the one certificate.
pub(crate) fn curl(address: SocketAddr, name: &str, path: &str, trusted: &Path) -> Command {
    let port = address.port();
    let mut command = Command::new("curl");
    command.args(["-sS", "-m", "30", "--noproxy", "*", "--cacert"]).arg(trusted);
    command.arg("--resolve").arg(format!("{name}:{port}:{}", address.ip()));
    command.arg(format!("https://{name}:{port}{path}")).stdout(Stdio::piped());
    command
}

/// What it got, if it got something.
#[track_caller]
pub(crate) fn answer(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}
