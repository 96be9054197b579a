//! `cargo xtask bench`: balancers side by side, by the CPU time a request costs them.
//!
//! HAProxy, nginx, a blind TCP relay (the price of moving the bytes at all) and tidegate stand
//! between the same load and the same origin, each pinned to core 0, load and origin to core 1, in
//! a network namespace of their own. For a point of measurement all of them stay up and are
//! measured once a round, in rotating order, so that what else the machine does hits all alike.
//! Reported are medians over the rounds, and ratios taken within each round.
//!
//! Judge by CPU per request, not by requests per second: the load core saturates first. Nothing
//! else may run meanwhile, no build above all; a wide min..max means noise.

mod account;
mod candidate;
mod fleet;
mod idle;
mod load;
mod machine;
mod namespace;
mod peer_config;
mod plan;
mod release;
mod report;
mod rounds;
mod setting;
mod statistics;
mod syscalls;
mod table;
mod training;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use candidate::Candidate;
use clap::Args;
use load::Load;
use plan::Point;
use release::Release;
use report::{Measured, Report};

use crate::peers::{self, Peer};
use crate::workspace;

/// What to measure.
#[derive(Args, Debug)]
pub(crate) struct Options {
    /// Measure the whole published table and print it as Markdown
    #[arg(long, conflicts_with_all = ["paths", "conns", "load"])]
    all: bool,
    /// Measure what sessions, a canary and mirroring cost tidegate, instead of balancers
    #[arg(long, conflicts_with_all = ["all", "candidates", "paths", "load", "tls", "references"])]
    releases: bool,
    /// Who is measured
    #[arg(long, value_delimiter = ',', default_value = "haproxy,nginx,relay,tidegate")]
    candidates: Vec<String>,
    /// Others to measure as well; each listens on 127.0.0.1:PORT and forwards to 127.0.0.1:9000
    #[arg(value_name = "NAME|PORT|COMMAND")]
    others: Vec<Candidate>,
    /// The tidegate to measure, such as `target/dist/tidegate`, instead of one that is built
    #[arg(long, value_name = "FILE")]
    program: Option<PathBuf>,
    /// Paths of the origin: /s/N is N bytes with Content-Length, /c/N the same in chunks
    #[arg(long, value_delimiter = ',', default_value = "/s/100,/s/1024,/s/16384")]
    paths: Vec<String>,
    /// Numbers of client connections
    #[arg(long, value_delimiter = ',', default_value = "64")]
    conns: Vec<u32>,
    /// Encrypt what clients send; with --all, the published table of TLS, HTTP/2 and compression
    #[arg(long)]
    tls: bool,
    /// Certificates that tidegate has to choose from, with --tls
    #[arg(long, default_value_t = 1)]
    certificates: usize,
    /// wrk; close: wrk, a connection a request; gen: our own generator; users: the same, each
    /// connection a user with cookies; gzip: wrk, compressed;
    /// h2:N: h2load, N streams a connection; handshake:full, handshake:resumed: TLS connections
    /// one after the other; idle:N: resident memory of N idle connections; or a command with {url}
    /// {port} {path} {conns} {dur}, printing `REQS n` and perhaps `LAT p50 p99` in microseconds
    #[arg(long, default_value = "wrk")]
    load: Load,
    /// Measurements of each candidate
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Length of a measurement, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 1)]
    dur: u64,
    /// Count system calls per request as well
    #[arg(long)]
    syscalls: bool,
    /// Candidates that the others are compared with
    #[arg(long, value_delimiter = ',', default_value = "haproxy,nginx,relay")]
    references: Vec<String>,
    /// Write everything measured to this file
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Run what a program that is to be released is trained with, once, and print nothing
    #[arg(long, hide = true)]
    training: bool,
    /// Set by the program itself once it stands in its namespace
    #[arg(long, hide = true)]
    in_namespace: bool,
}

/// Measures, first entering a namespace made for it.
///
/// # Errors
/// When a peer is missing, does not build or start, or answers wrongly.
pub(crate) fn run(mut options: Options) -> Result<()> {
    if options.releases {
        let with = Release::ALL.map(Release::name);
        options.candidates = ["tidegate"].into_iter().chain(with).map(str::to_owned).collect();
        options.references = vec!["tidegate".to_owned()];
    }
    let options = &options;
    ensure!(options.rounds > 0 && options.dur > 0, "at least one round of a second");
    if !options.in_namespace {
        peers::ensure_all(&needed(options))?;
        build(options)?;
        return Err(namespace::enter());
    }
    let directory = workspace::target()?.join("bench");
    fs::create_dir_all(&directory).with_context(|| format!("cannot make {directory:?}"))?;
    let program = program(options)?;
    if options.training {
        return training::run(&program, &directory);
    }
    let candidates = candidates(options, &program, &directory)?;

    let mut report = Report { machine: machine::describe(&program), points: Vec::new() };
    println!("{}", report.machine);
    for point in plan::points(options) {
        let measured = measure(options, &point, &candidates, &directory)?;
        print!("{}", report::text(&point, &measured));
        report.points.push((point, measured));
        // Written after each point, so that an interrupted run is not lost.
        if let Some(file) = &options.json {
            fs::write(file, report.json()?).with_context(|| format!("cannot write {file:?}"))?;
        }
    }
    if options.all || options.releases {
        print!("{}", report.markdown());
    }
    Ok(())
}

fn measure(
    options: &Options,
    point: &Point,
    candidates: &[Candidate],
    directory: &Path,
) -> Result<Measured> {
    match point.load {
        Load::Idle(connections) => {
            idle::measure(candidates, directory, connections, point).map(Measured::Idle)
        }
        _ => rounds::measure(options, point, candidates, directory).map(Measured::Rows),
    }
}

/// The tidegate that is measured.
fn program(options: &Options) -> Result<PathBuf> {
    match &options.program {
        Some(file) => fs::canonicalize(file).with_context(|| format!("cannot find {file:?}")),
        None => Ok(workspace::target()?.join("release/tidegate")),
    }
}

fn candidates(options: &Options, program: &Path, directory: &Path) -> Result<Vec<Candidate>> {
    let known = options.candidates.iter().map(|name| candidate::known(name, program, directory));
    let mut candidates: Vec<Candidate> = known.collect::<Result<_>>()?;
    candidates.extend(options.others.iter().cloned());
    ensure!(!candidates.is_empty(), "nobody to measure");
    Ok(candidates)
}

fn needed(options: &Options) -> Vec<Peer> {
    let mut peers = vec![peers::IP];
    for (name, peer) in [("haproxy", peers::HAPROXY), ("nginx", peers::NGINX)] {
        if options.candidates.iter().any(|candidate| candidate == name) {
            peers.push(peer);
        }
    }
    if options.all
        || options.training
        || matches!(options.load, Load::Wrk | Load::Close | Load::Gzip)
    {
        peers.push(peers::WRK);
    }
    if options.tls || options.training || matches!(options.load, Load::Http2 { .. }) {
        peers.push(peers::H2LOAD);
    }
    // Either counts system calls; perf counts better, and not everywhere.
    if (options.all || options.syscalls) && !peers::PERF.is_there() && !peers::STRACE.is_there() {
        peers.extend([peers::PERF, peers::STRACE]);
    }
    peers
}

/// Builds what is measured, and what measures, with all optimization.
fn build(options: &Options) -> Result<()> {
    let mut cargo = workspace::cargo()?;
    cargo.args(["build", "--release", "--package", "bench-origin"]);
    let measured = options.candidates.iter().any(|candidate| candidate == "tidegate");
    if measured && options.program.is_none() {
        cargo.args(["--package", "tidegate"]);
    }
    workspace::succeed(&mut cargo).context("the build failed")
}
