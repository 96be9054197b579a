//! One step in the life of one instance.

use std::net::SocketAddr;
use std::num::NonZeroU32;

use super::event::FleetEvent;
use super::id::InstanceId;
use super::instance::{Call, Reason, Stage, Standing, Work};
use super::machine::Fleet;
use super::output::{Entry, Output};
use super::settings::WarmUp;
use crate::model::server::Availability;
use crate::model::session::OnScaleIn;
use crate::time::{Duration, Instant};

impl Fleet {
    /// How many confirmed stops are remembered.
    pub(super) const BURIED_MAX: usize = 1024;

    /// How long an instance may take to answer its checks: three times what launches take, as
    /// measured, or as configured until then.
    pub(super) fn answer(&self) -> Duration {
        let startup = self.startup.high().unwrap_or(self.settings.startup);
        startup.saturating_mul(3).max(self.settings.pace.answer_min)
    }

    /// Moves an instance on to a stage that ends at `due`.
    pub(super) fn advance(
        &mut self,
        id: &InstanceId,
        stage: Stage,
        reason: Reason,
        due: Instant,
        now: Instant,
    ) {
        let Some(instance) = self.instances.get_mut(id) else { return };
        instance.stage = stage;
        instance.since = now;
        instance.reason = reason.clone();
        instance.due = due;
        instance.call = Call::Idle;
        instance.failures = 0;
        instance.missing = 0;
        self.tell(FleetEvent::Became { id: id.clone(), stage, reason });
    }

    /// The provider has it: its checks may begin.
    pub(super) fn appear(
        &mut self,
        id: &InstanceId,
        address: Option<SocketAddr>,
        reason: Reason,
        now: Instant,
    ) {
        self.advance(id, Stage::Starting, reason, now + self.answer(), now);
        self.meet(id, address);
    }

    /// Learns where an instance listens, unless that is known or another one listens there.
    pub(super) fn meet(&mut self, id: &InstanceId, address: Option<SocketAddr>) {
        let Some(address) = address.filter(|address| !self.is_taken(*address)) else { return };
        let Some(instance) = self.instances.get_mut(id) else { return };
        if instance.address.is_none() {
            instance.address = Some(address);
            self.acts.push(Output::Join { id: id.clone(), address });
        }
    }

    pub(super) fn is_taken(&self, address: SocketAddr) -> bool {
        self.instances.values().any(|one| one.address == Some(address))
    }

    /// Checks or traffic say how an instance is.
    pub(super) fn judge(&mut self, id: &InstanceId, availability: Availability, now: Instant) {
        let Some(instance) = self.instances.get_mut(id) else { return };
        if instance.address.is_none() {
            return;
        }
        instance.availability = availability;
        if instance.is_unwell() {
            instance.unwell_since.get_or_insert(now);
        }
        if !instance.is_healthy() {
            return;
        }
        instance.unwell_since = None;
        instance.healthy_since.get_or_insert(now);
        if instance.standing == Standing::Condemned && instance.stage < Stage::Draining {
            instance.standing = Standing::Sound;
        }
        if instance.stage == Stage::Starting {
            let asked = instance.asked.take();
            self.startup_took(asked.map(|asked| now.since(asked)));
            self.checked(id, now);
        }
    }

    fn startup_took(&mut self, took: Option<Duration>) {
        if let Some(took) = took {
            self.startup.push(took);
        }
    }

    /// Its checks have passed.
    fn checked(&mut self, id: &InstanceId, now: Instant) {
        let has_served = self.instances.get(id).is_some_and(|instance| instance.has_served);
        if has_served || self.settings.warm_up == WarmUp::None {
            self.advance(id, Stage::Warm, Reason::Healthy, Instant::NEVER, now);
            return;
        }
        let due = now + self.settings.pace.warm_up_within;
        self.advance(id, Stage::Checked, Reason::Healthy, due, now);
        self.acts.push(Output::Warm { id: id.clone() });
    }

    /// Its warm-up is over. How it went is no matter: its checks pass.
    pub(super) fn warmed(&mut self, id: &InstanceId, now: Instant) {
        if self.instances.get(id).is_some_and(|instance| instance.stage == Stage::Checked) {
            self.advance(id, Stage::Warm, Reason::Done, Instant::NEVER, now);
        }
    }

    /// Puts an instance into rotation, for the first time or again.
    pub(super) fn enter(&mut self, id: &InstanceId, now: Instant) {
        let Some(instance) = self.instances.get_mut(id) else { return };
        let entry = if instance.has_served { Entry::Full } else { Entry::Slow };
        instance.has_served = true;
        let (stage, due) = match entry {
            Entry::Slow if !self.settings.slow_start.is_zero() => {
                (Stage::Warming, now + self.settings.slow_start)
            }
            _ => (Stage::Serving, Instant::NEVER),
        };
        self.advance(id, stage, Reason::Needed, due, now);
        self.acts.push(Output::Enter { id: id.clone(), entry });
    }

    /// Has an instance that is in rotation finish its work.
    pub(super) fn drain(&mut self, id: &InstanceId, reason: Reason, now: Instant) {
        let lasts = self.settings.drains_for();
        self.advance(id, Stage::Draining, reason, now + lasts, now);
        self.acts.push(Output::Drain { id: id.clone() });
        if let Some(sessions) = self.sessions_of(id) {
            let id = id.clone();
            self.tell(match self.settings.on_scale_in {
                OnScaleIn::Move => FleetEvent::SessionsMove { id, sessions },
                OnScaleIn::Wait(_) => FleetEvent::SessionsLeft { id, sessions, lasts },
            });
        }
    }

    /// The sessions that an instance has, unless it has none.
    fn sessions_of(&self, id: &InstanceId) -> Option<NonZeroU32> {
        self.instances.get(id).and_then(|instance| NonZeroU32::new(instance.work.sessions))
    }

    /// The time of a drain is over: what is not done by now is not waited for.
    pub(super) fn expire_drain(&mut self, id: &InstanceId, reason: Reason, now: Instant) {
        let sessions =
            self.sessions_of(id).filter(|_| self.settings.on_scale_in != OnScaleIn::Move);
        if let Some(sessions) = sessions {
            self.tell(FleetEvent::SessionsCut { id: id.clone(), sessions });
        }
        self.stop(id, reason, now);
    }

    /// An instance has this much to do. One that drains is done when it has nothing that it waits
    /// for.
    pub(super) fn loaded(&mut self, id: &InstanceId, work: Work, now: Instant) {
        let Some(instance) = self.instances.get_mut(id) else { return };
        instance.work = work;
        let stays = match self.settings.on_scale_in {
            OnScaleIn::Move => 0,
            OnScaleIn::Wait(_) => work.sessions,
        };
        if instance.stage == Stage::Draining && work.in_flight == 0 && stays == 0 {
            self.stop(id, Reason::Idle, now);
        }
    }

    /// Ends an instance that may run.
    pub(super) fn stop(&mut self, id: &InstanceId, reason: Reason, now: Instant) {
        self.leave(id);
        self.advance(id, Stage::Stopping, reason, now, now);
    }

    fn leave(&mut self, id: &InstanceId) {
        let Some(instance) = self.instances.get_mut(id) else { return };
        if instance.address.take().is_some() {
            instance.availability = Availability::Starting;
            instance.unwell_since = None;
            self.acts.push(Output::Leave { id: id.clone() });
        }
    }

    /// Its process has ended. While a launch is out its result comes first, and the inventory will
    /// tell.
    pub(super) fn exited(&mut self, id: &InstanceId, now: Instant) {
        if self.instances.get(id).is_some_and(|instance| instance.stage != Stage::Requested) {
            self.mourn(id, now);
            self.bury(id, Reason::Exited, now);
        }
    }

    /// Counts an end that nobody asked for; an early one slows launches down.
    pub(super) fn mourn(&mut self, id: &InstanceId, now: Instant) {
        let Some(instance) = self.instances.get(id) else { return };
        if instance.stage >= Stage::Draining {
            return;
        }
        self.tally.deaths += 1;
        if let Some(launched) = instance.launched.filter(|_| !instance.proven) {
            self.losses.strike(launched, &self.settings.pace, &mut self.rng, now);
        }
    }

    /// Moves an instance to where it listens now.
    pub(super) fn relocate(&mut self, id: &InstanceId, address: SocketAddr) {
        self.leave(id);
        self.meet(id, Some(address));
    }

    /// Forgets an instance that is certainly no more, but for its name.
    pub(super) fn bury(&mut self, id: &InstanceId, reason: Reason, now: Instant) {
        self.leave(id);
        self.instances.remove(id);
        if self.buried.len() == Self::BURIED_MAX {
            self.buried.pop_front();
        }
        self.buried.push_back((id.clone(), now));
        self.tell(FleetEvent::Gone { id: id.clone(), reason });
    }
}
