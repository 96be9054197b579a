//! `tidegate pools`: the pools of a running balancer and how their servers do.

use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use serde_json::Value;
use tidegate_core::config::text::duration;
use tidegate_core::time::Duration;
use tidegate_net::clock;

use super::remote::Look;
use crate::table::{Sheet, Tone, blank, cell, list, millis};
use crate::{admin, output};

/// Show pools and their servers
#[derive(Debug, Args)]
pub(super) struct Pools {
    #[command(flatten)]
    look: Look,
}

impl Pools {
    pub(super) fn run(self) -> Result<ExitCode> {
        let address = &self.look.remote.admin;
        let pools = admin::look(address, "/api/v1/pools")?;
        let names = list(&pools).iter().filter_map(|pool| pool["name"].as_str());
        let whole = |name| admin::look(address, &format!("/api/v1/pools/{name}"));
        let pools: Vec<Value> = names.map(whole).collect::<Result<_>>()?;
        if self.look.json {
            output::json(&pools)?;
            return Ok(ExitCode::SUCCESS);
        }
        output::line(&server_table(&pools).to_string())?;
        let scaled = || pools.iter().map(|pool| &pool["autoscale"]).filter(|one| !one.is_null());
        for autoscale in scaled() {
            output::line(&format!("\n{}", recommendation(autoscale)))?;
            if !list(&autoscale["instances"]).is_empty() {
                output::line(&instance_table(autoscale).to_string())?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn server_table(pools: &[Value]) -> Sheet {
    let mut sheet = Sheet::new(&[
        "POOL",
        "SERVER",
        "STATE",
        "WEIGHT",
        "SESSIONS",
        "IN FLIGHT",
        "REQUESTS",
        "FAILED",
        "P99",
        "REASON",
    ]);
    for pool in pools {
        sheet.row(
            Tone::of(pool["state"].as_str().unwrap_or_default()),
            [
                cell(&pool["name"]),
                cell(&pool["balance"]),
                cell(&pool["state"]),
                blank(),
                blank(),
                cell(&pool["in_flight"]),
                cell(&requests(pool).into()),
                cell(&pool["requests"]["failed"]),
                millis(&pool["p99_ms"]),
            ],
        );
        for server in list(&pool["members"]) {
            let state = state(server);
            sheet.row(
                Tone::of(state),
                [
                    blank(),
                    cell(&server["name"]),
                    cell(&state.into()),
                    cell(&server["weight"]),
                    cell(&server["sessions"]),
                    cell(&server["in_flight"]),
                    cell(&server["requests"]),
                    cell(&server["failures"]),
                    millis(&server["p99_ms"]),
                    cell(&server["reason"]),
                ],
            );
        }
    }
    sheet
}

/// Whether a server can be had: one that is well and out of rotation cannot.
fn state(server: &Value) -> &str {
    let text = |key: &str| server[key].as_str().unwrap_or_default();
    match (text("availability"), text("rotation")) {
        ("healthy", rotation) if rotation != "in" => rotation,
        (availability, _) => availability,
    }
}

/// What the autoscaler of a pool wants, and why.
fn recommendation(autoscale: &Value) -> String {
    let text = |key: &str| autoscale[key].as_str().unwrap_or_default();
    let mut line = format!(
        "pool {} ({}, {} to {}): {} servers",
        text("pool"),
        text("policy"),
        autoscale["min"],
        autoscale["max"],
        autoscale["desired"],
    );
    if autoscale["desired_warm"].as_u64().is_some_and(|warm| warm > 0) {
        line.push_str(&format!(" and {} warm", autoscale["desired_warm"]));
    }
    if autoscale["dry_run"] == true {
        line.push_str(", dry run");
    }
    line.push_str(&format!("; {}", text("reason")));
    if let Some(error) = autoscale["provider_error"].as_str() {
        line.push_str(&format!("; provider: {error}"));
    }
    line
}

fn instance_table(autoscale: &Value) -> Sheet {
    let mut sheet = Sheet::new(&["INSTANCE", "STATE", "ADDRESS", "WHY"]);
    for instance in list(&autoscale["instances"]) {
        sheet.row(
            Tone::of(instance["state"].as_str().unwrap_or_default()),
            [
                cell(&instance["id"]),
                cell(&instance["state"]),
                cell(&instance["address"]),
                cell(&why(instance).into()),
            ],
        );
    }
    sheet
}

/// Why an instance is where it is; of one that drains, what is left and how long it may take.
fn why(instance: &Value) -> String {
    let mut why = instance["reason"].as_str().unwrap_or_default().to_owned();
    if instance["state"] == "draining" {
        why.push_str(&format!("; {} sessions left", instance["sessions"]));
        let now = clock::unix_time().as_millis();
        let ahead = instance["until"].as_u64().map(|until| until.saturating_sub(now) / 1000);
        if let Some(seconds) = ahead {
            why.push_str(&format!(
                ", for {} at most",
                duration::print(Duration::from_secs(seconds))
            ));
        }
    }
    why
}

/// Requests of every outcome.
fn requests(pool: &Value) -> u64 {
    let outcomes = pool["requests"].as_object();
    outcomes.map_or(0, |outcomes| outcomes.values().filter_map(Value::as_u64).sum())
}
