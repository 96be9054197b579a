//! `tidegate rollout`: how the servers of one pool take over from those of another, looked at and
//! steered.
//!
//! It ends with 0 when what was asked for is done, 1 when it was refused, and 2 when no balancer
//! could be asked.

mod mirror;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use tidegate_net::clock;

use super::remote::{Look, Remote};
use super::scale::steer;
use crate::table::{Sheet, Tone, cell, list};
use crate::{admin, output};

const TOKEN: &str =
    "The token is the one in TIDEGATE_TOKEN, or that of a balancer on this machine.";

/// Have the servers of one pool take over from those of another
#[derive(Debug, Args)]
pub(super) struct Rollout {
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, Subcommand)]
#[command(after_help = TOKEN)]
enum Act {
    /// Begin: the candidate's servers come, are tested, and get their first users
    Start(Named),
    /// Show how far a rollout is and what it waits for; without a name, all of them
    Status {
        /// The rollout
        name: Option<String>,
        #[command(flatten)]
        look: Look,
    },
    /// Take the next step now, if the candidate's servers can
    Promote {
        #[command(flatten)]
        named: Named,
        /// All the way to 100 %; from there the bake to its end; then let go what is kept of stable
        #[arg(long)]
        full: bool,
    },
    /// Take no further step
    Pause(Named),
    /// Take steps again
    Resume(Named),
    /// End it: all users go back to the pool that served
    Abort(Named),
    /// Take everything back to the pool that served, also after the bake
    Rollback {
        #[command(flatten)]
        named: Named,
        /// At once, even if that pool is too small for it
        #[arg(long)]
        now: bool,
    },
}

#[derive(Debug, Args)]
struct Named {
    /// The rollout
    name: String,
    #[command(flatten)]
    remote: Remote,
}

impl Rollout {
    pub(super) fn run(self) -> Result<ExitCode> {
        let none = json!({});
        match &self.act {
            Act::Status { name: None, look } => overview(look),
            Act::Status { name: Some(name), look } => one(name, look),
            Act::Start(named) => named.ask("start", &none, "is started"),
            Act::Promote { named, full } => {
                named.ask("promote", &json!({ "full": full }), "goes on as soon as it can")
            }
            Act::Pause(named) => named.ask("pause", &none, "is paused"),
            Act::Resume(named) => named.ask("resume", &none, "goes on"),
            Act::Abort(named) => named.ask("abort", &none, "is ended; all users are stable's"),
            Act::Rollback { named, now } => {
                named.ask("rollback", &json!({ "now": now }), "goes back to stable")
            }
        }
    }
}

impl Named {
    fn ask(&self, word: &str, body: &Value, said: &str) -> Result<ExitCode> {
        let path = format!("/api/v1/rollouts/{}/{word}", self.name);
        steer(&self.remote, "POST", &path, body, &format!("rollout {} {said}", self.name))
    }
}

fn overview(look: &Look) -> Result<ExitCode> {
    let all = admin::look(&look.remote.admin, "/api/v1/rollouts")?;
    if look.json {
        output::json(&all)?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut sheet = Sheet::new(&["ROLLOUT", "FROM", "TO", "PHASE", "USERS", "NEXT", "WAITS FOR"]);
    for one in list(&all) {
        let next = percent(&one["next_percent"]).unwrap_or_default();
        let waits = list(&one["waits"]).iter().filter_map(|wait| wait["what"].as_str());
        sheet.row(
            tone(one),
            [
                cell(&one["rollout"]),
                cell(&one["pool"]),
                cell(&one["candidate"]),
                cell(&one["phase"]),
                cell(&percent(&one["percent"]).unwrap_or_default().into()),
                cell(&next.into()),
                cell(&waits.collect::<Vec<_>>().join(", ").into()),
            ],
        );
    }
    output::line(&sheet.to_string())?;
    Ok(ExitCode::SUCCESS)
}

fn one(name: &str, look: &Look) -> Result<ExitCode> {
    let status = admin::look(&look.remote.admin, &format!("/api/v1/rollouts/{name}"))?;
    if look.json {
        output::json(&status)?;
        return Ok(ExitCode::SUCCESS);
    }
    lines(&status).iter().try_for_each(|line| output::line(line))?;
    Ok(ExitCode::SUCCESS)
}

fn lines(status: &Value) -> Vec<String> {
    let text = |key: &str| status[key].as_str().unwrap_or_default().to_owned();
    let steps = list(&status["steps"]).iter().filter_map(percent);
    let mut lines = vec![
        format!("rollout   {}, run {}", text("rollout"), status["run"]),
        format!("pools     {} -> {}, {}", text("pool"), text("candidate"), text("strategy")),
        format!(
            "phase     {}, {} of users",
            text("phase"),
            percent(&status["percent"]).unwrap_or_default()
        ),
        format!("steps     {}", steps.collect::<Vec<_>>().join(" ")),
    ];
    let waits = list(&status["waits"]).iter().filter_map(|wait| wait["why"].as_str());
    lines.extend(waits.map(|why| format!("waits     {why}")));
    lines.extend(status["ended"].as_str().map(|why| format!("ended     {why}")));
    for one in list(&status["versions"]) {
        let version = one["version"].as_str().unwrap_or_default();
        lines.push(format!("{version:<9} {} requests, {} errors", one["requests"], one["errors"]));
    }
    lines.extend(verdict(&status["verdict"]));
    lines.extend(mirror::lines(&status["mirror"], clock::unix_time()));
    let acts = list(&status["acts"]).iter().rev().take(ACTS_SHOWN).rev();
    lines.extend(acts.map(|act| {
        let text = |key: &str| act[key].as_str().unwrap_or_default();
        format!("          {}: {}", text("by"), text("what"))
    }));
    lines
}

/// Acts that are shown; the newest.
const ACTS_SHOWN: usize = 8;

fn verdict(verdict: &Value) -> Vec<String> {
    let Some(word) = verdict["outcome"].as_str() else { return Vec::new() };
    let because = verdict["because"].as_str().map(|why| format!(": {why}")).unwrap_or_default();
    let numbers = &verdict["numbers"];
    let version = |name: &str| {
        let one = &numbers[name];
        let p99 = one["p99_seconds"].as_f64().map(|p99| format!(", p99 {:.0} ms", p99 * 1e3));
        let (requests, errors) = (one["requests"].as_u64()?, &one["errors"]);
        let p99 = p99.unwrap_or_default();
        Some(format!("          {name}: {errors} errors of {requests} in this step{p99}"))
    };
    let evidence = list(&numbers["evidence"]).iter().filter_map(|found| {
        let (test, bar) = (found["test"].as_str()?, found["bar"].as_f64()?);
        let evidence = found["evidence"].as_f64()?;
        Some(format!("          evidence by {test}: {evidence:.2} of {bar:.0}"))
    });
    let versions = ["candidate", "stable"].into_iter().filter_map(version);
    [format!("verdict   {word}{because}")].into_iter().chain(versions).chain(evidence).collect()
}

/// `"10 %"`.
fn percent(value: &Value) -> Option<String> {
    value.as_f64().map(|percent| format!("{percent} %"))
}

fn tone(rollout: &Value) -> Tone {
    match rollout["phase"].as_str() {
        Some("aborted") => Tone::Bad,
        _ if rollout["is_paused"] == true => Tone::Bad,
        _ => Tone::Well,
    }
}
