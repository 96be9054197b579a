//! `cargo xtask`: the tasks of this project, in Rust so that they run wherever the project builds.
//!
//! One file a task. Nothing here is part of the balancer.

#![expect(clippy::print_stdout, reason = "a task talks to whoever started it")]

mod bench;
mod clock;
mod dist;
mod instructions;
mod peers;
mod test;
mod tidy;
mod workspace;

use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;

/// The tasks of this project.
#[derive(Parser)]
#[command(bin_name = "cargo xtask")]
enum Task {
    /// Install what the tests need, then run everything that must pass
    Test,
    /// Check the rules of this repository that a program can check
    Tidy,
    /// Measure balancers side by side, by CPU time per request
    Bench(Box<bench::Options>),
    /// Build the program as it is released, laid out for the traffic it is trained with
    Dist,
    /// Count the instructions of the hot path, with valgrind
    Instructions,
}

#[expect(clippy::print_stderr, reason = "where a failing task says why")]
fn main() -> ExitCode {
    match run(Task::parse()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(task: Task) -> Result<ExitCode> {
    match task {
        Task::Test => return test::run(),
        Task::Tidy => tidy::run()?,
        Task::Bench(options) => bench::run(*options)?,
        Task::Dist => dist::run()?,
        Task::Instructions => drop(instructions::run()?),
    }
    Ok(ExitCode::SUCCESS)
}
