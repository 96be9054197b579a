//! What is made of the provider's word.
//!
//! A list may fail, come late, lack what runs, name what is gone, or name things twice. What each
//! entry means for what we know is the table in [`decide`].

use std::collections::BTreeMap;

use super::event::FleetEvent;
use super::id::InstanceId;
use super::instance::{Call, Instance, Reason, Stage, Standing};
use super::machine::Fleet;
use super::provider::{Condition, Listed, ProviderFailure};
use crate::rng::scale;
use crate::time::{Duration, Instant};

/// What we know of an instance when a list arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Known {
    /// Nothing.
    Nothing,
    /// Its stop was confirmed, and the list may be older than that.
    BuriedLately,
    /// Its stop was confirmed before the list was asked for.
    Buried,
    /// Its launch is out.
    Asked,
    /// It is wanted, and may have been asked for.
    Requested,
    /// It was started, and its checks pass.
    Well,
    /// It was started, and its checks do not pass, or not yet.
    Doubtful,
    /// It is to be stopped.
    Stopping,
}

/// What the list says of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Found {
    Absent,
    Running,
    Stopping,
}

/// What that means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Finding {
    /// Nothing.
    Nothing,
    /// It runs and counts from now on.
    Adopt,
    /// It is there and has to be stopped.
    End,
    /// It is as we thought.
    Confirmed,
    /// Its provider takes it away.
    Departing,
    /// The list is wrong.
    Wrong,
    /// It may be gone, if further lists say so.
    Missing,
}

/// The whole of it.
const fn decide(known: Known, found: Found) -> Finding {
    match (known, found) {
        (Known::Nothing, Found::Running) => Finding::Adopt,
        // On its way out, but whose way is it: nobody would notice if it stayed.
        (Known::Nothing | Known::Requested, Found::Stopping) => Finding::End,
        (Known::Nothing | Known::Requested, Found::Absent) => Finding::Nothing,
        (Known::Requested, Found::Running) => Finding::Adopt,
        (Known::BuriedLately, _) => Finding::Nothing,
        (Known::Buried, Found::Running) => Finding::End,
        (Known::Buried, _) => Finding::Nothing,
        // The result of the launch says it better.
        (Known::Asked, _) => Finding::Nothing,
        (Known::Well, Found::Absent) => Finding::Wrong,
        (Known::Well | Known::Doubtful, Found::Running) => Finding::Confirmed,
        (Known::Well | Known::Doubtful, Found::Stopping) => Finding::Departing,
        (Known::Doubtful | Known::Stopping, Found::Absent) => Finding::Missing,
        (Known::Stopping, Found::Running | Found::Stopping) => Finding::Confirmed,
    }
}

impl Fleet {
    /// For how long after its stop a list may still name an instance.
    const LINGERS: Duration = Duration::from_secs(30);

    /// Takes the result of a List.
    pub(super) fn take_inventory(
        &mut self,
        result: Result<Vec<Listed>, ProviderFailure>,
        now: Instant,
    ) {
        let Some(asked) = self.inventory.asked.take() else { return };
        match result {
            Ok(list) => self.read(&list, asked, now),
            Err(failure) => {
                self.tally.inventories_failed += 1;
                self.inventory.failures.strike(asked, &self.settings.pace, &mut self.rng, now);
                self.inventory.next = self.inventory.failures.until();
                if !std::mem::replace(&mut self.inventory.is_failing, true) {
                    self.tell(FleetEvent::InventoryFailed(failure));
                }
            }
        }
    }

    fn read(&mut self, list: &[Listed], asked: Instant, now: Instant) {
        let mut listed = BTreeMap::new();
        for entry in list {
            listed.entry(&entry.id).or_insert(entry);
        }
        let absent = self.instances.keys().filter(|id| !listed.contains_key(id));
        for id in absent.cloned().collect::<Vec<_>>() {
            self.take_absence(&id, asked, now);
        }
        listed.into_values().for_each(|entry| self.take_entry(entry, asked, now));
        self.inventory.failures.clear(asked);
        if std::mem::take(&mut self.inventory.is_failing) {
            self.tell(FleetEvent::InventoryBack);
        }
        if !std::mem::replace(&mut self.inventory.seen, true) {
            self.wait_for_unanswered(now);
        }
        self.inventory.next = now + self.until_next();
    }

    /// A launch that was out when we ended may still be under way: it is asked for again when it
    /// would have been given up.
    fn wait_for_unanswered(&mut self, now: Instant) {
        let again = now + self.settings.pace.start_within;
        let unanswered = |one: &&mut Instance| one.stage == Stage::Requested;
        self.instances.values_mut().filter(unanswered).for_each(|one| one.due = again);
    }

    /// Sooner while somebody comes or goes; jittered, so that balancers do not ask in step.
    fn until_next(&mut self) -> Duration {
        let changing = self.instances.values().any(|one| match one.stage {
            Stage::Requested => one.uncertain,
            Stage::Stopping => one.failures > 0,
            Stage::Starting => one.address.is_none(),
            _ => false,
        });
        let pace = &self.settings.pace;
        let every = if changing { pace.list_every_changing } else { pace.list_every };
        let tenth = u64::try_from(every.as_nanos() / 10).unwrap_or(u64::MAX);
        every + Duration::from_nanos(scale(self.rng.draw(), tenth))
    }

    fn known(&self, id: &InstanceId, asked: Instant) -> Known {
        let Some(instance) = self.instances.get(id) else {
            let buried = self.buried.iter().find(|(buried, _)| buried == id);
            return match buried {
                None => Known::Nothing,
                Some((_, at)) if asked < *at + Self::LINGERS => Known::BuriedLately,
                Some(_) => Known::Buried,
            };
        };
        match (instance.stage, instance.call) {
            (Stage::Requested, Call::Out(_)) => Known::Asked,
            (Stage::Requested, Call::Idle) => Known::Requested,
            (Stage::Stopping, _) => Known::Stopping,
            _ if instance.is_healthy() => Known::Well,
            _ => Known::Doubtful,
        }
    }

    fn take_absence(&mut self, id: &InstanceId, asked: Instant, now: Instant) {
        match decide(self.known(id, asked), Found::Absent) {
            Finding::Wrong => self.doubt(id),
            Finding::Missing => self.miss(id, asked, now),
            // The table has nothing else for what is absent.
            _ => {}
        }
    }

    fn take_entry(&mut self, entry: &Listed, asked: Instant, now: Instant) {
        let found = match entry.condition {
            Condition::Running => Found::Running,
            Condition::Stopping => Found::Stopping,
        };
        match decide(self.known(&entry.id, asked), found) {
            Finding::Adopt => self.adopt(entry, now),
            Finding::End => self.end(&entry.id, now),
            Finding::Departing => self.depart(&entry.id),
            Finding::Confirmed => self.confirm(entry),
            Finding::Nothing | Finding::Wrong | Finding::Missing => {}
        }
    }

    fn adopt(&mut self, entry: &Listed, now: Instant) {
        let id = &entry.id;
        if !self.instances.contains_key(id) {
            if entry.address.is_some_and(|address| self.is_taken(address)) {
                self.tally.inventory_disagreements += 1;
                return;
            }
            if !self.insert(id, now) {
                return;
            }
            self.tell(FleetEvent::Adopted(id.clone()));
        }
        if let Some(instance) = self.instances.get_mut(id) {
            instance.template = entry.template.or(instance.template);
        }
        self.appear(id, entry.address, Reason::Found, now);
    }

    /// Its provider takes it away, in its own time.
    fn depart(&mut self, id: &InstanceId) {
        let Some(instance) = self.instances.get_mut(id) else { return };
        if std::mem::replace(&mut instance.standing, Standing::Departing) != Standing::Departing {
            self.tell(FleetEvent::Departing(id.clone()));
        }
    }

    /// Has stopped what should not be there.
    fn end(&mut self, id: &InstanceId, now: Instant) {
        self.buried.retain(|(buried, _)| buried != id);
        if self.instances.contains_key(id) || self.insert(id, now) {
            self.stop(id, Reason::Undead, now);
        }
    }

    /// Begins to count an instance that was found.
    fn insert(&mut self, id: &InstanceId, now: Instant) -> bool {
        if self.instances.len() >= Self::TRACKED_MAX {
            self.tally.overflows += 1;
            self.tell(FleetEvent::Overflow(id.clone()));
            return false;
        }
        let mut instance = Instance::new(self.next_number(), Reason::Found, now);
        instance.uncertain = true;
        instance.was_ready = true;
        // Before anybody has said how many there should be, what runs is taken to have served.
        instance.has_served = self.aim.is_none();
        self.instances.insert(id.clone(), instance);
        true
    }

    /// It is there; the list may say more of it than we know. That it moved is believed only of
    /// one whose checks do not pass where it was.
    fn confirm(&mut self, entry: &Listed) {
        let Some(instance) = self.instances.get_mut(&entry.id) else { return };
        instance.missing = 0;
        instance.template = entry.template.or(instance.template);
        if instance.stage == Stage::Stopping {
            return;
        }
        match (instance.address, entry.address) {
            (None, Some(_)) => self.meet(&entry.id, entry.address),
            (Some(old), Some(new)) if old != new => {
                let stays = instance.is_healthy() || instance.stage != Stage::Starting;
                if stays || self.is_taken(new) {
                    self.doubt(&entry.id);
                } else {
                    self.relocate(&entry.id, new);
                }
            }
            _ => instance.doubted = false,
        }
    }

    fn doubt(&mut self, id: &InstanceId) {
        let Some(instance) = self.instances.get_mut(id) else { return };
        self.tally.inventory_disagreements += 1;
        if !std::mem::replace(&mut instance.doubted, true) {
            self.tell(FleetEvent::Doubted(id.clone()));
        }
    }

    /// The list lacks an instance. That is believed when several do, over some time, and nothing
    /// speaks for it; it is stopped even so, as that costs nothing.
    fn miss(&mut self, id: &InstanceId, asked: Instant, now: Instant) {
        let pace = self.settings.pace;
        let Some(instance) = self.instances.get_mut(id) else { return };
        if asked < instance.since && instance.stage == Stage::Starting {
            return;
        }
        if instance.missing == 0 {
            instance.missing_since = now;
        }
        instance.missing = instance.missing.saturating_add(1);
        let lasting = instance.missing >= pace.missing_lists
            && now.since(instance.missing_since) >= pace.missing_for;
        let silent = instance.is_unwell() || instance.address.is_none();
        if !lasting || !silent {
            return;
        }
        if instance.stage == Stage::Stopping {
            // Its launch or its stop may be out; either result finds nobody then.
            self.bury(id, Reason::Missing, now);
        } else {
            self.mourn(id, now);
            self.stop(id, Reason::Missing, now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_list_means_for_what_we_know() {
        use Finding::{Adopt, Confirmed, Departing, End, Missing, Nothing, Wrong};
        let table = [
            //                       absent   running    stopping
            (Known::Nothing, [Nothing, Adopt, End]),
            (Known::BuriedLately, [Nothing, Nothing, Nothing]),
            (Known::Buried, [Nothing, End, Nothing]),
            (Known::Asked, [Nothing, Nothing, Nothing]),
            (Known::Requested, [Nothing, Adopt, End]),
            (Known::Well, [Wrong, Confirmed, Departing]),
            (Known::Doubtful, [Missing, Confirmed, Departing]),
            (Known::Stopping, [Missing, Confirmed, Confirmed]),
        ];
        for (known, findings) in table {
            let decided =
                [Found::Absent, Found::Running, Found::Stopping].map(|found| decide(known, found));
            assert_eq!(decided, findings, "{known:?}");
        }
    }
}
