//! `tidegate status`: how a running balancer does, on one screen.

use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use serde_json::Value;
use tidegate_core::config::text::duration;
use tidegate_core::time::{Duration, UnixTime};
use tidegate_net::clock;

use super::events::age;
use super::remote::Look;
use crate::table::{Sheet, Tone, cell, list};
use crate::{admin, output};

/// Show how a running balancer does
#[derive(Debug, Args)]
pub(super) struct Status {
    #[command(flatten)]
    look: Look,
}

impl Status {
    pub(super) fn run(self) -> Result<ExitCode> {
        let status = admin::look(&self.look.remote.admin, "/api/v1/status")?;
        if self.look.json {
            output::json(&status)?;
            return Ok(ExitCode::SUCCESS);
        }
        let listeners = admin::look(&self.look.remote.admin, "/api/v1/listeners")?;
        output::line(&overview(&status))?;
        output::line(&format!("\n{}", listener_table(&listeners)))?;
        for warning in list(&status["warnings"]).iter().filter_map(Value::as_str) {
            output::line(&format!("warning: {warning}"))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn overview(status: &Value) -> String {
    let (config, totals) = (&status["config"], &status["totals"]);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let uptime = Duration::from_secs(status["uptime_seconds"].as_u64().unwrap_or_default());
    let mut lines = vec![
        format!(
            "tidegate {} is {}, up {}",
            text(&status["version"]),
            text(&status["state"]),
            duration::print(uptime)
        ),
        format!("config    {}, revision {}", text(&config["origin"]), config["revision"]),
        format!(
            "servers   {} of {} down, in {} pools",
            status["servers"]["down"], status["servers"]["total"], status["pools"]["total"]
        ),
        format!(
            "requests  {}, {} failed, {} retries, {} refused",
            totals["requests"], totals["failed"], totals["retries"], totals["refused"]
        ),
    ];
    let now = clock::unix_time();
    lines.extend(list(&status["drains"]).iter().map(|drain| drains(drain, now)));
    let rollouts = list(&status["rollouts"]).iter().filter_map(Value::as_str);
    lines.extend(rollouts.map(|rollout| format!("rollout   {rollout}")));
    let mistakes = list(&config["last_mistakes"]).iter().filter_map(Value::as_str);
    lines.extend(mistakes.map(|mistake| format!("the last reload was refused: {mistake}")));
    let pending = list(&config["pending_restart"]).iter().filter_map(Value::as_str);
    lines.extend(pending.map(|change| format!("waits for the next start: {change}")));
    lines.join("\n")
}

/// A server that drains: what is left on it, and how long that is waited for.
fn drains(drain: &Value, now: UnixTime) -> String {
    let [pool, server] = ["pool", "server"].map(|key| drain[key].as_str().unwrap_or_default());
    let sessions = drain["sessions"].as_u64().map(|sessions| format!(" and {sessions} sessions"));
    let left = format!("{} requests{} left", drain["in_flight"], sessions.unwrap_or_default());
    let until = drain["until"].as_u64().map(|until| {
        let yet = Duration::from_millis(until.saturating_sub(now.as_millis()));
        format!(", for {} at most", age(yet))
    });
    format!("drains    {pool}/{server}: {left}{}", until.unwrap_or_default())
}

fn listener_table(listeners: &Value) -> Sheet {
    let mut sheet = Sheet::new(&["LISTENER", "OPEN", "CONNECTIONS", "REQUESTS"]);
    for listener in list(listeners) {
        let open: Vec<&str> = list(&listener["open"]).iter().filter_map(Value::as_str).collect();
        let tone = if open.is_empty() { Tone::Bad } else { Tone::Well };
        sheet.row(
            tone,
            [
                cell(&listener["name"]),
                cell(&open.join(" ").into()),
                cell(&listener["connections"]),
                cell(&listener["requests"]),
            ],
        );
    }
    sheet
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_drain_says_what_is_left_and_how_long_that_is_waited_for() {
        let now = UnixTime::from_millis(5000);
        for (drain, said) in [
            (
                json!({"pool": "shop", "server": "a", "in_flight": 3, "sessions": 7,
                       "until": 66_000}),
                "drains    shop/a: 3 requests and 7 sessions left, for 1m 1s at most",
            ),
            (
                json!({"pool": "shop", "server": "b", "in_flight": 0, "sessions": null}),
                "drains    shop/b: 0 requests left",
            ),
        ] {
            assert_eq!(drains(&drain, now), said);
        }
    }
}
