//! `tidegate`, the program: reads a command line and does what it says.
//!
//! This crate composes the others and decides nothing about traffic. `cli` holds a file for each
//! command; `serve` is the life of a running balancer, which `compose` puts together; `admin` asks
//! one that runs elsewhere; `demo` is a shop that shows it at work.

#![forbid(unsafe_code)]

mod cli;
mod files;
mod output;
mod table;

mod compose;
mod descriptors;
mod logging;
mod notify;
mod runtime;
mod serve;
mod signals;

mod admin;

mod demo;

use std::process::ExitCode;

/// Records of TLS and frames of HTTP/2 are allocated by the libraries for them; see decision 008.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    cli::command::main()
}
