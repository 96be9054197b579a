//! Instances that three commands list, start and stop: whatever has a command line can be driven.
//!
//! A command reads one JSON document and prints one. It ends with 0 when all went well, with 75
//! (`EX_TEMPFAIL` of sysexits.h) when there is no more to be had for now, with 64 to 69 or 77
//! (usage, data, input, user, host, service, permission) when it will not do what it was asked
//! and nothing was started, and with anything else when it failed half-way.
//!
//! `answer` is what is printed, `run` how a command is run; docs/providers.md is the contract as
//! its authors read it.

pub mod answer;
mod provider;
mod run;

pub use provider::ExecProvider;
