//! Has done, in order, what a fleet decides.
//!
//! A record is on the disk before anything behind it is begun: that is what makes a launch happen
//! once, whenever the process is killed. While it cannot be written nothing is launched, and the
//! fleet is told. Launches and stops then run beside each other, each within its time.
//!
//! The queue is not bounded by itself; what a fleet has out at a time is.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use tidegate_core::model::autoscale::CustomMetric;
use tidegate_core::scale::fleet::id::InstanceId;
use tidegate_core::scale::fleet::input::Input;
use tidegate_core::scale::fleet::provider::ProviderFailure;
use tidegate_core::scale::fleet::record::FleetRecord;
use tidegate_core::scale::forecast::foresight::Forecast;
use tidegate_core::scale::record::PlannerRecord;
use tidegate_core::time::Duration;
use tidegate_net::state::StateDirectory;
use tidegate_net::{http, task};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::past;
use super::scalers::ScalerKey;
use crate::act::provider::contract::{self, AnyProvider, Provider, Usage};
use crate::observe::prometheus::{self, Question};

/// For one request of a warm-up.
const WARM_UP_PATIENCE: Duration = Duration::from_secs(10);
/// Bytes of an answer to one.
const WARM_UP_ANSWER_MAX: usize = 16 << 20;
/// How often is asked how busy the instances are.
const USAGE_EVERY: Duration = Duration::from_secs(5);

/// Something to be done.
#[derive(Debug)]
pub(super) enum Order {
    Record(FleetRecord),
    /// What the planner has learned.
    Learned(Box<PlannerRecord>),
    /// Something that takes its time and has an answer.
    Ask(Ask),
}

/// What a provider or an instance is asked for.
#[derive(Debug)]
pub(super) enum Ask {
    List(Duration),
    Start(InstanceId, Duration),
    Stop(InstanceId, Duration),
    Warm { id: InstanceId, address: SocketAddr, paths: Vec<String> },
}

/// What came of it, or was seen besides.
#[derive(Debug)]
pub(crate) enum Seen {
    /// Something for the fleet.
    Input(Input),
    /// How busy instances are.
    Usage(BTreeMap<InstanceId, Usage>),
    /// A forecast that knows what a file tells of past demand.
    Past(Box<Forecast>),
    /// What a custom metric says; `None`: it could not be had.
    Custom { place: usize, value: Option<f64> },
}

/// Those who do it, for one fleet. They end when this is dropped.
#[derive(Debug)]
pub(super) struct Hands {
    orders: mpsc::UnboundedSender<Order>,
    reports: Reports,
    watching: Vec<JoinHandle<()>>,
    queries: Vec<JoinHandle<()>>,
}

/// Where the record is kept.
#[derive(Clone, Debug)]
pub(super) struct Kept {
    pub(super) directory: StateDirectory,
    pub(super) name: String,
    /// The digest of what instances are launched from.
    pub(super) template: u64,
}

impl Kept {
    /// The name under which the planner's record is kept.
    pub(super) fn learned(&self) -> String {
        format!("{}.learned", self.name)
    }
}

/// Where reports go, and from whom.
#[derive(Clone, Debug)]
pub(super) struct Reports {
    pub(super) key: ScalerKey,
    pub(super) seen: mpsc::UnboundedSender<(ScalerKey, Seen)>,
}

impl Reports {
    fn tell(&self, seen: Seen) {
        // The loop has ended: nobody wants to know any more.
        let _ = self.seen.send((self.key.clone(), seen));
    }

    fn input(&self, input: Input) {
        self.tell(Seen::Input(input));
    }
}

impl Hands {
    /// Hands that launch by `provider`, which tells `ends` of instances that end by themselves.
    pub(super) fn new(
        provider: Arc<AnyProvider>,
        ends: mpsc::Receiver<InstanceId>,
        kept: Kept,
        reports: Reports,
    ) -> Self {
        let (orders, queue) = mpsc::unbounded_channel();
        let desk = Desk {
            provider: Arc::clone(&provider),
            kept,
            reports: reports.clone(),
            is_recorded: true,
        };
        task::spawn("fleet", desk.run(queue));
        let usage = task::spawn("fleet-usage", watch_usage(provider, reports.clone()));
        let exits = task::spawn("fleet-exits", watch_exits(ends, reports.clone()));
        Self { orders, reports, watching: vec![usage, exits], queries: Vec::new() }
    }

    /// Has something done.
    pub(super) fn send(&self, order: Order) {
        // The desk ends only with the hands.
        let _ = self.orders.send(order);
    }

    /// Has a file of past demand read.
    pub(super) fn remember(&self, file: PathBuf) {
        let reports = self.reports.clone();
        tokio::task::spawn_blocking(move || match past::read(&file) {
            Ok(forecast) => reports.tell(Seen::Past(Box::new(forecast))),
            Err(error) => {
                let file = file.display();
                tracing::warn!(%file, error, "past demand cannot be read; it is learned anew");
            }
        });
    }

    /// Asks for these metrics from now on, each as often as it wants.
    pub(super) fn ask(&mut self, metrics: &[CustomMetric]) {
        self.queries.drain(..).for_each(|query| query.abort());
        let asked = metrics.iter().enumerate().map(|(place, metric)| {
            let (metric, reports) = (metric.clone(), self.reports.clone());
            task::spawn("custom-metric", watch_metric(place, metric, reports))
        });
        self.queries = asked.collect();
    }
}

impl Drop for Hands {
    fn drop(&mut self) {
        self.watching.iter().chain(&self.queries).for_each(JoinHandle::abort);
    }
}

/// The one who takes orders.
struct Desk {
    provider: Arc<AnyProvider>,
    kept: Kept,
    reports: Reports,
    /// Whether the last record is on the disk.
    is_recorded: bool,
}

impl Desk {
    async fn run(mut self, mut queue: mpsc::UnboundedReceiver<Order>) {
        while let Some(order) = queue.recv().await {
            match order {
                Order::Record(record) => self.record(&record).await,
                Order::Learned(learned) => self.learn(&learned).await,
                Order::Ask(Ask::Start(id, _)) if !self.is_recorded => {
                    let why = "its record cannot be written".to_owned();
                    let refused = Err(ProviderFailure::Refused(why));
                    self.reports.input(Input::Started(id, refused));
                }
                Order::Ask(ask) => self.begin(ask),
            }
        }
    }

    async fn record(&mut self, record: &FleetRecord) {
        let written = self.write(self.kept.name.clone(), record.to_json()).await;
        self.is_recorded = written.is_ok();
        if let Err(error) = written {
            tracing::error!(%error, "the record of instances cannot be written: nothing is scaled");
            self.reports.input(Input::Unrecorded);
        }
    }

    async fn learn(&self, learned: &PlannerRecord) {
        if let Err(error) = self.write(self.kept.learned(), learned.to_json()).await {
            tracing::warn!(%error, "what was learned of demand will not outlive a restart");
        }
    }

    async fn write(&self, name: String, text: Vec<u8>) -> io::Result<()> {
        let directory = self.kept.directory.clone();
        let writing = tokio::task::spawn_blocking(move || directory.write(&name, &text));
        writing.await.map_err(io::Error::other)?
    }

    fn begin(&self, ask: Ask) {
        let (provider, reports) = (Arc::clone(&self.provider), self.reports.clone());
        let template = self.kept.template;
        let work = async move { reports.input(perform(&provider, template, ask).await) };
        task::spawn("fleet-order", work);
    }
}

async fn perform(provider: &AnyProvider, template: u64, ask: Ask) -> Input {
    match ask {
        Ask::List(within) => Input::Inventory(timed(within, provider.list()).await),
        Ask::Start(id, within) => {
            let wanted = contract::Order { id: id.clone(), template };
            Input::Started(id, timed(within, provider.start(&wanted)).await)
        }
        Ask::Stop(id, within) => {
            let stopped = timed(within, provider.stop(&id)).await;
            Input::Stopped(id, stopped)
        }
        Ask::Warm { id, address, paths } => {
            warm_up(address, &paths).await;
            Input::Warmed(id)
        }
    }
}

async fn timed<T>(
    within: Duration,
    work: impl Future<Output = Result<T, ProviderFailure>>,
) -> Result<T, ProviderFailure> {
    tokio::time::timeout(within, work).await.unwrap_or(Err(ProviderFailure::Timeout))
}

/// Sends the requests one after the other. What is answered does not matter: checks judge.
async fn warm_up(address: SocketAddr, paths: &[String]) {
    for path in paths {
        let place = address.to_string();
        let answer = http::get(&place, path, WARM_UP_ANSWER_MAX);
        let answer = tokio::time::timeout(WARM_UP_PATIENCE, answer).await;
        tracing::debug!(%address, path, ?answer, "warm-up");
    }
}

async fn watch_usage(provider: Arc<AnyProvider>, reports: Reports) {
    let mut ticks = tokio::time::interval(USAGE_EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        reports.tell(Seen::Usage(provider.usage().await));
    }
}

async fn watch_exits(mut ends: mpsc::Receiver<InstanceId>, reports: Reports) {
    while let Some(id) = ends.recv().await {
        reports.input(Input::Exited(id));
    }
}

async fn watch_metric(place: usize, metric: CustomMetric, reports: Reports) {
    let mut ticks = tokio::time::interval(metric.every);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let question = Question { server: &metric.prometheus, query: &metric.query };
        let value = prometheus::query(question).await;
        if let Err(error) = &value {
            tracing::warn!(metric = metric.name, %error, "a custom metric cannot be had");
        }
        reports.tell(Seen::Custom { place, value: value.ok() });
    }
}
