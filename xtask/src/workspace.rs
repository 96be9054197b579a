//! Where the repository and its build output are, and how cargo is run in it.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::peers;

/// The root of the repository.
pub(crate) fn root() -> PathBuf {
    let package = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    package.parent().map(PathBuf::from).unwrap_or(package)
}

/// The directory cargo builds into: this program was built into `TARGET/debug/`.
pub(crate) fn target() -> Result<PathBuf> {
    let program = std::env::current_exe()?;
    let target = program.ancestors().nth(2).map(PathBuf::from);
    target.context("this program is not where cargo builds programs")
}

/// A cargo for the repository, building where this program was built, whose children find daemons.
pub(crate) fn cargo() -> Result<Command> {
    let mut command = Command::new("cargo");
    command
        .current_dir(root())
        .env("CARGO_TARGET_DIR", target()?)
        .env("PATH", peers::search_path());
    Ok(command)
}

/// Adds parts that a minimal installation leaves out to a toolchain managed by rustup.
///
/// # Errors
/// When there is no rustup, or it cannot add them.
pub(crate) fn add_components(names: &[&str]) -> Result<()> {
    let mut rustup = Command::new("rustup");
    rustup.args(["component", "add"]).args(names).current_dir(root());
    succeed(&mut rustup).with_context(|| format!("the toolchain lacks {}", names.join(" or ")))
}

/// Runs a command to its end.
///
/// # Errors
/// When it cannot be run, or fails.
pub(crate) fn succeed(command: &mut Command) -> Result<()> {
    let program = command.get_program().to_string_lossy().into_owned();
    let status = command.status().with_context(|| format!("cannot run {program}"))?;
    ensure!(status.success(), "{program} failed: {status}");
    Ok(())
}
