//! All rollouts: made and retired with the configuration, driven by the loop.

use std::collections::BTreeMap;
use std::mem;
use std::sync::Arc;

use tidegate_core::model::ids::RolloutName;
use tidegate_core::model::node::Config;
use tidegate_core::model::rollout::Rollout;
use tidegate_core::release::division::Division;
use tidegate_core::rollout::command::Command;
use tidegate_core::rollout::input::Hold;
use tidegate_core::rollout::moment::Moment;
use tidegate_core::rollout::phase::Phase;
use tidegate_core::scale::release::Ask;
use tidegate_core::signal::Difference;
use tidegate_core::snapshot::Snapshot;
use tidegate_core::time::{Duration, Instant};
use tidegate_net::clock;
use tidegate_net::state::{Claim, StateDirectory};
use tokio::sync::{mpsc, oneshot};

use super::facts::{self, DIRECTORY, Word};
use super::hands::{self, Hands, Reports, Seen};
use super::rival;
use super::runner::Runner;
use super::steering::{Freeze, LAST_MAX, Order, OrderError};
use crate::events::{Kind, Report};
use crate::scale::scalers::Scalers;
use crate::shared::{Shared, lock};

/// From one look at a rollout to the next.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Until when people want no steps. No record is called so: records end in `.json`.
const FREEZE: &str = "freeze";
/// What one process at a time holds: the rollouts of this state directory.
const CLAIM: &str = "lock";

/// Where whoever asked for something is answered.
pub(crate) type Reply = oneshot::Sender<Result<(), OrderError>>;

/// All rollouts.
pub(crate) struct Releases {
    shared: Arc<Shared>,
    runners: BTreeMap<RolloutName, Runner>,
    /// What is asked of pools.
    asks: Vec<Ask>,
    freeze: Freeze,
    state: Option<State>,
    reports: mpsc::UnboundedSender<(RolloutName, Seen)>,
    /// When to look next.
    due: Instant,
}

/// Where things are kept.
struct State {
    directory: StateDirectory,
    _claim: Claim,
}

impl Releases {
    /// No rollouts, and where what their hands see arrives.
    pub(crate) fn new(shared: Arc<Shared>) -> (Self, mpsc::UnboundedReceiver<(RolloutName, Seen)>) {
        let (reports, seen) = mpsc::unbounded_channel();
        let releases = Self {
            shared,
            runners: BTreeMap::new(),
            asks: Vec::new(),
            freeze: Freeze::default(),
            state: None,
            reports,
            due: Instant::ZERO,
        };
        (releases, seen)
    }

    /// Makes sure that what `config` asks for can be kept.
    ///
    /// # Errors
    /// A sentence, when there is no place for state or another process has it.
    pub(crate) fn prepare(&mut self, config: &Config) -> Result<(), String> {
        let needed = !config.rollouts.is_empty() || facts::are_kept(config);
        if !needed || self.state.is_some() {
            return Ok(());
        }
        let opened = StateDirectory::open(config.runtime.state.as_deref());
        let directory = opened.and_then(|state| state.within(DIRECTORY));
        let directory = directory.map_err(|e| format!("a rollout needs a state directory: {e}"))?;
        let claim = directory.claim(CLAIM).map_err(|e| format!("state directory: {e}"))?;
        let taken = || "another balancer runs the rollouts of this state directory".to_owned();
        let state = State { _claim: claim.ok_or_else(taken)?, directory };
        let frozen = state.directory.read(FREEZE).ok().flatten();
        self.freeze = frozen.and_then(|text| Freeze::parse(&text)).unwrap_or_default();
        self.state = Some(state);
        Ok(())
    }

    /// Follows a configuration that is about to serve, which contradicts no fact, or is to be
    /// taken at its word all the same.
    pub(crate) fn settle(&mut self, config: &Config, word: Word) {
        let moment = moment();
        for definition in &config.rollouts {
            self.settle_one(definition, word, moment);
            if let Some(runner) = self.runners.get_mut(&definition.name)
                && !rival::leads(config, definition)
            {
                runner.close(moment);
            }
        }
        let is_defined = |name: &RolloutName| config.rollouts.iter().any(|one| one.name == *name);
        let gone = self.runners.extract_if(.., |name, _| !is_defined(name));
        let gone: Vec<_> = gone.map(|(name, runner)| (name, runner.phase())).collect();
        for (name, phase) in gone {
            self.forget(&name, phase);
        }
        for fact in facts::read(config).into_iter().flatten() {
            if !is_defined(&fact.name) {
                let phase = fact.record.as_ref().map_or(Phase::Idle, |record| record.phase);
                self.forget(&fact.name, phase);
            }
        }
        self.show(moment);
    }

    fn settle_one(&mut self, definition: &Rollout, word: Word, moment: Moment) {
        let Some(state) = &self.state else { return };
        let Some(runner) = self.runners.get_mut(&definition.name) else {
            let record = match facts::read_one(&state.directory, &definition.name) {
                Ok(record) => record,
                // Only a file that is taken at its word comes so far.
                Err(why) => {
                    self.shared.events.emit(dropped(&definition.name, why));
                    None
                }
            };
            let admitted = record.as_ref().map_or(Ok(()), |record| record.admits(definition));
            if let Err(contradiction) = admitted {
                self.shared.events.emit(dropped(&definition.name, contradiction.to_string()));
            }
            let rollout = definition.name.clone();
            let reports = Reports { rollout, seen: self.reports.clone() };
            let hands = Hands::new(state.directory.clone(), reports);
            let shared = Arc::clone(&self.shared);
            let runner = Runner::new(shared, definition, record, hands, moment);
            self.runners.insert(definition.name.clone(), runner);
            return;
        };
        if let Err(contradiction) = runner.update(definition, moment) {
            if word == Word::OfFacts {
                // It began after the file was held against the facts.
                tracing::warn!(rollout = %definition.name, %contradiction, "goes on as it began");
                return;
            }
            self.shared.events.emit(dropped(&definition.name, contradiction.to_string()));
            runner.accept(definition, moment);
        }
    }

    /// What a configuration defines no more is not kept: it says by itself what serves.
    fn forget(&self, name: &RolloutName, phase: Phase) {
        if !matches!(phase, Phase::Idle | Phase::Aborted) {
            let why = format!("the configuration defines it no more; it was {phase}");
            self.shared.events.emit(dropped(name, why));
        }
        let Some(state) = &self.state else { return };
        if let Err(error) = state.directory.remove(&hands::file(name)) {
            tracing::warn!(rollout = %name, %error, "its record cannot be removed");
        }
    }

    /// How users are divided, in the order of names.
    pub(crate) fn divisions(&self) -> Vec<Division> {
        self.runners.values().filter_map(Runner::division).collect()
    }

    /// When to call [`Releases::handle_timeout`].
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        let runners = self.runners.values().filter_map(Runner::poll_timeout);
        let looks = self.runners.values().any(Runner::is_under_way).then_some(self.due);
        runners.chain(looks).min()
    }

    /// Takes what some hands report.
    pub(crate) fn hear(&mut self, name: &RolloutName, seen: Seen) {
        if let Some(runner) = self.runners.get_mut(name) {
            runner.hear(seen, moment());
        }
    }

    /// Takes what the data plane tells of a copy.
    pub(crate) fn differed(&mut self, difference: Difference) {
        if let Some(runner) = self.runners.get_mut(&difference.rollout) {
            runner.differed(difference, moment());
        }
    }

    /// Does what is due; true when users are divided otherwise, and the snapshot is behind.
    pub(crate) fn handle_timeout(
        &mut self,
        snapshot: &Snapshot,
        scalers: &mut Scalers,
        now: Instant,
    ) -> bool {
        let moment = Moment { now, at: clock::unix_time() };
        let look = now >= self.due;
        if look {
            self.due = now + LOOK_EVERY;
        }
        let frozen = self.freeze.why(moment.at).map(Hold::Frozen);
        for runner in self.runners.values_mut() {
            if look && runner.is_under_way() {
                let mut survey = scalers.survey(runner.definition(), snapshot);
                survey.held.extend(frozen.clone());
                runner.look(survey, moment);
            } else {
                runner.handle_timeout(moment);
            }
        }
        let taken = self.runners.values_mut().map(|it| (it.take_changed(), it.take_news()));
        let (changed, news) = taken.fold((false, look), |(a, b), (c, d)| (a | c, b | d));
        if news {
            self.show(moment);
            self.ask_of(scalers);
        }
        changed
    }

    /// Tells the autoscalers what is asked of their pools, when that is something else.
    fn ask_of(&mut self, scalers: &mut Scalers) {
        let asks: Vec<Ask> = self.runners.values().filter_map(Runner::ask).collect();
        if self.asks != asks {
            self.asks.clone_from(&asks);
            scalers.release(asks);
        }
    }

    /// What was decided has taken effect: answers whoever asked for it, once it is on the disk.
    pub(crate) fn answer(&mut self) {
        self.runners.values_mut().for_each(Runner::answer);
    }

    /// Takes an order, and answers once it is kept.
    pub(crate) fn order(&mut self, order: Order, by: &str, reply: Reply) {
        let answer = match order {
            Order::Command(name, command) => return self.command(&name, command, by, reply),
            Order::Freeze { lasts } if lasts.is_zero() || lasts > LAST_MAX => {
                Err(OrderError::Lasts)
            }
            Order::Freeze { lasts } => {
                self.keep(Freeze::new(lasts, by, clock::unix_time()), &order, by)
            }
            Order::Thaw => self.keep(Freeze::default(), &order, by),
        };
        // Whoever asked may have gone meanwhile.
        let _ = reply.send(answer);
    }

    fn command(&mut self, name: &RolloutName, command: Command, by: &str, reply: Reply) {
        let may = match command {
            Command::Start => self.may_start(name),
            _ => Ok(()),
        };
        match (may, self.runners.get_mut(name)) {
            (Ok(()), Some(runner)) => runner.command(command, by, moment(), reply),
            (Ok(()), None) => drop(reply.send(Err(OrderError::NoRollout))),
            (Err(error), _) => drop(reply.send(Err(error))),
        }
        self.due = Instant::ZERO;
    }

    /// Whether no other rollout has its pools, and somebody would meet it.
    fn may_start(&self, name: &RolloutName) -> Result<(), OrderError> {
        let rollout = self.runners.get(name).ok_or(OrderError::NoRollout)?.definition();
        let config = &self.shared.snapshot.load().config;
        let mut others = self.runners.values().map(|one| (one.definition(), one.phase()));
        others.try_for_each(|other| rival::check(rollout, other, config))?;
        match rival::leads(config, rollout) {
            true => Ok(()),
            false => Err(OrderError::Nowhere(rollout.pool.clone())),
        }
    }

    fn keep(&mut self, freeze: Freeze, order: &Order, by: &str) -> Result<(), OrderError> {
        if let Some(state) = &self.state {
            let kept = state.directory.write(FREEZE, &freeze.print());
            kept.map_err(|error| OrderError::Kept(error.to_string()))?;
        }
        self.freeze = freeze;
        self.due = Instant::ZERO;
        let report = Report::node(Kind::Rollout, order.to_string(), format!("asked by {by}"));
        self.shared.events.emit(report);
        Ok(())
    }

    fn show(&self, moment: Moment) {
        let shown = self.runners.iter();
        let shown = shown.map(|(name, runner)| (name.clone(), Arc::new(runner.status(moment))));
        let shown: BTreeMap<_, _> = shown.collect();
        drop(mem::replace(&mut *lock(&self.shared.rollouts), shown));
    }
}

fn moment() -> Moment {
    Moment { now: clock::now(), at: clock::unix_time() }
}

/// A fact is one no more.
fn dropped(name: &RolloutName, why: String) -> Report {
    Report::node(Kind::Rollout, format!("rollout {name} is forgotten"), why)
}
