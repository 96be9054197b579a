//! The list of commands, and the way into each.

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use super::check::Check;
use super::completions::Completions;
use super::proxy::Proxy;
use super::schema::Schema;
use super::shop_server::ShopServer;
use crate::output;

/// The elastic load balancer and gateway.
#[derive(Debug, Parser)]
#[command(name = "tidegate", version, about, arg_required_else_help = true)]
pub(super) struct Program {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Proxy(Proxy),
    Check(Check),
    Schema(Schema),
    Completions(Completions),
    #[command(hide = true)]
    ShopServer(ShopServer),
}

/// Runs the program.
pub(crate) fn main() -> ExitCode {
    match Program::parse().command.run() {
        Ok(code) => code,
        Err(error) => output::failure(&error),
    }
}

impl Command {
    fn run(self) -> Result<ExitCode> {
        match self {
            Self::Proxy(command) => command.run(),
            Self::Check(command) => command.run(),
            Self::Schema(command) => command.run(),
            Self::Completions(command) => command.run(),
            Self::ShopServer(command) => command.run(),
        }
    }
}
