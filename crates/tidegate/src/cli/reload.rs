//! `tidegate reload`: has a running balancer read its configuration again.
//!
//! It ends with 0 when the new configuration serves, 1 when it is refused and the one before goes
//! on, and 2 when no balancer could be asked.

use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use serde_json::Value;

use super::argument::Accept;
use super::remote::Remote;
use crate::admin::{self, Answer};
use crate::output;
use crate::table::list;

/// Have a running balancer read its configuration again
#[derive(Debug, Args)]
#[command(
    after_help = "The token is the one in TIDEGATE_TOKEN, or that of a balancer on this machine."
)]
pub(super) struct Reload {
    #[command(flatten)]
    accept: Accept,
    #[command(flatten)]
    remote: Remote,
}

impl Reload {
    pub(super) fn run(self) -> Result<ExitCode> {
        let answer = match admin::reload(&self.remote.admin, self.accept.word()) {
            Ok(answer) => answer,
            Err(error) => return Ok(unreachable(&format!("{error:#}"))),
        };
        match answer.status {
            200 => applied(&answer.json()?),
            409 => refused(&answer),
            _ => Ok(unreachable(&answer.complaint())),
        }
    }
}

fn applied(reloaded: &Value) -> Result<ExitCode> {
    output::line(&format!("applied; revision {} serves", reloaded["revision"]))?;
    for change in list(&reloaded["changes"]) {
        let restart = list(&change["needs_restart"]).iter().filter_map(Value::as_str);
        let restart: Vec<&str> = restart.collect();
        let what = change["change"].as_str().unwrap_or_default();
        match restart.as_slice() {
            [] => output::line(&format!("  {what}"))?,
            keys => {
                let keys = keys.join(", ");
                output::line(&format!("  {what} (at the next start: {keys})"))?;
            }
        }
    }
    list(&reloaded["warnings"]).iter().for_each(complain);
    Ok(ExitCode::SUCCESS)
}

fn refused(answer: &Answer) -> Result<ExitCode> {
    list(&answer.json()?["diagnostics"]).iter().for_each(complain);
    output::complain("tidegate: the configuration is refused; the one before serves on");
    Ok(ExitCode::FAILURE)
}

fn unreachable(why: &str) -> ExitCode {
    output::complain(&format!("tidegate: {why}"));
    ExitCode::from(2)
}

/// Prints a diagnostic as `check` does.
fn complain(diagnostic: &Value) {
    let text = |key: &str| diagnostic[key].as_str();
    let mut line = format!(
        "{}:{}:{}: ",
        text("file").unwrap_or_default(),
        diagnostic["line"],
        diagnostic["column"],
    );
    if text("severity") == Some("warning") {
        line.push_str("warning: ");
    }
    line.push_str(text("message").unwrap_or_default());
    if let Some(expected) = text("expected") {
        line.push_str(&format!("; expected {expected}"));
    }
    if let Some(nearest) = text("nearest") {
        line.push_str(&format!("; did you mean `{nearest}`?"));
    }
    output::complain(&line);
}
