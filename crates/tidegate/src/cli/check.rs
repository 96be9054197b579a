//! `tidegate check`: every mistake in a configuration, at once. It changes nothing and starts
//! nothing.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use tidegate_control::observe::config_file::{Accepted, Origin};
use tidegate_core::config::diagnostic::{self, Diagnostic};

use super::argument::Accept;
use crate::{files, output};

/// List every mistake in a configuration
#[derive(Debug, Args)]
pub(super) struct Check {
    /// The configuration; else ./tidegate.toml, else /etc/tidegate/tidegate.toml
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
    /// Print the whole configuration with every default, and where each value comes from
    #[arg(long, conflicts_with = "json")]
    resolved: bool,
    #[command(flatten)]
    accept: Accept,
}

impl Check {
    pub(super) fn run(self) -> Result<ExitCode> {
        let origin = match files::locate(self.config.clone()) {
            Ok(origin) => origin,
            Err(missing) => return self.refuse(&[*missing]),
        };
        match origin.load_by(self.accept.word()) {
            Ok(accepted) => self.approve(&origin, &accepted),
            Err(refused) => self.refuse(&refused.diagnostics),
        }
    }

    fn approve(&self, origin: &Origin, accepted: &Accepted) -> Result<ExitCode> {
        self.print(&accepted.warnings())?;
        if self.resolved {
            output::bytes(accepted.resolved.as_bytes())?;
        } else if !self.json {
            output::line(&format!("{}: ok", origin.name()))?;
        }
        Ok(ExitCode::SUCCESS)
    }

    fn refuse(&self, diagnostics: &[Diagnostic]) -> Result<ExitCode> {
        self.print(diagnostics)?;
        Ok(ExitCode::FAILURE)
    }

    /// Prints what is wrong. Amid a resolved configuration it must not stand, so it goes to
    /// standard error.
    fn print(&self, diagnostics: &[Diagnostic]) -> Result<()> {
        if self.json {
            return Ok(output::json(&diagnostic::to_json(diagnostics))?);
        }
        for diagnostic in diagnostics {
            if self.resolved {
                output::complain(&diagnostic.to_string());
            } else {
                output::line(&diagnostic.to_string())?;
            }
        }
        Ok(())
    }
}
