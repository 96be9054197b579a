//! `tidegate demo`: a whole shop on this machine, with nothing else installed.

use std::fmt::Display;
use std::fs::File;
use std::io::{IsTerminal, Write, stdout};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Args;
use serde::Serialize;
use tidegate_core::time::Duration;

use super::argument;
use crate::demo::release;
use crate::demo::release::story::ReleaseOptions;
use crate::demo::screen::Show;
use crate::demo::story::{self, DemoOptions};
use crate::{output, runtime};

/// The shortest demo in which the shop can grow, lose a server, and shrink back.
const SHORTEST: Duration = Duration::from_secs(20);

/// Show a shop that grows with its promotion and shrinks after it, and loses a server meanwhile
#[derive(Debug, Args)]
pub(super) struct Demo {
    /// Release a faulty version of the shop, which is caught, and then a good one
    #[arg(long)]
    release: bool,
    /// Print a line a second instead of a live picture
    #[arg(long)]
    headless: bool,
    /// How long customers come; at least 20s
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = at_least_shortest)]
    duration: Duration,
    /// Write a summary as JSON to this file; without one, to standard output
    #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = "-")]
    json: Option<PathBuf>,
    /// Where the shop is open
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Where the balancer's admin API listens
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    admin: String,
}

impl Demo {
    pub(super) fn run(self) -> Result<ExitCode> {
        let file = self.json.as_deref().filter(|path| *path != Path::new("-"));
        // A file that cannot be written is to be known before a minute has passed.
        let file = file.map(|path| {
            File::create(path).with_context(|| format!("cannot write {}", path.display()))
        });
        let file = file.transpose()?;
        let (duration, listen, admin) = (self.duration, self.listen, self.admin.clone());
        let runtime = runtime::control().context("cannot start the control plane")?;
        let is_good = if self.release {
            let options = ReleaseOptions { duration, listen, admin, show: self.show() };
            let summary = runtime.block_on(release::story::run(&options))?;
            self.report(&summary, file)?;
            summary.is_good()
        } else {
            let options = DemoOptions { duration, listen, admin, show: self.show() };
            let summary = runtime.block_on(story::run(&options))?;
            self.report(&summary, file)?;
            summary.is_good()
        };
        Ok(if is_good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    fn show(&self) -> Show {
        let aside = self.json.as_deref() == Some(Path::new("-"));
        match (aside, self.headless || !stdout().is_terminal()) {
            (true, _) => Show::LinesAside,
            (false, true) => Show::Lines,
            (false, false) => Show::Picture,
        }
    }

    fn report(&self, summary: &(impl Display + Serialize), file: Option<File>) -> Result<()> {
        match (file, &self.json) {
            (Some(mut file), _) => {
                serde_json::to_writer_pretty(&file, summary)?;
                writeln!(file)?;
                output::line(&format!("\n{summary}"))?;
            }
            (None, Some(_)) => output::json(summary)?,
            (None, None) => output::line(&format!("\n{summary}"))?,
        }
        Ok(())
    }
}

fn at_least_shortest(text: &str) -> Result<Duration, String> {
    let duration = argument::duration(text)?;
    if duration < SHORTEST { Err("expected 20s or more".to_owned()) } else { Ok(duration) }
}
