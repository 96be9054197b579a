//! `tidegate drain`, `ready`, `maintenance`, `weight` and `overrides`: what people ask of single
//! servers of a running balancer against what is configured.
//!
//! It is kept until it is taken back. A command ends with 0 when the order was taken, 1 when it was
//! refused, and 2 when no balancer could be asked.

use std::process::ExitCode;
use std::str::FromStr;

use anyhow::Result;
use clap::Args;
use serde_json::{Value, json};
use tidegate_core::config::text::duration;
use tidegate_core::time::Duration;

use super::argument;
use super::remote::{Look, Remote};
use super::scale::{TOKEN, answer};
use crate::table::{Sheet, Tone, cell, list};
use crate::{admin, output};

/// A server, as `POOL/SERVER`.
#[derive(Clone, Debug)]
struct Server {
    pool: String,
    name: String,
}

impl FromStr for Server {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts =
            text.split_once('/').filter(|(pool, name)| !pool.is_empty() && !name.is_empty());
        let (pool, name) = parts.ok_or_else(|| "expected POOL/SERVER".to_owned())?;
        Ok(Self { pool: pool.to_owned(), name: name.to_owned() })
    }
}

/// Let a server finish what it has: it keeps its sessions and gets no new ones
#[derive(Debug, Args)]
#[command(after_help = TOKEN)]
pub(super) struct Drain {
    /// The server
    #[arg(value_name = "POOL/SERVER")]
    server: Server,
    /// Have its sessions move after this time
    #[arg(long, value_name = "TIME", value_parser = argument::duration)]
    within: Option<Duration>,
    #[command(flatten)]
    remote: Remote,
}

/// Send a server traffic again, as its checks allow
#[derive(Debug, Args)]
#[command(after_help = TOKEN)]
pub(super) struct Ready {
    /// The server
    #[arg(value_name = "POOL/SERVER")]
    server: Server,
    #[command(flatten)]
    remote: Remote,
}

/// Leave a server alone: it finishes its requests, and its sessions move
#[derive(Debug, Args)]
#[command(after_help = TOKEN)]
pub(super) struct Maintenance {
    /// The server
    #[arg(value_name = "POOL/SERVER")]
    server: Server,
    #[command(flatten)]
    remote: Remote,
}

/// Set the weight of a server
#[derive(Debug, Args)]
#[command(after_help = TOKEN)]
pub(super) struct Weight {
    /// The server
    #[arg(value_name = "POOL/SERVER")]
    server: Server,
    /// 0 to 1000, where 0 gets no new sessions
    #[arg(value_name = "N", required_unless_present = "configured")]
    weight: Option<u16>,
    /// The weight of the configuration again
    #[arg(long, conflicts_with = "weight")]
    configured: bool,
    #[command(flatten)]
    remote: Remote,
}

/// Show what is in force for servers against the configuration
#[derive(Debug, Args)]
pub(super) struct Overrides {
    /// Take all of it back
    #[arg(long)]
    clear: bool,
    #[command(flatten)]
    look: Look,
}

impl Drain {
    pub(super) fn run(self) -> Result<ExitCode> {
        let mut change = json!({ "state": "drain" });
        if let Some(within) = self.within {
            change["within"] = duration::print(within).into();
        }
        self.server.change(&self.remote, &change, |server| match server["sessions"].as_u64() {
            Some(sessions) => format!("drains; {sessions} sessions left"),
            None => format!("drains; {} requests left", server["in_flight"]),
        })
    }
}

impl Ready {
    pub(super) fn run(self) -> Result<ExitCode> {
        let change = json!({ "state": "ready" });
        self.server.change(&self.remote, &change, |_| "is ready".to_owned())
    }
}

impl Maintenance {
    pub(super) fn run(self) -> Result<ExitCode> {
        let change = json!({ "state": "maintenance" });
        self.server.change(&self.remote, &change, |_| "is in maintenance".to_owned())
    }
}

impl Weight {
    pub(super) fn run(self) -> Result<ExitCode> {
        let change = json!({ "weight": self.weight });
        self.server
            .change(&self.remote, &change, |server| format!("has weight {}", server["weight"]))
    }
}

impl Server {
    fn change(
        &self,
        remote: &Remote,
        change: &Value,
        said: impl FnOnce(&Value) -> String,
    ) -> Result<ExitCode> {
        let Self { pool, name } = self;
        let path = format!("/api/v1/pools/{pool}/servers/{name}");
        answer(admin::change(&remote.admin, "PATCH", &path, change), |server| {
            format!("server {name} of pool {pool} {}", said(server))
        })
    }
}

impl Overrides {
    pub(super) fn run(self) -> Result<ExitCode> {
        const PATH: &str = "/api/v1/overrides";
        let address = &self.look.remote.admin;
        if self.clear {
            let cleared = admin::change(address, "DELETE", PATH, &Value::Null);
            return answer(cleared, |before| {
                format!("servers are as configured; {} were not", list(before).len())
            });
        }
        let overrides = admin::look(address, PATH)?;
        if self.look.json {
            output::json(&overrides)?;
        } else {
            output::line(&table(&overrides).to_string())?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn table(overrides: &Value) -> Sheet {
    let mut sheet = Sheet::new(&["POOL", "SERVER", "STATE", "WEIGHT", "ASKED BY"]);
    for one in list(overrides) {
        let cells = ["pool", "server", "state", "weight", "by"].map(|key| cell(&one[key]));
        sheet.row(Tone::Changing, cells);
    }
    sheet
}
