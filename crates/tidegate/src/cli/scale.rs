//! `tidegate scale`, `freeze` and `thaw`: steers the capacity of a running balancer by hand.
//!
//! What is asked for always ends by itself. It ends with 0 when it was taken, 1 when it was
//! refused, and 2 when no balancer could be asked.

use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, ValueEnum};
use serde_json::{Value, json};
use tidegate_core::config::text::duration;
use tidegate_core::time::Duration;

use super::argument;
use super::remote::Remote;
use crate::admin::{self, Answer};
use crate::output;

pub(super) const TOKEN: &str =
    "The token is the one in TIDEGATE_TOKEN, or that of a balancer on this machine.";

/// Set how many servers a pool has, for a while
#[derive(Debug, Args)]
#[command(after_help = TOKEN)]
pub(super) struct Scale {
    /// The pool
    pool: String,
    /// So many servers, listed ones and instances
    #[arg(value_name = "N", required_unless_present_any = ["min", "auto"])]
    servers: Option<u32>,
    /// At least so many; more if demand asks for them
    #[arg(long, value_name = "N", conflicts_with = "servers")]
    min: Option<u32>,
    /// Leave the pool to its policy again
    #[arg(long, conflicts_with_all = ["servers", "min", "lasts"])]
    auto: bool,
    /// For how long
    #[arg(
        long = "for",
        value_name = "TIME",
        value_parser = argument::duration,
        default_value = "4h"
    )]
    lasts: Duration,
    #[command(flatten)]
    remote: Remote,
}

/// What can be frozen.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Frozen {
    /// The number of servers of every pool
    Autoscale,
    /// The steps of every rollout
    Rollouts,
}

impl Frozen {
    const ALL: [Self; 2] = [Self::Autoscale, Self::Rollouts];

    const fn path(self) -> &'static str {
        match self {
            Self::Autoscale => "/api/v1/freeze/autoscale",
            Self::Rollouts => "/api/v1/freeze/rollouts",
        }
    }
}

/// Let nothing change for a while
#[derive(Debug, Args)]
#[command(after_help = TOKEN)]
pub(super) struct Freeze {
    /// What is not to change
    what: Frozen,
    /// For how long
    #[arg(
        long = "for",
        value_name = "TIME",
        value_parser = argument::duration,
        default_value = "1h"
    )]
    lasts: Duration,
    #[command(flatten)]
    remote: Remote,
}

/// Let things change again
#[derive(Debug, Args)]
#[command(after_help = TOKEN)]
pub(super) struct Thaw {
    /// What is to change again; else everything
    what: Option<Frozen>,
    #[command(flatten)]
    remote: Remote,
}

impl Scale {
    pub(super) fn run(self) -> Result<ExitCode> {
        let path = format!("/api/v1/pools/{}/scale", self.pool);
        let lasts = duration::print(self.lasts);
        let (body, said) = match (self.servers, self.min) {
            (Some(servers), _) => (
                json!({ "servers": servers, "for": lasts }),
                format!("pool {} has {servers} servers for {lasts}", self.pool),
            ),
            (None, Some(min)) => (
                json!({ "min": min, "for": lasts }),
                format!("pool {} has at least {min} servers for {lasts}", self.pool),
            ),
            (None, None) => {
                (json!({ "auto": true }), format!("pool {} is left to its policy", self.pool))
            }
        };
        steer(&self.remote, "POST", &path, &body, &said)
    }
}

impl Freeze {
    pub(super) fn run(self) -> Result<ExitCode> {
        let lasts = duration::print(self.lasts);
        let said = match self.what {
            Frozen::Autoscale => format!("no pool is scaled for {lasts}"),
            Frozen::Rollouts => format!("no rollout takes a step for {lasts}"),
        };
        steer(&self.remote, "POST", self.what.path(), &json!({ "for": lasts }), &said)
    }
}

impl Thaw {
    pub(super) fn run(self) -> Result<ExitCode> {
        let thawed: Vec<Frozen> = self.what.map_or_else(|| Frozen::ALL.to_vec(), |what| vec![what]);
        for what in thawed {
            let said = match what {
                Frozen::Autoscale => "pools are scaled again",
                Frozen::Rollouts => "rollouts take steps again",
            };
            let code = steer(&self.remote, "DELETE", what.path(), &Value::Null, said)?;
            if code != ExitCode::SUCCESS {
                return Ok(code);
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Asks for a change, and says what was taken or why it was not.
pub(super) fn steer(
    remote: &Remote,
    method: &'static str,
    path: &str,
    body: &Value,
    said: &str,
) -> Result<ExitCode> {
    answer(admin::change(&remote.admin, method, path, body), |_| said.to_owned())
}

/// Prints what came of a change: what `said` makes of the answer, or why it was refused.
pub(super) fn answer(
    answer: Result<Answer>,
    said: impl FnOnce(&Value) -> String,
) -> Result<ExitCode> {
    match answer {
        Ok(answer) if answer.status == 200 => {
            output::line(&said(&answer.json()?))?;
            Ok(ExitCode::SUCCESS)
        }
        Ok(answer) if answer.status < 500 => {
            output::complain(&format!("tidegate: {}", answer.complaint()));
            Ok(ExitCode::FAILURE)
        }
        Ok(answer) => {
            output::complain(&format!("tidegate: {}", answer.complaint()));
            Ok(ExitCode::from(2))
        }
        Err(error) => {
            output::complain(&format!("tidegate: {error:#}"));
            Ok(ExitCode::from(2))
        }
    }
}
