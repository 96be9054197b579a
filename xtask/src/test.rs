//! `cargo xtask test`: everything that must pass, on a fresh Debian machine with Rust.
//!
//! Installs what the tests talk to, then checks format and lints, runs all tests, and counts
//! instructions. A failing step does not stop the next, so one run shows everything; the last line
//! is the sum over all tests, `N passed, N failed, N skipped`.

use std::io::{BufRead, BufReader};
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, Result};

use crate::instructions::{self, Outcome};
use crate::peers::{self, Peer};
use crate::workspace;

/// What tests start or drive as real clients and servers.
const PEERS: &[Peer] = &[
    peers::CURL,
    peers::HAPROXY,
    peers::H2LOAD,
    peers::IP,
    peers::NGHTTP,
    peers::NGHTTPD,
    peers::NGINX,
    peers::PYTHON,
    peers::VALGRIND,
    peers::WRK,
];
/// Parts of the toolchain that a minimal installation leaves out.
const COMPONENTS: &[&str] = &["rustfmt", "clippy"];

/// Runs all steps.
///
/// # Errors
/// When something the steps need cannot be installed or run. A step that fails is an exit code.
pub(crate) fn run() -> Result<ExitCode> {
    peers::ensure_all(PEERS)?;
    // Not every release of Debian has it.
    if let Err(error) = peers::ensure_all(&[peers::PEBBLE]) {
        println!("without pebble, tests of ACME are skipped: {error:#}");
    }
    peers::ensure_grpc(&workspace::target()?);
    add_components()?;

    let mut failed = Vec::new();
    let mut step = |name: &'static str, result: Result<bool>| -> Result<()> {
        if !result? {
            failed.push(name);
        }
        Ok(())
    };
    let mut totals = Totals::default();
    step("format", succeeds(&["fmt", "--all", "--check"]))?;
    let lints = ["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"];
    step("lints", succeeds(&lints))?;
    step("tests", test(&mut totals))?;
    step("instruction counts", count_instructions(&mut totals))?;

    println!();
    if !failed.is_empty() {
        println!("failed: {}", failed.join(", "));
    }
    println!("{} passed, {} failed, {} skipped", totals.passed, totals.failed, totals.skipped);
    // The summary is to be the last line, so the failure goes without a message of its own.
    Ok(if failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Adds what `cargo fmt` and `cargo clippy` need to a toolchain managed by rustup.
fn add_components() -> Result<()> {
    let works = |task| {
        let mut command = Command::new("cargo");
        command.args([task, "--version"]).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    if works("fmt") && works("clippy") {
        return Ok(());
    }
    workspace::add_components(COMPONENTS)
}

fn succeeds(arguments: &[&str]) -> Result<bool> {
    println!("$ cargo {}", arguments.join(" "));
    let status = workspace::cargo()?.args(arguments).status().context("cannot run cargo")?;
    Ok(status.success())
}

/// Runs all tests, shows their output as it comes, and adds up their results.
fn test(totals: &mut Totals) -> Result<bool> {
    let arguments = ["test", "--workspace", "--no-fail-fast"];
    println!("$ cargo {}", arguments.join(" "));
    let mut child = workspace::cargo()?
        .args(arguments)
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot run cargo")?;
    let output = child.stdout.take().context("the output of cargo is piped")?;
    for line in BufReader::new(output).split(b'\n') {
        let line = line?;
        let line = String::from_utf8_lossy(&line);
        println!("{line}");
        totals.add_line(&line);
    }
    Ok(child.wait()?.success())
}

fn count_instructions(totals: &mut Totals) -> Result<bool> {
    println!("$ cargo xtask instructions");
    match instructions::run() {
        Ok(Outcome::Passed) => Ok(true),
        Ok(Outcome::Skipped) => {
            totals.skipped += 1;
            Ok(true)
        }
        Err(error) => {
            println!("{error:#}");
            Ok(false)
        }
    }
}

/// What all tests amount to.
#[derive(Debug, Default, PartialEq, Eq)]
struct Totals {
    passed: u64,
    failed: u64,
    skipped: u64,
}

impl Totals {
    /// Adds a line such as `test result: ok. 3 passed; 0 failed; 1 ignored; …`; others do not
    /// count.
    fn add_line(&mut self, line: &str) {
        let Some((_, results)) =
            line.strip_prefix("test result: ").and_then(|l| l.split_once(". "))
        else {
            return;
        };
        for result in results.split("; ") {
            let Some((count, word)) = result.split_once(' ') else { continue };
            let count: u64 = count.parse().unwrap_or(0);
            match word {
                "passed" => self.passed += count,
                "failed" => self.failed += count,
                "ignored" => self.skipped += count,
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_add_up_and_nothing_else_counts() {
        let mut totals = Totals::default();
        for line in [
            "running 3 tests",
            "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 5 filtered out; \
             finished in 0.00s",
            "test a ... 9 passed; ok",
            "test result: FAILED. 2 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out",
            "test result: ",
        ] {
            totals.add_line(line);
        }
        assert_eq!(totals, Totals { passed: 5, failed: 1, skipped: 1 });
    }
}
