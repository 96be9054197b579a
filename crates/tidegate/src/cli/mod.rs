//! The command line, one file for each command.
//!
//! `command` lists the commands and runs the one that was asked for; each of the others holds the
//! arguments of one command and what it does with them, but for `argument` and `remote`, which
//! several share. A command ends with an exit code: 0 when what was asked for is done, 1 when it is
//! not, 2 when the command line was wrong or a balancer could not be reached.

pub(crate) mod command;

mod argument;
mod remote;

mod proxy;
mod run;

mod check;
mod explain;
mod pass;
mod schema;
mod simulate;

mod events;
mod pools;
mod reload;
mod rollout;
mod scale;
mod server;
mod status;

mod completions;
mod demo;
mod shop_server;
