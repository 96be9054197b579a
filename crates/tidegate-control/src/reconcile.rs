//! The loop of the control plane: one task that observes, decides through the core, and publishes.
//!
//! Commands, results of probes, signals of the data plane and timers come in one at a time, so that
//! nothing here needs a lock for the sake of order. Whatever takes long happens elsewhere and comes
//! back as one more input: files are read on a blocking thread, probes are tasks of their own.
//!
//! A new configuration takes three steps, of which only the first two can fail and neither changes
//! what serves: it is read and checked; its sockets are opened; the servers that it brings are
//! probed once, where their pool says so. Then it is committed. The start is the same walk with the
//! first configuration, which is why no listener opens before the first probes are done.

mod members;
mod renew;
mod step;

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use thiserror::Error;
use tidegate_core::config::diagnostic::{Diagnostic, Severity};
use tidegate_core::config::diff::{self, Change};
use tidegate_core::model::ids::RolloutName;
use tidegate_core::model::node::Config;
use tidegate_core::signal::Signal;
use tidegate_core::snapshot::{Circumstances, Snapshot};
use tidegate_core::time::{Duration, Instant};
use tidegate_net::{clock, entropy, task};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;

use crate::act::acme::orders;
use crate::act::acme::wanted::Wanted;
use crate::act::notify::herald;
use crate::act::notify::webhook::Webhook;
use crate::control::{Applied, Command, Reload};
use crate::events::{Kind, Report};
use crate::health::keeper::Keeper;
use crate::observe::config_file::{Accepted, Refused};
use crate::observe::probe::crew::{Crew, Found};
use crate::observe::sessions::Census;
use crate::observe::sources::Sources;
use crate::observe::watch::{self as watcher, Watched};
use crate::overrides::book::Book;
use crate::publish::{Compiler, DataPlane};
use crate::release::facts::Word;
use crate::release::hands::Seen as Released;
use crate::release::releases::Releases;
use crate::scale::hands::Seen;
use crate::scale::lapse::Lapse;
use crate::scale::scalers::{ScalerKey, Scalers};
use crate::shared::{Shared, lock};
use crate::tls::parts::Tls;
use step::{Asked, Done, Probing, Request, Step, answer, causes, configured, patience};

/// The loop before it runs.
#[derive(Debug)]
pub struct Reconciler {
    pub(crate) shared: Arc<Shared>,
    pub(crate) compiler: Compiler,
    pub(crate) commands: mpsc::Receiver<Command>,
    pub(crate) watcher: mpsc::WeakSender<Command>,
    pub(crate) signals: mpsc::Receiver<Signal>,
    pub(crate) lapse: Lapse,
}

/// Why the balancer cannot start.
#[derive(Debug, Error)]
pub enum StartError {
    /// A listener's address cannot be opened.
    #[error("{0}")]
    Listen(String),
    /// It was asked to stop before it served.
    #[error("stopped before the start was over")]
    Stopped,
}

impl Reconciler {
    /// For demonstrations: the planners of autoscaled pools are told of a time that passes `factor`
    /// times as fast as the clock.
    #[must_use]
    pub fn hasten(self, factor: NonZeroU32) -> Self {
        Self { lapse: Lapse::new(factor, self.shared.started), ..self }
    }

    /// Opens the sockets of the first configuration, probes the servers that want it once, and lets
    /// the data plane accept. The loop then runs until `Control::stop`, and its task yields the
    /// data plane.
    ///
    /// # Errors
    /// [`StartError::Listen`] at once when an address is taken.
    pub async fn start<P: DataPlane>(self, plane: P) -> Result<JoinHandle<P>, StartError> {
        let Self { shared, compiler, commands, watcher, signals, lapse } = self;
        let (crew, results) = Crew::new();
        let keeper = Keeper::new(Arc::clone(&shared), crew, entropy::word());
        let (scalers, seen) = Scalers::new(Arc::clone(&shared), lapse);
        let (releases, released) = Releases::new(Arc::clone(&shared));
        let (started, start) = oneshot::channel();
        keep(&shared).await;
        let mut reconcile = Loop {
            compiler,
            plane,
            keeper,
            wanted: orders::start(Arc::clone(&shared), watcher.clone()),
            webhooks: herald::start(Arc::clone(&shared)),
            scalers,
            releases,
            census: Census::default(),
            overrides: Book::new(Arc::clone(&shared)),
            watched: watcher::start("config-watch", watcher.clone(), reload_for_files),
            certificates: watcher::start("certificate-watch", watcher, || Command::Renew),
            step: Step::Idle,
            queue: Vec::new(),
            renewal_due: false,
            shared,
            members_due: false,
        };
        reconcile.begin_first(started).map_err(StartError::Listen)?;
        let inputs = Inputs { commands, signals, results, seen, released };
        let running = task::spawn("reconcile", reconcile.run(inputs));
        match start.await {
            Ok(()) => Ok(running),
            Err(_) => Err(StartError::Stopped),
        }
    }
}

/// Where inputs come from.
struct Inputs {
    commands: mpsc::Receiver<Command>,
    signals: mpsc::Receiver<Signal>,
    results: mpsc::UnboundedReceiver<Found>,
    seen: mpsc::UnboundedReceiver<(ScalerKey, Seen)>,
    released: mpsc::UnboundedReceiver<(RolloutName, Released)>,
}

/// The loop.
struct Loop<P: DataPlane> {
    shared: Arc<Shared>,
    compiler: Compiler,
    plane: P,
    keeper: Keeper,
    scalers: Scalers,
    releases: Releases,
    census: Census,
    overrides: Book,
    watched: watch::Sender<Watched>,
    certificates: watch::Sender<Watched>,
    wanted: watch::Sender<Wanted>,
    webhooks: watch::Sender<Arc<[Webhook]>>,
    step: Step<P::Prepared>,
    /// Reloads that wait for the one under way: one more serves them all.
    queue: Vec<Request>,
    /// Whether files that TLS is made of have changed.
    renewal_due: bool,
    /// Whether instances came or went since the last snapshot.
    members_due: bool,
}

/// One input.
enum Input {
    Command(Option<Command>),
    Signal(Signal),
    Found(Found),
    Seen(ScalerKey, Seen),
    Released(RolloutName, Released),
    Done(Done),
    Timeout,
}

/// What authorities issued earlier, and the keys that are our own, are there before the first
/// client is.
async fn keep(shared: &Shared) {
    let accepted = shared.accepted.load_full();
    if accepted.config.acme().next().is_none() && !accepted.config.makes_keys() {
        return;
    }
    match tokio::task::spawn_blocking(move || accepted.with_kept()).await {
        Ok(accepted) => shared.accepted.store(Arc::new(accepted)),
        Err(error) => {
            tracing::error!(%error, "cannot look for certificates and keys that are kept")
        }
    }
}

fn reload_for_files() -> Command {
    let cause = "a changed file".to_owned();
    Command::Reload { cause, word: Word::OfFacts, reply: None }
}

impl<P: DataPlane> Loop<P> {
    async fn run(mut self, mut inputs: Inputs) -> P {
        loop {
            let timeout = self.poll_timeout();
            let input = tokio::select! {
                command = inputs.commands.recv() => Input::Command(command),
                Some(signal) = inputs.signals.recv() => Input::Signal(signal),
                Some(found) = inputs.results.recv() => Input::Found(found),
                Some((key, seen)) = inputs.seen.recv() => Input::Seen(key, seen),
                Some((name, seen)) = inputs.released.recv() => Input::Released(name, seen),
                done = self.step.done() => Input::Done(done),
                () = tokio::time::sleep_until(clock::tokio_time(timeout)) => Input::Timeout,
            };
            let now = clock::now();
            match input {
                Input::Command(None | Some(Command::Stop)) => return self.plane,
                Input::Command(Some(Command::Reload { cause, word, reply })) => {
                    self.queue.push(Request { cause, word, reply });
                }
                Input::Command(Some(Command::Renew)) => self.renewal_due = true,
                Input::Command(Some(Command::Steer { order, by, reply })) => {
                    // Whoever asked may have gone meanwhile.
                    let _ = reply.send(self.scalers.order(&order, &by));
                }
                Input::Command(Some(Command::Override { order, by, reply })) => {
                    let served = self.shared.snapshot.load_full();
                    let _ = reply.send(self.overrides.order(&order, &by, &served, now));
                }
                Input::Command(Some(Command::Release { order, by, reply })) => {
                    self.releases.order(order, &by, reply);
                }
                Input::Released(name, seen) => self.releases.hear(&name, seen),
                Input::Signal(Signal::Differed(difference)) => {
                    tracing::debug!(rollout = %difference.rollout, %difference, "a copy differs");
                    self.releases.differed(*difference);
                }
                Input::Signal(signal) => self.keeper.handle_signal(&signal, now),
                Input::Found((server, result)) => {
                    self.keeper.handle_result(server, result, now);
                    self.step.decided(server, &self.keeper);
                }
                Input::Seen(key, seen) => self.scalers.hear(&key, seen, now),
                Input::Done(Done::Loaded(loaded)) => {
                    let loaded = self.whole(loaded);
                    self.take(loaded, now);
                }
                Input::Done(Done::Renewed(renewed)) => self.take_renewed(renewed, now),
                Input::Timeout => {}
            }
            self.keeper.handle_timeout(now);
            self.census.handle_timeout(&self.shared.snapshot.load(), now);
            self.overrides.handle_timeout(&self.shared.snapshot.load(), now);
            self.go_on(now);
            self.scale(now);
            self.release(now);
            self.keeper.review();
        }
    }

    /// A time that is never reached would overflow the timer, so an idle loop turns over once an
    /// hour.
    fn poll_timeout(&self) -> Instant {
        let idle = clock::now() + Duration::from_secs(3600);
        let step = match &self.step {
            Step::Probing(probing) => probing.deadline,
            _ => idle,
        };
        let due = self.keeper.poll_timeout().into_iter().chain(self.scalers.poll_timeout());
        let due = due.chain(self.census.poll_timeout(&self.shared.snapshot.load()));
        let due = due.chain(self.overrides.poll_timeout());
        due.chain(self.releases.poll_timeout()).chain([step, idle]).min().unwrap_or(idle)
    }

    /// Takes whatever next step is open.
    fn go_on(&mut self, now: Instant) {
        let over = |probing: &Probing<_>| probing.awaited.is_empty() || probing.deadline <= now;
        if matches!(&self.step, Step::Probing(probing) if over(probing))
            && let Step::Probing(probing) = std::mem::replace(&mut self.step, Step::Idle)
        {
            self.commit(*probing, now);
        }
        if matches!(self.step, Step::Idle) && !self.queue.is_empty() {
            let (origin, served) = (self.shared.origin.clone(), self.shared.accepted.load_full());
            let requests = std::mem::take(&mut self.queue);
            let word = requests.iter().map(|request| request.word).max().unwrap_or_default();
            let load = move || origin.load_after(&served.tls, word);
            self.step = Step::Loading(tokio::task::spawn_blocking(load), requests);
        }
        if matches!(self.step, Step::Idle) && std::mem::take(&mut self.renewal_due) {
            self.begin_renewal();
        }
    }

    /// The first configuration is loaded already; its snapshot too.
    fn begin_first(&mut self, started: oneshot::Sender<()>) -> Result<(), String> {
        let accepted = Accepted::clone(&self.shared.accepted.load());
        let config = Arc::clone(&accepted.config);
        let prepared = self.plane.prepare(&config)?;
        self.scalers.prepare(&config)?;
        self.releases.prepare(&config)?;
        self.releases.settle(&config, accepted.word);
        let now = clock::now();
        self.scalers.settle(&config, now);
        let first = self.shared.snapshot.load_full();
        let snapshot = match self.circumstances() {
            // What ran before this process did serves again as soon as anything does.
            found if found != Circumstances::default() => {
                self.compiler.compile(config, &found, &first, now)
            }
            _ => first,
        };
        self.scalers.rotate(&snapshot, now);
        self.overrides.settle(&snapshot, now);
        self.probe_first(accepted, snapshot, prepared, Asked::ToStart(started));
        Ok(())
    }

    /// What came of loading a configuration: refuses it, or takes it as far as it goes.
    fn take(&mut self, loaded: Result<Accepted, Refused>, now: Instant) {
        let Step::Loading(_, requests) = std::mem::replace(&mut self.step, Step::Idle) else {
            return;
        };
        let accepted = match loaded {
            Ok(accepted) => accepted,
            Err(Refused { diagnostics, sources }) => {
                return self.refuse(diagnostics, sources, requests);
            }
        };
        let config = Arc::clone(&accepted.config);
        let prepared = self.plane.prepare(&config).map_err(|error| ("listener", error));
        let prepared = prepared.and_then(|prepared| {
            let kept = self.scalers.prepare(&config);
            let kept = kept.and_then(|()| self.releases.prepare(&config));
            kept.map_err(|error| ("runtime.state", error))?;
            Ok(prepared)
        });
        match prepared {
            Err((key, error)) => {
                let mistake = self.shared.mistake(key, error);
                self.refuse(vec![mistake], accepted.sources, requests);
            }
            Ok(prepared) => {
                let (before, found) = (self.shared.snapshot.load_full(), self.circumstances());
                let snapshot = self.compiler.compile(config, &found, &before, now);
                self.probe_first(accepted, snapshot, prepared, Asked::ToReload(requests));
            }
        }
    }

    fn whole(
        &self,
        loaded: Result<Result<Accepted, Refused>, tokio::task::JoinError>,
    ) -> Result<Accepted, Refused> {
        loaded.unwrap_or_else(|error| {
            let mistake = self.shared.mistake("", format!("loading broke off: {error}"));
            Err(Refused { diagnostics: vec![mistake], sources: Sources::default() })
        })
    }

    fn probe_first(
        &mut self,
        accepted: Accepted,
        snapshot: Arc<Snapshot>,
        prepared: P::Prepared,
        asked: Asked,
    ) {
        let now = clock::now();
        let awaited = self.keeper.admit(&snapshot, &accepted.tls.contexts, now);
        let deadline = now + patience(&snapshot, awaited.len());
        let probing = Probing { accepted, snapshot, prepared, awaited, deadline, asked };
        self.step = Step::Probing(Box::new(probing));
    }

    fn refuse(&self, diagnostics: Vec<Diagnostic>, sources: Sources, requests: Vec<Request>) {
        let is_mistake = |one: &&Diagnostic| one.severity == Severity::Error;
        let mistakes: Vec<&Diagnostic> = diagnostics.iter().filter(is_mistake).collect();
        for mistake in &mistakes {
            tracing::error!("{mistake}");
        }
        let message = format!("configuration refused: {} mistakes", mistakes.len());
        let first = mistakes.first().map(ToString::to_string).unwrap_or_default();
        let reason = format!("{}; first: {first}", causes(&requests));
        self.shared.events.emit(Report::node(Kind::ConfigRefused, message, reason));
        self.shared.reloads.refused.fetch_add(1, Relaxed);
        lock(&self.shared.reloads.last).clone_from(&diagnostics);
        self.watch(sources);
        answer(requests, &Reload::Refused(diagnostics));
    }

    /// From here nothing can fail.
    fn commit(&mut self, probing: Probing<P::Prepared>, now: Instant) {
        let Probing { accepted, snapshot, prepared, asked, .. } = probing;
        let before = self.shared.accepted.load_full();
        let contexts = Arc::clone(&accepted.tls.contexts);
        self.overrides.settle(&snapshot, now);
        self.plane.commit(prepared, Arc::clone(&snapshot), contexts);
        self.shared.snapshot.store(Arc::clone(&snapshot));
        *lock(&self.shared.addresses) = self.plane.addresses();
        self.keeper.settle(&snapshot, &accepted.tls.contexts, now);
        self.scalers.settle(&snapshot.config, now);
        self.releases.settle(&snapshot.config, accepted.word);
        self.shared.registry.retain(&configured(&snapshot));
        self.shared.accepted.store(Arc::new(accepted.clone()));
        self.watch(accepted.sources.clone());
        self.follow(&accepted.config, &accepted.tls);
        self.webhooks.send_replace(Arc::clone(&accepted.webhooks));
        match asked {
            Asked::ToStart(started) => self.say_started(&snapshot, started),
            Asked::ToReload(requests) => {
                let changes = diff::diff(&before.config, &accepted.config);
                self.say_applied(&snapshot, &accepted, changes, requests);
            }
        }
    }

    fn say_started(&self, snapshot: &Snapshot, started: oneshot::Sender<()>) {
        let members = || snapshot.pools.iter().flat_map(|entry| &entry.members);
        let well = members().filter(|member| member.state.availability().is_available()).count();
        let message = format!("serving; {well} of {} servers are available", members().count());
        self.shared.events.emit(Report::node(Kind::Started, message, "start"));
        self.shared.begin_ready();
        // Whoever started may have gone meanwhile.
        let _ = started.send(());
    }

    fn say_applied(
        &self,
        snapshot: &Snapshot,
        accepted: &Accepted,
        changes: Vec<Change>,
        requests: Vec<Request>,
    ) {
        let revision = snapshot.revision;
        for change in &changes {
            tracing::info!(%change, "configuration changed");
            for key in change.needs_restart() {
                tracing::warn!(key, "takes effect at the next start");
            }
        }
        let message = format!("revision {revision} serves; {} changes", changes.len());
        let report = Report::node(Kind::ConfigApplied, message, causes(&requests));
        self.shared.events.emit(report);
        self.shared.reloads.applied.fetch_add(1, Relaxed);
        lock(&self.shared.reloads.last).clear();
        let applied = Applied { revision, changes, warnings: accepted.warnings() };
        answer(requests, &Reload::Applied(applied));
    }

    /// Watches what TLS was made of, and has certificates issued that are wanted.
    fn follow(&self, config: &Config, tls: &Tls) {
        self.certificates.send_replace(Some(tls.sources.clone()));
        self.wanted.send_replace(Wanted::of(config, tls));
    }

    /// Watches what was read last, while the configuration that serves asks for it.
    fn watch(&self, sources: Sources) {
        let asked = self.shared.accepted.load().config.runtime.watch;
        self.watched.send_replace(asked.then_some(sources));
    }
}
