//! `tidegate shop-server`: one server of the demo's shop. The demo starts it; it is no command for
//! people.

use std::num::NonZeroU16;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Args;
use rustix::process::{Signal, getppid, set_parent_process_death_signal};
use tidegate_core::time::Duration;

use super::argument::duration;
use crate::demo::book::Book;
use crate::demo::shop::{ShopOptions, serve};
use crate::{output, runtime};

/// One server of the demo's shop
#[derive(Debug, Args)]
pub(super) struct ShopServer {
    /// The port to listen on; 0: any
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Requests served at once
    #[arg(long, default_value = "8")]
    capacity: NonZeroU16,
    /// How long each takes
    #[arg(long, default_value = "20ms", value_parser = duration)]
    service_time: Duration,
    /// The directory where orders are written down
    #[arg(long)]
    book: PathBuf,
    /// The process without which this one is to end
    #[arg(long)]
    parent: Option<i32>,
}

impl ShopServer {
    pub(super) fn run(self) -> Result<ExitCode> {
        if let Some(parent) = self.parent {
            set_parent_process_death_signal(Some(Signal::KILL))?;
            // The signal comes only for a death from now on.
            if getppid().map(|id| id.as_raw_nonzero().get()) != Some(parent) {
                return Ok(ExitCode::FAILURE);
            }
        }
        let options = ShopOptions {
            port: self.port,
            capacity: self.capacity,
            service_time: self.service_time,
            book: Book::new(self.book),
        };
        let serving = serve(options, |address| output::line(&address.port().to_string()));
        runtime::local()?.block_on(serving).context("the shop cannot serve")?;
        Ok(ExitCode::SUCCESS)
    }
}
