//! The life of a running balancer: started, attended to, and brought to its end.
//!
//! A stop is graceful: the balancer says that it is not ready, goes on accepting for
//! `shutdown_delay` so that whoever sends it traffic can learn that, then closes its listeners and
//! lets work in flight finish within `shutdown_grace`. A second signal ends it at once.

use std::num::NonZeroU32;
use std::process::ExitCode;

use anyhow::{Context, Result};
use tidegate_control::observe::config_file::{Accepted, Origin};
use tidegate_control::release::facts::Word;
use tidegate_core::config::diagnostic::Diagnostic;
use tidegate_net::task;

use crate::compose::Node;
use crate::notify::{State, notify};
use crate::signals::{Request, Signals};
use crate::{output, runtime};

/// Runs a balancer until it is told to stop. A configuration with mistakes is listed, and nothing
/// is started.
pub(crate) fn serve(origin: Origin, word: Word) -> Result<ExitCode> {
    let accepted = match origin.load_by(word) {
        Ok(accepted) => accepted,
        Err(refused) => {
            list(&refused.diagnostics);
            return Ok(ExitCode::FAILURE);
        }
    };
    list(&accepted.warnings());
    let runtime = runtime::control().context("cannot start the control plane")?;
    let ended = runtime.block_on(live(origin, accepted));
    // After a second signal nothing is waited for.
    runtime.shutdown_background();
    ended
}

/// Every diagnostic, a line each, on standard error.
pub(crate) fn list(diagnostics: &[Diagnostic]) {
    diagnostics.iter().for_each(|diagnostic| output::complain(&diagnostic.to_string()));
}

async fn live(origin: Origin, accepted: Accepted) -> Result<ExitCode> {
    let mut signals = Signals::install().context("cannot watch for signals")?;
    let node = tokio::select! {
        node = Node::start(origin, accepted, NonZeroU32::MIN) => node?,
        () = signals.stop() => return Ok(ExitCode::SUCCESS),
    };
    node.announcement().iter().for_each(|line| output::complain(line));
    notify(State::Ready);
    attend(&node, &mut signals).await;
    notify(State::Stopping);
    tokio::select! {
        () = end(node) => Ok(ExitCode::SUCCESS),
        () = signals.stop() => {
            output::complain("tidegate: told twice to stop: work in flight is cut");
            Ok(ExitCode::FAILURE)
        }
    }
}

/// Does what signals ask for, until one asks to stop.
async fn attend(node: &Node, signals: &mut Signals) {
    loop {
        match signals.next().await {
            Request::Reload => {
                let control = node.control.clone();
                // Its outcome is an event and in the log; a stop need not wait for it.
                task::spawn("reload", async move { control.reload("SIGHUP").await });
            }
            Request::ReopenLogs => node.access_log.reopen(),
            Request::Stop => return,
        }
    }
}

async fn end(node: Node) {
    node.control.begin_stop();
    let runtime = node.control.snapshot().config.runtime.clone();
    tokio::time::sleep(runtime.shutdown_delay).await;
    let drained = node.stop(runtime.shutdown_grace).await;
    if drained.cut > 0 {
        tracing::warn!(connections = drained.cut, "the grace is over: work in flight is cut");
    }
}
