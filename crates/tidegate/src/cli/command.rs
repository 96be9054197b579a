//! The list of commands, and the way into each.

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use super::check::Check;
use super::completions::Completions;
use super::demo::Demo;
use super::events::Events;
use super::explain::Explain;
use super::pass::Pass;
use super::pools::Pools;
use super::proxy::Proxy;
use super::reload::Reload;
use super::rollout::Rollout;
use super::run::Run;
use super::scale::{Freeze, Scale, Thaw};
use super::schema::Schema;
use super::server::{Drain, Maintenance, Overrides, Ready, Weight};
use super::shop_server::ShopServer;
use super::simulate::Simulate;
use super::status::Status;
use crate::output;

/// The elastic load balancer and gateway
#[derive(Debug, Parser)]
#[command(name = "tidegate", version, about, arg_required_else_help = true)]
pub(super) struct Program {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Proxy(Proxy),
    Run(Run),
    Check(Check),
    Reload(Reload),
    Status(Status),
    Pools(Pools),
    Events(Events),
    Rollout(Rollout),
    Scale(Scale),
    Freeze(Freeze),
    Thaw(Thaw),
    Drain(Drain),
    Ready(Ready),
    Maintenance(Maintenance),
    Weight(Weight),
    Overrides(Overrides),
    Explain(Explain),
    Pass(Pass),
    Simulate(Simulate),
    Demo(Demo),
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
            Self::Run(command) => command.run(),
            Self::Check(command) => command.run(),
            Self::Reload(command) => command.run(),
            Self::Status(command) => command.run(),
            Self::Pools(command) => command.run(),
            Self::Events(command) => command.run(),
            Self::Rollout(command) => command.run(),
            Self::Scale(command) => command.run(),
            Self::Freeze(command) => command.run(),
            Self::Thaw(command) => command.run(),
            Self::Drain(command) => command.run(),
            Self::Ready(command) => command.run(),
            Self::Maintenance(command) => command.run(),
            Self::Weight(command) => command.run(),
            Self::Overrides(command) => command.run(),
            Self::Explain(command) => command.run(),
            Self::Pass(command) => command.run(),
            Self::Simulate(command) => command.run(),
            Self::Demo(command) => command.run(),
            Self::Schema(command) => command.run(),
            Self::Completions(command) => command.run(),
            Self::ShopServer(command) => command.run(),
        }
    }
}
