//! `tidegate`, the program: reads a command line and does what it says.
//!
//! This crate composes the others and decides nothing about traffic. `cli` holds a file for each command,
//! `compose` puts the planes together, `demo` is the shop that shows them at work.

#![forbid(unsafe_code)]

mod cli;
mod demo;
mod descriptors;
mod files;
mod notify;
mod output;
mod runtime;
mod signals;
mod wire;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::command::main()
}
