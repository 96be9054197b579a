//! What must hold of what users meet, whatever happens behind it.
//!
//! It sees what is published and what is on the disk, and keeps its own account of both.

use std::collections::BTreeSet;

use tidegate_core::model::rollout::{Share, Side};
use tidegate_core::release::division::Division;
use tidegate_core::release::user::User;
use tidegate_core::rollout::phase::Phase;
use tidegate_core::rollout::record::Record;

/// How many users are watched.
const USERS: u64 = 200;

/// What was seen so far.
#[derive(Debug, Default)]
pub(crate) struct Oracle {
    /// What users met last, also while nobody runs who could change it.
    division: Option<Division>,
    /// Salts of runs whose end is on the disk.
    ended: BTreeSet<u64>,
    /// The salt of a run that was ended and may not be on the disk yet.
    ending: Option<u64>,
    pub(crate) growths: u32,
    pub(crate) resumed: u32,
}

/// What is wrong.
pub(crate) type Objection = Result<(), &'static str>;

fn ensure(holds: bool, what: &'static str) -> Objection {
    if holds { Ok(()) } else { Err(what) }
}

fn share(division: Option<&Division>) -> Share {
    division.map_or(Share::NONE, |division| division.share)
}

impl Oracle {
    /// A division is published while this is on the disk.
    pub(crate) fn published(&mut self, new: Option<Division>, disk: Option<&Record>) -> Objection {
        let (before, after) = (share(self.division.as_ref()), share(new.as_ref()));
        if let Some(new) = &new {
            ensure(!self.ended.contains(&new.salt), "what was ended meets nobody")?;
            ensure(self.ending != Some(new.salt), "not even before that is on the disk")?;
            let recorded = disk.filter(|record| record.salt == new.salt);
            let recorded = recorded.map_or(Share::NONE, |record| record.phase.share());
            ensure(after <= before || recorded >= after, "what grows is on the disk")?;
        }
        if let (Some(new), Some(old)) = (&new, &self.division) {
            ensure(new.salt == old.salt, "no run follows another without all going back")?;
            ensure(after >= before, "a share grows, or is gone")?;
            let is_back = |user: &User| {
                old.side_of(*user) == Side::Candidate && new.side_of(*user) == Side::Stable
            };
            let returned = (0..USERS).map(User::from_bits).find(is_back);
            ensure(returned.is_none(), "nobody changes back")?;
        }
        if let (None, Some(old)) = (&new, &self.division) {
            self.ending = Some(old.salt);
        }
        self.growths += u32::from(after > before);
        self.division = new;
        Ok(())
    }

    /// Somebody took a finished run for granted and defined the next one.
    pub(crate) fn redefined(&mut self) {
        self.division = None;
        self.ending = None;
    }

    /// This came to be on the disk.
    pub(crate) fn written(&mut self, record: &Record) {
        if record.phase == Phase::Aborted {
            self.ended.insert(record.salt);
        }
        if self.ending == Some(record.salt) && record.phase == Phase::Aborted {
            self.ending = None;
        }
    }

    /// The balancer begins anew with this on the disk.
    pub(crate) fn restarted(&mut self, now: Option<&Division>, disk: Option<&Record>) -> Objection {
        let recorded = disk.map_or(Share::NONE, |record| record.phase.share());
        ensure(share(now) == recorded, "what is on the disk is what users meet again")?;
        let (Some(old), Some(record)) = (&self.division, disk) else {
            // The end of the run may not have come to the disk: it is judged once more.
            self.ending = None;
            self.division = now.cloned();
            return Ok(());
        };
        ensure(old.salt == record.salt, "the run is the same")?;
        let is_ended = self.ended.contains(&record.salt);
        ensure(is_ended || recorded >= old.share, "no step is lost")?;
        self.resumed += u32::from(!is_ended);
        self.division = now.cloned();
        Ok(())
    }
}
