//! `tidegate pools`: the pools of a running balancer and how their servers do.

use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use serde_json::Value;

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
    let columns =
        ["POOL", "SERVER", "STATE", "WEIGHT", "IN FLIGHT", "REQUESTS", "FAILED", "P99", "REASON"];
    let mut sheet = Sheet::new(&columns);
    for pool in pools {
        sheet.row(
            Tone::of(pool["state"].as_str().unwrap_or_default()),
            [
                cell(&pool["name"]),
                cell(&pool["balance"]),
                cell(&pool["state"]),
                blank(),
                cell(&pool["in_flight"]),
                cell(&requests(pool).into()),
                cell(&pool["requests"]["failed"]),
                millis(&pool["p99_ms"]),
            ],
        );
        for server in list(&pool["members"]) {
            sheet.row(
                Tone::of(server["availability"].as_str().unwrap_or_default()),
                [
                    blank(),
                    cell(&server["name"]),
                    cell(&server["availability"]),
                    cell(&server["weight"]),
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
                cell(&instance["reason"]),
            ],
        );
    }
    sheet
}

/// Requests of every outcome.
fn requests(pool: &Value) -> u64 {
    let outcomes = pool["requests"].as_object();
    outcomes.map_or(0, |outcomes| outcomes.values().filter_map(Value::as_u64).sum())
}
