//! What is asked of the provider, how often, and what comes of it.

use super::back_off::BackOff;
use super::event::FleetEvent;
use super::id::InstanceId;
use super::instance::{Call, Instance, Reason, Stage};
use super::machine::Fleet;
use super::output::Output;
use super::provider::{Launched, ProviderFailure};
use crate::time::Instant;

impl Fleet {
    /// Asks for whatever may be asked for now.
    pub(super) fn call(&mut self, now: Instant) {
        if self.inventory.asked.is_none() && self.inventory.next <= now {
            self.inventory.asked = Some(now);
            self.acts.push(Output::List { within: self.settings.pace.list_within });
        }
        if self.inventory.seen {
            self.call_stops(now);
            self.call_starts(now);
        }
    }

    fn call_stops(&mut self, now: Instant) {
        let within = self.settings.pace.stop_within;
        for id in self.callable(Stage::Stopping, now) {
            if let Some(instance) = self.instances.get_mut(&id) {
                instance.call = Call::Out(now);
                self.acts.push(Output::Stop { id, within });
            }
        }
    }

    fn call_starts(&mut self, now: Instant) {
        if now < self.launches_from() {
            return;
        }
        let (within, template) = (self.settings.pace.start_within, self.settings.template);
        let room = self.launches_room() as usize;
        for id in self.callable(Stage::Requested, now).into_iter().take(room) {
            let Some(instance) = self.instances.get_mut(&id) else { continue };
            instance.call = Call::Out(now);
            instance.launched = Some(now);
            // One that may exist already began nobody knows when, from what it began from.
            instance.asked = (!instance.uncertain).then_some(now);
            if !instance.uncertain || instance.template.is_none() {
                instance.template = Some(template);
            }
            self.tally.launches += 1;
            self.acts.push(Output::Start { id, within });
        }
    }

    /// Those at a stage whose call is due, oldest first, as many as may be out at once.
    fn callable(&self, stage: Stage, now: Instant) -> Vec<InstanceId> {
        let out = self.number_of(|one| one.stage == stage && one.call != Call::Idle);
        let mut due =
            self.all(|one| one.stage == stage && one.call == Call::Idle && one.due <= now);
        due.sort_by_key(|id| self.instances.get(id).map(|one| one.number));
        due.truncate(self.settings.pace.calls_max.saturating_sub(out) as usize);
        due
    }

    /// From when on launches may be asked for.
    pub(super) fn launches_from(&self) -> Instant {
        self.refusals.until().max(self.losses.until()).max(self.record_from)
    }

    /// How many more launches may be under way.
    fn launches_room(&self) -> u32 {
        let most = self.settings.pace.calls_max;
        let room = |back_off: &BackOff, is_on_trial: fn(&Instance) -> bool| {
            let Some(since) = back_off.on_trial_since() else { return most };
            let begun = |one: &Instance| one.launched.is_some_and(|launched| launched > since);
            let on_trial = self.number_of(|one| begun(one) && is_on_trial(one));
            back_off.width(most).saturating_sub(on_trial)
        };
        // Whether the provider starts anything shows at once; whether it lives, later.
        let refusals = room(&self.refusals, |one| matches!(one.call, Call::Out(_)));
        refusals.min(room(&self.losses, Instance::is_on_trial))
    }

    /// What came of a launch.
    pub(super) fn started(
        &mut self,
        id: &InstanceId,
        result: Result<Launched, ProviderFailure>,
        now: Instant,
    ) {
        let Some(instance) = self.instances.get_mut(id) else { return };
        let (Stage::Requested, Call::Out(asked)) = (instance.stage, instance.call) else { return };
        instance.call = Call::Idle;
        let failure = match result {
            Ok(launched) => {
                self.refusals.clear(asked);
                self.appear(id, launched.address, Reason::Done, now);
                if launched.address.is_none() {
                    let soon = now + self.settings.pace.list_every_changing;
                    self.inventory.next = self.inventory.next.min(soon);
                }
                return;
            }
            Err(failure) => failure,
        };
        instance.uncertain |= failure.is_uncertain();
        instance.failures += 1;
        let reason = Reason::Failed(failure.clone());
        let is_news = instance.reason != reason;
        instance.reason = reason;
        self.tally.launches_failed += 1;
        self.refusals.strike(asked, &self.settings.pace, &mut self.rng, now);
        if is_news {
            self.tell(FleetEvent::LaunchFailed { id: id.clone(), failure });
        }
    }

    /// What came of a stop. One that failed is tried again, for ever: nothing is left behind.
    pub(super) fn stopped(
        &mut self,
        id: &InstanceId,
        result: Result<(), ProviderFailure>,
        now: Instant,
    ) {
        let Some(instance) = self.instances.get_mut(id) else { return };
        let (Stage::Stopping, Call::Out(_)) = (instance.stage, instance.call) else { return };
        let Err(failure) = result else {
            let reason = instance.reason.clone();
            self.bury(id, reason, now);
            return;
        };
        let pace = &self.settings.pace;
        let doubled = pace.back_off_first.saturating_mul(1 << instance.failures.min(20));
        instance.call = Call::Idle;
        instance.due = now + doubled.min(pace.back_off_max);
        instance.failures += 1;
        if instance.failures == 1 {
            self.tell(FleetEvent::StopFailed { id: id.clone(), failure });
        }
    }
}
