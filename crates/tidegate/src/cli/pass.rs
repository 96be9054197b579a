//! `tidegate pass`: a signed cookie by which somebody is in an audience. It asks no balancer: it
//! signs with the keys of the configuration, or of the state directory.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use tidegate_control::pass;
use tidegate_core::time::{Duration, UnixTime};
use tidegate_net::clock;

use super::argument;
use crate::{files, output};

/// Print a signed cookie that puts whoever has it in an audience
#[derive(Debug, Args)]
pub(super) struct Pass {
    /// The cookie, as `signed_cookie` of the audience names it
    cookie: String,
    /// How long it counts
    #[arg(
        long = "for",
        value_name = "DURATION",
        value_parser = argument::duration,
        default_value = "24h"
    )]
    lasts: Duration,
    /// The configuration; else ./tidegate.toml, else /etc/tidegate/tidegate.toml
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,
}

impl Pass {
    pub(super) fn run(self) -> Result<ExitCode> {
        let origin = match files::locate(self.config) {
            Ok(origin) => origin,
            Err(missing) => return Ok(refuse(&[missing.to_string()])),
        };
        let accepted = match origin.load() {
            Ok(accepted) => accepted,
            Err(refused) => {
                let told: Vec<_> = refused.diagnostics.iter().map(ToString::to_string).collect();
                return Ok(refuse(&told));
            }
        };
        let lasts = u64::try_from(self.lasts.as_millis()).unwrap_or(u64::MAX);
        let until = clock::unix_time().as_millis().saturating_add(lasts);
        match pass::issue(&accepted, &self.cookie, UnixTime::from_millis(until)) {
            Ok(value) => {
                output::line(&format!("{}={value}", self.cookie))?;
                Ok(ExitCode::SUCCESS)
            }
            Err(error) => Ok(refuse(&[error.to_string()])),
        }
    }
}

fn refuse(told: &[String]) -> ExitCode {
    told.iter().for_each(|line| output::complain(line));
    ExitCode::FAILURE
}
