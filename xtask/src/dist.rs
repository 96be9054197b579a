//! `cargo xtask dist`: the program as it is released, in `target/dist/tidegate`.
//!
//! It is built twice. The first one counts which way it goes while a fixed set of loads runs
//! against it; the second is laid out for that (profile-guided optimisation, decision 014).

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use crate::workspace::{self, succeed};

/// Where programs that count write, a file for each process.
const COUNTS: &str = "LLVM_PROFILE_FILE";

/// Builds, trains and builds again.
///
/// # Errors
/// When something the builds or the training need is missing, or one of them fails.
pub(crate) fn run() -> Result<()> {
    let merger = merger()?;
    let directory = workspace::target()?.join("dist");
    let counts = directory.join("counts");
    // Counts of another program, or of an earlier state of this one.
    let _ = fs::remove_dir_all(&counts);
    fs::create_dir_all(&counts).with_context(|| format!("cannot make {counts:?}"))?;

    let flag = format!("-Cprofile-generate={}", counts.display());
    let counting = build(&directory.join("counting"), &flag)?;
    train(&counting, &counts)?;
    let profile = directory.join("tidegate.profdata");
    let mut command = Command::new(merger);
    succeed(command.arg("merge").arg("-o").arg(&profile).arg(&counts))?;

    let built = build(&directory.join("trained"), &format!("-Cprofile-use={}", profile.display()))?;
    let program = directory.join("tidegate");
    fs::copy(&built, &program).with_context(|| format!("cannot write {program:?}"))?;
    println!("{}", program.display());
    Ok(())
}

/// Builds the program into `directory` with a flag for the compiler.
fn build(directory: &Path, flag: &str) -> Result<PathBuf> {
    println!("$ RUSTFLAGS={flag} cargo build --release --package tidegate");
    let target = compiler(&["-vV"])?;
    let target = target.lines().find_map(|line| line.strip_prefix("host: "));
    let target = target.context("rustc does not say what it builds for")?;
    let mut cargo = workspace::cargo()?;
    cargo
        // With a target, programs that run at build time are built without the flag.
        .args(["build", "--release", "--package", "tidegate", "--target", target])
        .env("CARGO_TARGET_DIR", directory)
        .env("RUSTC_WRAPPER", workspace::root().join("bench/rustc-untrained"))
        .env("CARGO_ENCODED_RUSTFLAGS", flag);
    succeed(&mut cargo)?;
    Ok(directory.join(target).join("release/tidegate"))
}

/// Runs the loads against a program that counts into `counts`.
fn train(program: &Path, counts: &Path) -> Result<()> {
    println!("$ cargo xtask bench --training --program {}", program.display());
    let mut bench = Command::new(std::env::current_exe()?);
    bench
        .args(["bench", "--training", "--program"])
        .arg(program)
        .env(COUNTS, counts.join("%p.profraw"));
    succeed(&mut bench)?;
    let counted = fs::read_dir(counts)?.count();
    ensure!(counted > 0, "the training left no counts in {}", counts.display());
    Ok(())
}

/// The program that merges counts, which comes with the compiler that made them.
fn merger() -> Result<PathBuf> {
    let libraries = PathBuf::from(compiler(&["--print", "target-libdir"])?.trim());
    let programs = libraries.parent().map(|parent| parent.join("bin")).unwrap_or_default();
    let merger = programs.join("llvm-profdata");
    if !merger.is_file() {
        workspace::add_components(&["llvm-tools"])?;
    }
    Ok(merger)
}

/// What the compiler of this repository says.
fn compiler(arguments: &[&str]) -> Result<String> {
    let mut rustc = Command::new("rustc");
    rustc.args(arguments).current_dir(workspace::root()).stdin(Stdio::null());
    let output = rustc.output().context("cannot run rustc")?;
    ensure!(output.status.success(), "rustc {} failed", arguments.join(" "));
    Ok(String::from_utf8(output.stdout)?)
}
