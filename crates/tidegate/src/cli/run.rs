//! `tidegate run`: a balancer that follows a configuration file.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::Args;

use super::argument::Accept;
use crate::{files, serve};

/// Run a balancer
#[derive(Debug, Args)]
pub(super) struct Run {
    /// The configuration; else ./tidegate.toml, else /etc/tidegate/tidegate.toml
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(flatten)]
    accept: Accept,
}

impl Run {
    pub(super) fn run(self) -> Result<ExitCode> {
        match files::locate(self.config) {
            Ok(origin) => serve::serve(origin, self.accept.word()),
            Err(missing) => {
                serve::list(&[*missing]);
                Ok(ExitCode::FAILURE)
            }
        }
    }
}
