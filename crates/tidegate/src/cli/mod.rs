//! The command line, one file for each command.
//!
//! `command` lists the commands and runs the one that was asked for; each of the others holds the arguments
//! of one command and what it does with them. A command ends with an exit code: 0 when what was asked for is
//! done, 1 when it is not, 2 when the command line was wrong or a balancer could not be reached.

mod argument;
mod check;
pub(crate) mod command;
mod completions;
mod proxy;
mod schema;
mod shop_server;
