//! What an idle connection costs: resident memory before and after many of them.
//!
//! Every candidate is warmed up first, so that code and first buffers do not count. The memory that
//! the kernel holds for sockets is not part of it, and is the same for all.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde::Serialize;

use super::account::resident_kib;
use super::candidate::Candidate;
use super::fleet::{Fleet, LOADING, Member};
use super::load::Aim;
use super::plan::Point;
use crate::{clock, workspace};

/// For a candidate to put its buffers away after the last request.
const SETTLING: Duration = Duration::from_secs(2);

/// What idle connections cost one candidate.
#[derive(Clone, Debug, Serialize)]
pub(super) struct IdleRow {
    pub(super) candidate: String,
    pub(super) before_kib: u64,
    pub(super) after_kib: u64,
    pub(super) bytes_per_connection: f64,
}

/// Starts all candidates and gives each in turn so many connections, with a request for `path`
/// each.
///
/// # Errors
/// When one does not start, or does not keep the connections.
pub(super) fn measure(
    candidates: &[Candidate],
    directory: &Path,
    connections: u32,
    point: &Point,
) -> Result<Vec<IdleRow>> {
    ensure!(connections > 0, "at least one connection");
    let balancers: Vec<Candidate> =
        candidates.iter().filter(|candidate| candidate.name != "relay").cloned().collect();
    let fleet = Fleet::start(&balancers, directory, point.setting, connections)?;
    let measure = |member| measure_one(member, connections, point, directory);
    fleet.members.iter().map(measure).collect()
}

fn measure_one(
    member: &Member,
    connections: u32,
    point: &Point,
    directory: &Path,
) -> Result<IdleRow> {
    let aim = Aim { connections: 1, ..point.aim(member.port, 1, directory) };
    point.setting.warm_up().run(aim)?;
    clock::pause(SETTLING);
    let before_kib = resident_kib(member.id());

    let program = workspace::target()?.join("release/idle");
    let pin = LOADING.pin();
    let mut child = Command::new(&pin[0])
        .args(&pin[1..])
        .arg(program)
        .args([&member.port.to_string(), &point.path, &connections.to_string()])
        .args(point.setting.idle_arguments(directory))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot open idle connections")?;
    let mut line = String::new();
    let stdout = child.stdout.take().context("its output is piped")?;
    BufReader::new(stdout).read_line(&mut line)?;
    let opened = line.trim() == format!("IDLE {connections}");
    ensure!(opened, "{} does not keep {connections} connections", member.name);
    clock::pause(SETTLING);
    let after_kib = resident_kib(member.id());

    // The end of its input lets the connections go.
    drop(child.stdin.take());
    child.wait()?;
    let grown = after_kib.saturating_sub(before_kib) as f64 * 1024.0;
    Ok(IdleRow {
        candidate: member.name.clone(),
        before_kib,
        after_kib,
        bytes_per_connection: grown / f64::from(connections),
    })
}
