//! Does what a rollout wants done: writes its record, has the candidate smoke-tested, asks for
//! measures. What came of it comes back as one more input of the loop.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use tidegate_core::health::probe::ProbeResult;
use tidegate_core::model::ids::{PoolName, RolloutName};
use tidegate_core::model::pool::{HttpProbe, Probe};
use tidegate_core::model::rollout::{CustomMeasure, Smoke};
use tidegate_core::rollout::input::Input;
use tidegate_core::rollout::record::Record;
use tidegate_net::state::StateDirectory;
use tidegate_net::task;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinHandle;

use crate::observe::probe::crew::{self, Target, Way};
use crate::observe::prometheus::{self, Question};

/// Servers that are smoke-tested at a time.
const AT_ONCE: usize = 32;

/// What came of something, or was seen besides.
#[derive(Debug)]
pub(crate) enum Seen {
    /// Something for the rollout.
    Input(Input),
    /// What was answered when a measure was asked for, of stable and of the candidate.
    Measured { place: usize, numbers: [Option<f64>; 2] },
}

/// Where reports go, and from whom.
#[derive(Clone, Debug)]
pub(super) struct Reports {
    pub(super) rollout: RolloutName,
    pub(super) seen: mpsc::UnboundedSender<(RolloutName, Seen)>,
}

impl Reports {
    fn tell(&self, seen: Seen) {
        // The loop has ended: nobody wants to know any more.
        let _ = self.seen.send((self.rollout.clone(), seen));
    }
}

/// Those who do it, for one rollout. Questions end when this is dropped.
#[derive(Debug)]
pub(super) struct Hands {
    directory: StateDirectory,
    reports: Reports,
    questions: Vec<JoinHandle<()>>,
}

/// A server to be smoke-tested.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
    pub(super) name: String,
    pub(super) address: SocketAddr,
    pub(super) way: Way,
}

impl Hands {
    pub(super) const fn new(directory: StateDirectory, reports: Reports) -> Self {
        Self { directory, reports, questions: Vec::new() }
    }

    /// Brings a record to the disk, in place of the one before. One is out at a time.
    pub(super) fn record(&self, record: &Record) {
        let (directory, reports) = (self.directory.clone(), self.reports.clone());
        let (name, text) = (file(&record.rollout), record.to_json());
        let write = tokio::task::spawn_blocking(move || directory.write(&name, &text));
        let written = async move {
            let written = write.await.map_err(io::Error::other).and_then(|written| written);
            let written = written.map_err(|error| error.to_string());
            reports.tell(Seen::Input(Input::Recorded(written)));
        };
        drop(task::spawn("rollout-record", written));
    }

    /// Has all of these smoke-tested for a run.
    pub(super) fn smoke(&self, run: u32, smoke: &Smoke, servers: Vec<Candidate>) {
        let (smoke, reports) = (smoke.clone(), self.reports.clone());
        let tested = async move {
            let result = test(&smoke, servers).await;
            reports.tell(Seen::Input(Input::Smoked { run, result }));
        };
        drop(task::spawn("smoke", tested));
    }

    /// Asks for these measures from now on, each as often as it wants, of both pools.
    pub(super) fn ask(&mut self, measures: &[CustomMeasure], pools: &[PoolName; 2]) {
        self.hush();
        let asked = measures.iter().enumerate().map(|(place, measure)| {
            let (measure, pools) = (measure.clone(), pools.clone());
            task::spawn("rollout-measure", watch(place, measure, pools, self.reports.clone()))
        });
        self.questions = asked.collect();
    }

    /// Asks for nothing any more.
    pub(super) fn hush(&mut self) {
        self.questions.drain(..).for_each(|question| question.abort());
    }
}

impl Drop for Hands {
    fn drop(&mut self) {
        self.hush();
    }
}

/// The name of the file that a record is kept in.
pub(super) fn file(rollout: &RolloutName) -> String {
    format!("{rollout}.json")
}

/// Every server has to answer as often as is wanted; who does not is named.
async fn test(smoke: &Smoke, servers: Vec<Candidate>) -> Result<(), String> {
    if servers.is_empty() {
        return Err("the candidate has no servers".to_owned());
    }
    let places = Arc::new(Semaphore::new(AT_ONCE));
    let tests = servers.into_iter().map(|server| {
        let (places, smoke) = (Arc::clone(&places), smoke.clone());
        task::spawn("smoke-test", async move {
            // The semaphore is never closed, so there is always a place in the end.
            let _place = places.acquire().await;
            test_one(&smoke, server).await
        })
    });
    let tests: Vec<_> = tests.collect();
    let mut failed = Ok(());
    for test in tests {
        let tested = test.await.unwrap_or_else(|_| Err("a smoke test was lost".to_owned()));
        failed = failed.and(tested);
    }
    failed
}

async fn test_one(smoke: &Smoke, server: Candidate) -> Result<(), String> {
    let Candidate { name, address, way } = server;
    let probe = HttpProbe {
        method: "GET".to_owned(),
        path: smoke.path.clone(),
        host: None,
        headers: Vec::new(),
        status: smoke.status.clone(),
        body_contains: None,
    };
    let probe = Arc::new(Probe::Http(probe));
    let target = Target { address, way, probe, timeout: smoke.timeout };
    for _ in 0..smoke.times.get() {
        match crew::ask(&target).await {
            ProbeResult::Success { .. } => {}
            failed => return Err(format!("server {name}: {failed}")),
        }
    }
    Ok(())
}

async fn watch(place: usize, measure: CustomMeasure, pools: [PoolName; 2], reports: Reports) {
    let mut ticks = tokio::time::interval(measure.every);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let mut numbers = [None; 2];
        for (number, pool) in numbers.iter_mut().zip(&pools) {
            *number = ask_of(&measure, pool).await;
        }
        reports.tell(Seen::Measured { place, numbers });
    }
}

async fn ask_of(measure: &CustomMeasure, pool: &PoolName) -> Option<f64> {
    let query = measure.query.replace("{version}", pool.as_str());
    let answer = prometheus::query(Question { server: &measure.prometheus, query: &query }).await;
    if let Err(error) = &answer {
        tracing::warn!(measure = measure.name, %pool, %error, "a measure cannot be had");
    }
    answer.ok()
}
