//! `cargo xtask`: the tasks of this project, in Rust so that they run wherever the project builds.
//!
//! One file a task. Nothing here is part of the balancer.

#![expect(clippy::print_stdout, reason = "a task talks to whoever started it")]

mod tidy;
mod workspace;

use clap::Parser;

/// The tasks of this project.
#[derive(Parser)]
#[command(bin_name = "cargo xtask")]
enum Task {
    /// Check the rules of this repository that a program can check.
    Tidy,
}

fn main() -> anyhow::Result<()> {
    match Task::parse() {
        Task::Tidy => tidy::run(),
    }
}
