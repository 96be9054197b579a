//! `cargo xtask instructions`: the instruction counts of the hot path, guarded by the limits in the
//! bench itself.
//!
//! Counting needs valgrind, and the runner of gungraun in the version that Cargo.lock has; the
//! runner is installed below the build output when it is missing. Without valgrind, or where the
//! runner cannot be installed, the step is skipped and says so: counts are the same on every
//! machine that has them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::{peers, workspace};

/// The package and the bench that count.
const PACKAGE: &str = "tidegate-core";
const BENCH: &str = "instructions";

/// How it went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// All counts are within their limits, or there is nothing to count.
    Passed,
    /// This machine cannot count.
    Skipped,
}

/// Runs the counting bench.
///
/// # Errors
/// When a count exceeds its limit or the bench does not build.
pub(crate) fn run() -> Result<Outcome> {
    let file = format!("crates/{PACKAGE}/benches/{BENCH}.rs");
    if !workspace::root().join(file).is_file() {
        return Ok(Outcome::Passed);
    }
    if !peers::VALGRIND.is_there() {
        println!("skipped: instruction counts need valgrind");
        return Ok(Outcome::Skipped);
    }
    let runner = match runner() {
        Ok(runner) => runner,
        Err(error) => {
            println!("skipped: no runner for instruction counts: {error:#}");
            return Ok(Outcome::Skipped);
        }
    };
    let mut bench = workspace::cargo()?;
    bench.args(["bench", "--package", PACKAGE, "--bench", BENCH]).env("GUNGRAUN_RUNNER", runner);
    let status = bench.status().context("cannot run cargo")?;
    ensure!(status.success(), "instruction counts are over their limits");
    Ok(Outcome::Passed)
}

/// The runner that fits the library in Cargo.lock, installed first when it is missing.
fn runner() -> Result<PathBuf> {
    let lock = fs::read_to_string(workspace::root().join("Cargo.lock"))?;
    let version = locked_version(&lock, "gungraun").context("Cargo.lock has no gungraun")?;
    let tools = workspace::target()?.join("tools").join(format!("gungraun-{version}"));
    let runner = tools.join("bin/gungraun-runner");
    if !runner.is_file() {
        install(version, &tools)?;
    }
    Ok(runner)
}

fn install(version: &str, tools: &Path) -> Result<()> {
    println!("installing gungraun-runner {version} into {}", tools.display());
    // Unoptimized, which builds in a fraction of the time: the runner only reads what valgrind
    // wrote.
    let status = Command::new("cargo")
        .args(["install", "--debug", "--locked", "--version", version, "gungraun-runner"])
        .arg("--root")
        .arg(tools)
        .status()
        .context("cannot run cargo")?;
    ensure!(status.success(), "cargo install gungraun-runner failed");
    Ok(())
}

/// The version of `package` in the text of a Cargo.lock.
fn locked_version<'a>(lock: &'a str, package: &str) -> Option<&'a str> {
    let name = format!("name = \"{package}\"");
    let mut lines = lock.lines().skip_while(|line| *line != name);
    lines.next()?;
    lines.next()?.strip_prefix("version = \"")?.strip_suffix('"')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_locked_version_is_that_of_the_exact_package() {
        let lock = "[[package]]\nname = \"gungraun-macros\"\nversion = \"0.7.0\"\n\n\
                    [[package]]\nname = \"gungraun\"\nversion = \"0.20.0\"\n";
        assert_eq!(locked_version(lock, "gungraun"), Some("0.20.0"));
        assert_eq!(locked_version(lock, "gun"), None);
    }
}
