//! One point of measurement: every candidate once a round, in rotating order.

use std::path::Path;

use anyhow::{Result, ensure};
use serde::Serialize;

use super::account::{Usage, resident_kib};
use super::candidate::Candidate;
use super::fleet::{Fleet, Member};
use super::plan::Point;
use super::statistics::{Ratio, median};
use super::{Options, syscalls};

/// What one candidate did at a point: medians over the rounds.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Row {
    pub(super) candidate: String,
    /// CPU time per request in microseconds: all, in user mode, in the kernel.
    pub(super) cpu_us: f64,
    pub(super) user_us: f64,
    pub(super) system_us: f64,
    /// CPU time per request against others'.
    pub(super) ratios: Vec<Ratio>,
    pub(super) requests_per_second: f64,
    /// Part of its core that was used, 0 to 1.
    pub(super) busy: f64,
    /// System calls per request, where they were counted.
    pub(super) syscalls: Option<f64>,
    /// Latency in microseconds, where the load tells it.
    pub(super) p50_us: Option<f64>,
    pub(super) p99_us: Option<f64>,
    /// Memory after the last round.
    pub(super) resident_kib: u64,
    /// What the load complained of, a round each.
    pub(super) complaints: Vec<String>,
}

/// One round of one candidate.
#[derive(Clone, Debug)]
struct Sample {
    requests: f64,
    seconds: f64,
    usage: Usage,
    p50_us: Option<f64>,
    p99_us: Option<f64>,
    complaint: Option<String>,
}

impl Sample {
    fn cpu_us(&self) -> f64 {
        self.usage.cpu.as_secs_f64() * 1e6 / self.requests
    }
}

/// Starts all candidates and measures them at `point`.
///
/// # Errors
/// When one does not start, or answers nothing.
pub(super) fn measure(
    options: &Options,
    point: &Point,
    candidates: &[Candidate],
    directory: &Path,
) -> Result<Vec<Row>> {
    let candidates = point.candidates(candidates);
    let fleet = Fleet::start(&candidates, directory, point.setting, point.connections)?;
    let members = &fleet.members;
    for member in members {
        sample(point, member, 1, directory)?;
    }
    let mut samples: Vec<Vec<Sample>> = vec![Vec::new(); members.len()];
    for round in 0..options.rounds {
        for place in 0..members.len() {
            let turn = (round + place) % members.len();
            samples[turn].push(sample(point, &members[turn], options.dur, directory)?);
        }
    }
    let counting = options.syscalls || options.all;
    let mut rows = Vec::with_capacity(members.len());
    for (member, own) in members.iter().zip(&samples) {
        let mut row = row(member, own);
        row.ratios = ratios(options, members, &samples, own);
        if counting {
            row.syscalls = syscalls::per_request(point, member, directory)?;
        }
        rows.push(row);
    }
    Ok(rows)
}

fn sample(point: &Point, member: &Member, seconds: u64, directory: &Path) -> Result<Sample> {
    let aim = point.aim(member.port, seconds, directory);
    let before = Usage::of(member.id());
    let answers = point.load.run(aim)?;
    let usage = Usage::of(member.id()).since(before);
    ensure!(!usage.cpu.is_zero(), "{} answered without using any CPU time", member.name);
    Ok(Sample {
        requests: answers.requests as f64,
        seconds: seconds as f64,
        usage,
        p50_us: answers.p50_us,
        p99_us: answers.p99_us,
        complaint: answers.complaint,
    })
}

fn row(member: &Member, samples: &[Sample]) -> Row {
    let middle = |value: fn(&Sample) -> f64| median(samples.iter().map(value)).unwrap_or_default();
    let latency = |value: fn(&Sample) -> Option<f64>| median(samples.iter().filter_map(value));
    let cpu_us = middle(Sample::cpu_us);
    let user_share = middle(|sample| sample.usage.user_share());
    Row {
        candidate: member.name.clone(),
        cpu_us,
        user_us: cpu_us * user_share,
        system_us: cpu_us * (1.0 - user_share),
        ratios: Vec::new(),
        requests_per_second: middle(|sample| sample.requests / sample.seconds),
        busy: middle(|sample| sample.usage.cpu.as_secs_f64() / sample.seconds),
        syscalls: None,
        p50_us: latency(|sample| sample.p50_us),
        p99_us: latency(|sample| sample.p99_us),
        resident_kib: resident_kib(member.id()),
        complaints: samples.iter().filter_map(|sample| sample.complaint.clone()).collect(),
    }
}

/// The ratios of `own` to the references that are measured.
fn ratios(
    options: &Options,
    members: &[Member],
    samples: &[Vec<Sample>],
    own: &[Sample],
) -> Vec<Ratio> {
    let costs = |samples: &[Sample]| samples.iter().map(Sample::cpu_us).collect::<Vec<f64>>();
    let measured = members.iter().zip(samples);
    let references = options.references.iter().filter_map(|reference| {
        let (member, others) = measured.clone().find(|(member, _)| member.name == *reference)?;
        Ratio::of(&member.name, &costs(own), &costs(others))
    });
    references.collect()
}
