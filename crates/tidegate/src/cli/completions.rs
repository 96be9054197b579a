//! `tidegate completions`: a script that teaches a shell the command line.

use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::command::Program;
use crate::output;

/// Print a completion script for a shell.
#[derive(Debug, Args)]
pub(super) struct Completions {
    /// The shell.
    shell: Shell,
}

impl Completions {
    pub(super) fn run(self) -> Result<ExitCode> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Program::command(), "tidegate", &mut script);
        output::bytes(&script)?;
        Ok(ExitCode::SUCCESS)
    }
}
