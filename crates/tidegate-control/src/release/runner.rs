//! One rollout: what is seen goes to its machine, and what the machine wants done to those who do
//! it.
//!
//! It is driven by the loop of the control plane and never waits.

use std::sync::Arc;

use tidegate_core::model::rollout::Rollout;
use tidegate_core::model::server::Rotation;
use tidegate_core::release::division::Division;
use tidegate_core::rollout::command::Command;
use tidegate_core::rollout::event::RolloutEvent;
use tidegate_core::rollout::input::{Input, Look};
use tidegate_core::rollout::machine::Machine;
use tidegate_core::rollout::moment::Moment;
use tidegate_core::rollout::output::Output;
use tidegate_core::rollout::phase::Phase;
use tidegate_core::rollout::pledge::Pledges;
use tidegate_core::rollout::record::Record;
use tidegate_core::rollout::terms::Contradiction;
use tidegate_core::rollout::verdict::Verdict;
use tidegate_core::scale::release::{Ask, Keeps};
use tidegate_core::signal::Difference;
use tidegate_core::time::Instant;
use tidegate_net::entropy;
use tokio::sync::oneshot;

use super::hands::{Candidate, Hands, Seen};
use super::judge::Bench;
use super::mirror::Copies;
use super::status::{RolloutStatus, VerdictCounts, VersionStatus};
use super::steering::OrderError;
use crate::events::Report;
use crate::observe::probe::crew::Way;
use crate::scale::releases::Survey;
use crate::shared::Shared;

/// One rollout.
pub(super) struct Runner {
    shared: Arc<Shared>,
    definition: Rollout,
    machine: Machine,
    hands: Hands,
    /// `None`: nothing is watched.
    bench: Option<Bench>,
    /// The last word of the judge, in a sentence.
    said: Option<String>,
    counts: VerdictCounts,
    copies: Copies,
    /// Whoever gave a command that is not on the disk yet.
    waiting: Vec<oneshot::Sender<Result<(), OrderError>>>,
    /// Whether users are divided otherwise since the last snapshot.
    changed: bool,
    /// Whether anything happened since people were shown it last.
    news: bool,
}

impl Runner {
    pub(super) fn new(
        shared: Arc<Shared>,
        definition: &Rollout,
        record: Option<Record>,
        hands: Hands,
        moment: Moment,
    ) -> Self {
        let machine = Machine::new(definition.clone(), record, entropy::word(), moment);
        let analysis = definition.analysis.as_ref();
        let bench = analysis.map(|it| Bench::new(it, machine.evidence(), machine.share()));
        let mut runner = Self {
            shared,
            definition: definition.clone(),
            machine,
            hands,
            bench,
            said: None,
            counts: VerdictCounts::default(),
            copies: Copies::default(),
            waiting: Vec::new(),
            changed: false,
            news: false,
        };
        runner.inquire();
        runner.perform();
        runner
    }

    /// Follows a reload.
    pub(super) fn update(
        &mut self,
        definition: &Rollout,
        moment: Moment,
    ) -> Result<(), Contradiction> {
        self.machine.update(definition, moment)?;
        self.follow(definition);
        Ok(())
    }

    /// Follows a reload that was to be followed whatever has happened.
    pub(super) fn accept(&mut self, definition: &Rollout, moment: Moment) {
        self.machine.accept(definition, moment);
        self.follow(definition);
    }

    /// Routes say by themselves what it has done, if it has finished.
    pub(super) fn close(&mut self, moment: Moment) {
        self.machine.close(moment);
        self.perform();
    }

    fn follow(&mut self, definition: &Rollout) {
        if self.definition != *definition {
            self.definition = definition.clone();
            match (&definition.analysis, &mut self.bench) {
                (Some(analysis), Some(bench)) => bench.follow(analysis),
                (Some(analysis), none) => {
                    *none = Some(Bench::new(analysis, None, self.machine.share()));
                }
                (None, bench) => *bench = None,
            }
            self.inquire();
        }
        self.perform();
    }

    /// Asks for the measures of a run while it is judged.
    fn inquire(&mut self) {
        let measures = self.definition.analysis.as_ref().map(|analysis| analysis.custom.as_slice());
        match measures {
            Some(measures) if self.machine.phase().is_open() => {
                let pools = [self.definition.pool.clone(), self.definition.candidate.clone()];
                self.hands.ask(measures, &pools);
            }
            _ => self.hands.hush(),
        }
    }

    /// How users are divided; `None`: all are stable's.
    pub(super) fn division(&self) -> Option<Division> {
        self.machine.division()
    }

    /// Whether that changed since this was asked last.
    pub(super) fn take_changed(&mut self) -> bool {
        std::mem::take(&mut self.changed)
    }

    /// Whether anything happened since this was asked last.
    pub(super) fn take_news(&mut self) -> bool {
        std::mem::take(&mut self.news)
    }

    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.machine.poll_timeout()
    }

    /// How far it is.
    pub(super) const fn phase(&self) -> Phase {
        self.machine.phase()
    }

    pub(super) const fn is_under_way(&self) -> bool {
        self.machine.phase().is_under_way()
    }

    /// What the configuration says of it.
    pub(super) const fn definition(&self) -> &Rollout {
        &self.definition
    }

    /// Takes what the hands report.
    pub(super) fn hear(&mut self, seen: Seen, moment: Moment) {
        match seen {
            Seen::Input(input) => {
                self.news = true;
                self.machine.handle(input, moment);
            }
            Seen::Measured { place, numbers } => {
                if let Some(bench) = &mut self.bench {
                    bench.take(place, numbers, moment.now);
                }
            }
        }
        self.perform();
    }

    /// Takes what the data plane tells of a copy. People are shown it at the next look, if there is
    /// one.
    pub(super) fn differed(&mut self, difference: Difference, moment: Moment) {
        self.copies.keep(difference, moment.at);
        self.news |= !self.is_under_way();
    }

    /// Does what is due.
    pub(super) fn handle_timeout(&mut self, moment: Moment) {
        self.machine.handle_timeout(moment);
        self.perform();
    }

    /// Shows the machine how things are.
    pub(super) fn look(&mut self, Survey { capacity, held }: Survey, moment: Moment) {
        let verdict = self.judge(moment);
        self.machine.handle(Input::Look(Look { verdict, capacity, held }), moment);
        self.perform();
    }

    /// What the judge says now.
    fn judge(&mut self, moment: Moment) -> Option<Verdict> {
        let totals = self.shared.registry.versions(&self.definition.name);
        let bench = self.bench.as_mut()?;
        let (verdict, said) = bench.look(totals, moment.now)?;
        self.counts.count(&verdict);
        self.said = Some(said);
        if let Some(evidence) = bench.record() {
            self.machine.handle(Input::Evidence(evidence), moment);
        }
        Some(verdict)
    }

    /// What it asks of its two pools; `None`: nobody has started it.
    pub(super) fn ask(&self) -> Option<Ask> {
        let Pledges { stable, candidate, total_max } = self.machine.pledges()?;
        Some(Ask {
            rollout: self.definition.name.clone(),
            stable: stable.pool,
            candidate: candidate.pool,
            share: self.machine.share(),
            next: candidate.demand,
            keeps: if stable.demand > 0.0 { Keeps::All } else { Keeps::Servers(stable.servers) },
            max_total: total_max,
        })
    }

    /// Does what somebody asks for, who is answered when it is on the disk.
    pub(super) fn command(
        &mut self,
        command: Command,
        by: &str,
        moment: Moment,
        reply: oneshot::Sender<Result<(), OrderError>>,
    ) {
        match self.machine.command(command, by, moment) {
            Ok(()) => self.waiting.push(reply),
            // Whoever asked may have gone meanwhile.
            Err(error) => drop(reply.send(Err(OrderError::Refused(error)))),
        }
        self.perform();
    }

    /// What people see.
    pub(super) fn status(&self, moment: Moment) -> RolloutStatus {
        let (registry, name) = (&self.shared.registry, &self.definition.name);
        let mirror = self.definition.mirror.as_ref();
        RolloutStatus {
            view: self.machine.view(moment),
            versions: VersionStatus::both(&registry.versions(name)),
            mirror: mirror.map(|_| self.copies.status(&registry.mirror(name))),
            verdicts: self.counts,
            evidence: self.bench.as_ref().map(Bench::evidence).unwrap_or_default().to_vec(),
        }
    }

    fn perform(&mut self) {
        let (run, name) = (self.machine.run(), &self.definition.name);
        self.copies.turn_to(run, || self.shared.registry.mirror(name));
        while let Some(output) = self.machine.poll_output() {
            self.news = true;
            match output {
                Output::Publish => {
                    self.changed = true;
                    if let Some(bench) = &mut self.bench {
                        bench.turn_to(self.machine.share());
                    }
                }
                Output::Record(record) => self.hands.record(&record),
                Output::Smoke { run } => self.smoke(run),
                Output::Rejudge => {
                    self.said = None;
                    if let Some(bench) = &mut self.bench {
                        bench.begin_anew();
                    }
                }
                Output::Told(event) => self.tell(&event),
            }
        }
    }

    /// Answers whoever waits for what was decided to be on the disk.
    pub(super) fn answer(&mut self) {
        if self.machine.is_recorded() {
            for reply in self.waiting.drain(..) {
                // Whoever asked may have gone meanwhile.
                let _ = reply.send(Ok(()));
            }
        }
    }

    fn fail_waiting(&mut self, why: &str) {
        for reply in self.waiting.drain(..) {
            // Whoever asked may have gone meanwhile.
            let _ = reply.send(Err(OrderError::Kept(why.to_owned())));
        }
    }

    fn tell(&mut self, event: &RolloutEvent) {
        if let RolloutEvent::Unrecorded { why } = event {
            self.fail_waiting(why);
        }
        let reason = self.said.clone().unwrap_or_else(|| format!("run {}", self.machine.run()));
        self.shared.events.emit(Report::rollout(&self.definition, event, reason));
        self.inquire();
    }

    /// Every server of the candidate, as traffic reaches it.
    fn smoke(&self, run: u32) {
        let Some(smoke) = &self.definition.smoke else { return };
        let snapshot = self.shared.snapshot.load();
        let Some(entry) = snapshot.pool(&self.definition.candidate) else { return };
        let contexts = &self.shared.accepted.load().tls.contexts;
        let client = contexts.pools.get(&entry.pool.name).cloned();
        let way = Way { send_proxy: entry.pool.send_proxy, client };
        let stays = entry.members.iter().filter(|one| one.state.rotation() != Rotation::Draining);
        let servers = stays.map(|member| Candidate {
            name: member.server.name.to_string(),
            address: member.server.address,
            way: way.clone(),
        });
        self.hands.smoke(run, smoke, servers.collect());
    }
}
