//! `tidegate shop-server`: one server of the demo's shop. The demo starts it; it is no command for
//! people.

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::num::NonZeroU16;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Args;
use rustix::process::{Pid, PidfdFlags, getppid, pidfd_open};
use tidegate_core::time::Duration;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

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
    /// How long it takes to start
    #[arg(long, default_value = "0s", value_parser = duration)]
    start: Duration,
    /// The directory where orders are written down
    #[arg(long)]
    book: PathBuf,
    /// What it says of its version in each response
    #[arg(long)]
    release: Option<String>,
    /// The part of its requests that it fails
    #[arg(long, default_value_t = 0.0)]
    faults: f64,
    /// Where it writes its process id once it listens
    #[arg(long)]
    pid_file: Option<PathBuf>,
    /// The process without which this one is to end
    #[arg(long)]
    parent: Option<i32>,
}

impl ShopServer {
    pub(super) fn run(self) -> Result<ExitCode> {
        runtime::local()?.block_on(self.live())
    }

    async fn live(self) -> Result<ExitCode> {
        let parent = self.parent;
        let orphaned = async {
            match parent {
                Some(parent) => ended(parent).await,
                None => std::future::pending().await,
            }
        };
        let (port, start, pid_file) = (self.port, self.start, self.pid_file);
        let options = ShopOptions {
            port,
            capacity: self.capacity,
            service_time: self.service_time,
            book: Book::new(self.book),
            release: self.release,
            faults: self.faults,
        };
        let ready = |address: SocketAddr| {
            if let Some(path) = pid_file {
                fs::write(path, std::process::id().to_string())?;
            }
            // Whoever chose the port knows it.
            if port == 0 { output::line(&address.port().to_string()) } else { Ok(()) }
        };
        let serving = async {
            tokio::time::sleep(start).await;
            serve(options, ready).await
        };
        tokio::select! {
            served = serving => served.context("the shop cannot serve")?,
            gone = orphaned => gone.context("the parent cannot be watched")?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Waits for the end of the process that started this one. A signal at its death would come at the
/// end of its thread already (`PR_SET_PDEATHSIG`), and threads come and go.
#[expect(deprecated, reason = "sound for an `OwnedFd`; its successor is for types that may lie")]
async fn ended(parent: i32) -> io::Result<()> {
    let parent = Pid::from_raw(parent).ok_or(io::ErrorKind::InvalidInput)?;
    let handle = match pidfd_open(parent, PidfdFlags::NONBLOCK) {
        Err(rustix::io::Errno::SRCH) => return Ok(()),
        handle => handle?,
    };
    // If it had ended before, somebody else has the number, or nobody.
    if getppid() == Some(parent) {
        AsyncFd::with_interest(handle, Interest::READABLE)?.readable().await?.retain_ready();
    }
    Ok(())
}
