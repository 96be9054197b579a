//! Who comes and who goes: what time ends, who is replaced, and how the aim is met.

use std::cmp::Reverse;

use super::event::FleetEvent;
use super::id::InstanceId;
use super::input::Aim;
use super::instance::{Call, Instance, Reason, Stage, Standing};
use super::machine::Fleet;
use super::settings::at_a_time;
use crate::time::Instant;

impl Fleet {
    /// Ends the stages whose time is over.
    pub(super) fn expire(&mut self, now: Instant) {
        for id in self.all(|one| one.due <= now) {
            let Some(instance) = self.instances.get_mut(&id) else { continue };
            let after = instance.due.since(instance.since);
            match instance.stage {
                Stage::Starting => self.expire_start(&id, Reason::Overdue(after), now),
                Stage::Checked => self.warmed(&id, now),
                Stage::Warming => {
                    self.advance(&id, Stage::Serving, Reason::Grown, Instant::NEVER, now);
                }
                Stage::Draining => self.expire_drain(&id, Reason::Overdue(after), now),
                // These wait for their call.
                Stage::Requested | Stage::Stopping => {}
                Stage::Warm | Stage::Serving => {}
            }
        }
        self.prove(now);
    }

    /// A launch that does not answer is given up. One that may have answered once counts as
    /// unhealthy, under the rules by which those are replaced.
    fn expire_start(&mut self, id: &InstanceId, reason: Reason, now: Instant) {
        let Some(instance) = self.instances.get_mut(id) else { return };
        if instance.was_ready {
            instance.due = Instant::NEVER;
            instance.unwell_since.get_or_insert(now);
            return;
        }
        self.tally.launches_failed += 1;
        if let Some(launched) = instance.launched {
            self.losses.strike(launched, &self.settings.pace, &mut self.rng, now);
        }
        self.stop(id, reason, now);
    }

    /// Launches that have lived long enough went well.
    fn prove(&mut self, now: Instant) {
        let proof = self.settings.pace.proof;
        for instance in self.instances.values_mut().filter(|one| !one.proven) {
            if instance.healthy_since.is_some_and(|since| since + proof <= now) {
                instance.proven = true;
                if let Some(launched) = instance.launched {
                    self.losses.clear(launched);
                }
            }
        }
    }

    /// Chooses who has been unhealthy for too long, the longest first, a few at a time, and none
    /// while so many are that the fault is likely elsewhere.
    pub(super) fn condemn(&mut self, now: Instant) {
        for id in self.all(|one| {
            one.standing == Standing::Departing
                && matches!(one.stage, Stage::Starting | Stage::Checked | Stage::Warm)
        }) {
            self.stop(&id, Reason::Departed, now);
        }
        let replace_after = self.settings.replace_after;
        let deserves = |one: &Instance| {
            one.is_member()
                && one.is_sound()
                && one.unwell_since.is_some_and(|since| since + replace_after <= now)
        };
        let mut unwell = self.all(deserves);
        if unwell.is_empty() {
            self.is_left_alone = false;
            return;
        }
        let (unhealthy, members) = self.unhealthy();
        if unhealthy > 1 && u64::from(unhealthy) * 10 > u64::from(members) * 3 {
            if !std::mem::replace(&mut self.is_left_alone, true) {
                self.tell(FleetEvent::LeftAlone { unhealthy, members });
            }
            return;
        }
        self.is_left_alone = false;
        let under_way = self.number_of(|one| one.is_member() && !one.is_sound());
        let room = at_a_time(members).saturating_sub(under_way) as usize;
        unwell.sort_by_key(|id| self.instances.get(id).and_then(|one| one.unwell_since));
        for id in unwell.into_iter().take(room) {
            self.replace(&id, now);
        }
    }

    /// The unhealthy members of the pool, and all of them.
    fn unhealthy(&self) -> (u32, u32) {
        let unhealthy = self.number_of(|one| one.is_member() && one.unwell_since.is_some());
        let members = self.number_of(Instance::is_member);
        (unhealthy + self.listed.unhealthy, members + self.listed.members)
    }

    /// One in rotation stays until another has taken its place; the others have none to keep.
    fn replace(&mut self, id: &InstanceId, now: Instant) {
        let Some(instance) = self.instances.get_mut(id) else { return };
        instance.standing = Standing::Condemned;
        let is_in_rotation = instance.stage.is_in_rotation();
        self.tally.replacements += 1;
        self.tell(FleetEvent::Replacing(id.clone()));
        if !is_in_rotation {
            self.stop(id, Reason::Replaced, now);
        }
    }

    /// Brings what is there towards the aim.
    pub(super) fn balance(&mut self, now: Instant) {
        let Some(aim) = self.aim else { return };
        let aim = self.bounded(aim);
        let serving = self.number_of(Instance::serves);
        let short = aim.instances.saturating_sub(serving);
        let short = self.fill(short, now);
        if !self.inventory.seen {
            return;
        }
        if short == 0 {
            self.retire(now);
        }
        self.drain_surplus(serving.saturating_sub(aim.instances), now);
        let (reserve, wanted) = (self.number_of(Instance::is_reserve), short + aim.warm);
        self.request(wanted.saturating_sub(reserve), now);
        self.cancel(reserve.saturating_sub(wanted), now);
    }

    fn bounded(&self, aim: Aim) -> Aim {
        let instances = aim.instances.min(self.settings.instances_max);
        Aim { instances, warm: aim.warm.min(self.settings.instances_max - instances) }
    }

    /// Puts those who are ready into rotation: who was about to leave, last first, then who is
    /// kept warm. Returns how many are still missing.
    fn fill(&mut self, short: u32, now: Instant) -> u32 {
        let ready =
            |stage| move |one: &Instance| one.stage == stage && one.is_sound() && one.is_healthy();
        let mut chosen = self.all(ready(Stage::Draining));
        chosen.sort_by_key(|id| self.instances.get(id).map(|one| Reverse((one.since, one.number))));
        let mut warm = self.all(ready(Stage::Warm));
        warm.sort_by_key(|id| self.instances.get(id).map(|one| one.number));
        chosen.append(&mut warm);
        chosen.truncate(short as usize);
        chosen.iter().for_each(|id| self.enter(id, now));
        short - chosen.len() as u32
    }

    /// Lets go of those in rotation whose place is taken.
    fn retire(&mut self, now: Instant) {
        for id in self.all(|one| one.stage.is_in_rotation() && !one.is_sound()) {
            self.drain(&id, Reason::Replaced, now);
        }
    }

    /// Takes so many out of rotation: the unhealthy, the outdated, who has the fewest sessions, who
    /// has the least to do, and the youngest first.
    fn drain_surplus(&mut self, surplus: u32, now: Instant) {
        if surplus == 0 {
            return;
        }
        let mut serving = self.all(Instance::serves);
        serving.sort_by_key(|id| {
            let key = |one: &Instance| {
                (!one.is_unwell(), !self.is_outdated(one), one.work, Reverse(one.number))
            };
            self.instances.get(id).map(key)
        });
        serving.truncate(surplus as usize);
        serving.iter().for_each(|id| self.drain(id, Reason::Surplus, now));
    }

    /// Names so many new instances, as far as there is room.
    fn request(&mut self, wanted: u32, now: Instant) {
        let most = self.settings.live_max().min(Self::TRACKED_MAX);
        let room = most.saturating_sub(self.instances.len());
        let is_bounded = wanted as usize > room;
        if is_bounded && !std::mem::replace(&mut self.is_bounded, is_bounded) {
            self.tally.launches_bounded += 1;
        }
        self.is_bounded = is_bounded;
        for _ in 0..room.min(wanted as usize) {
            let id = InstanceId::new(&self.settings.pool, self.rng.draw());
            if self.instances.contains_key(&id) {
                continue;
            }
            let instance = Instance::new(self.next_number(), Reason::Wanted, now);
            self.instances.insert(id.clone(), instance);
            self.advance(&id, Stage::Requested, Reason::Wanted, now, now);
        }
    }

    /// Gives so many up that are not in rotation: those that are furthest from it first, the
    /// youngest of these before the others. One whose launch is out is given up when that returns.
    fn cancel(&mut self, surplus: u32, now: Instant) {
        if surplus == 0 {
            return;
        }
        let mut reserve = self.all(Instance::is_reserve);
        reserve.sort_by_key(|id| {
            self.instances.get(id).map(|one| (one.stage, one.is_healthy(), Reverse(one.number)))
        });
        reserve.truncate(surplus as usize);
        for id in reserve {
            let Some(instance) = self.instances.get(&id) else { continue };
            match (instance.stage, instance.call) {
                (Stage::Requested, Call::Out(_)) => {}
                (Stage::Requested, _) if !instance.uncertain => {
                    self.instances.remove(&id);
                    self.tell(FleetEvent::Gone { id, reason: Reason::Surplus });
                }
                _ => self.stop(&id, Reason::Surplus, now),
            }
        }
    }

    /// The names of those for whom it holds.
    pub(super) fn all(&self, holds: impl Fn(&Instance) -> bool) -> Vec<InstanceId> {
        let chosen = self.instances.iter().filter(|(_, instance)| holds(instance));
        chosen.map(|(id, _)| id.clone()).collect()
    }

    pub(super) fn number_of(&self, holds: impl Fn(&Instance) -> bool) -> u32 {
        let number = self.instances.values().filter(|instance| holds(instance)).count();
        u32::try_from(number).unwrap_or(u32::MAX)
    }
}
