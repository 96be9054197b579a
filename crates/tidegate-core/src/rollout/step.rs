//! Steps: which is next, what it waits for, and how long a phase lasts.

use super::capacity::Capacity;
use super::event::RolloutEvent;
use super::input::Hold;
use super::machine::Machine;
use super::moment::Moment;
use super::phase::Phase;
use super::verdict::Outcome;
use super::wait::Wait;
use crate::model::rollout::{Share, Strategy};
use crate::time::{Duration, Instant};

impl Machine {
    /// The share that comes next. Steps are looked up, not counted, so that a reload may change
    /// those to come; a person who promoted to a share goes there without those between.
    pub(super) fn target(&self) -> Share {
        let share = self.decided.phase.share();
        if self.decided.promoted > share {
            return self.decided.promoted;
        }
        self.following(share)
    }

    /// The first step beyond a share.
    pub(super) fn following(&self, share: Share) -> Share {
        let steps = self.definition.strategy.steps();
        steps.iter().copied().find(|step| *step > share).unwrap_or(Share::ALL)
    }

    /// How long the phase lasts at least.
    pub(super) const fn length(&self) -> Duration {
        match (self.decided.phase, &self.definition.strategy) {
            (Phase::Stepping(_), Strategy::Canary { hold, .. }) => *hold,
            (Phase::Baking, _) => self.definition.bake,
            (Phase::Keeping, _) => self.definition.keep_old,
            _ => Duration::ZERO,
        }
    }

    /// Everything that the way on waits for, what people can do something about first. The way on
    /// is free when there is nothing.
    pub(super) fn waits(&self, now: Instant) -> Vec<Wait> {
        match self.decided.phase {
            Phase::Idle | Phase::Done | Phase::Aborted => Vec::new(),
            Phase::Preparing => self.step_waits(now, &[Self::breach, Self::room, Self::smoke]),
            Phase::Stepping(_) => self.step_waits(now, &[Self::time, Self::judge, Self::room]),
            Phase::Baking => self.step_waits(now, &[Self::time, Self::judge]),
            Phase::Keeping => self.time(now).into_iter().collect(),
            Phase::Returning => self.way_back(now).into_iter().collect(),
        }
    }

    /// Goes on by one step if nothing stands in the way.
    pub(super) fn go_on(&mut self, moment: Moment) -> bool {
        let phase = self.decided.phase;
        if !phase.is_under_way() || !self.waits(moment.now).is_empty() {
            return false;
        }
        match phase {
            Phase::Baking => {
                let kept = self.definition.keep_size;
                self.enter(Phase::Keeping, moment);
                self.log(Self::OWN, format!("bake over, {kept} servers kept"), moment);
                self.tell(RolloutEvent::Kept(kept));
            }
            Phase::Keeping => {
                self.enter(Phase::Done, moment);
                self.log(Self::OWN, "finished".to_owned(), moment);
                self.tell(RolloutEvent::Finished);
            }
            Phase::Returning => {
                let why = self.decided.ended.clone().unwrap_or_default();
                self.end(why, Self::OWN, moment);
            }
            _ => self.step(moment),
        }
        true
    }

    fn step(&mut self, moment: Moment) {
        let share = self.target();
        let phase = if share == Share::ALL { Phase::Baking } else { Phase::Stepping(share) };
        self.enter(phase, moment);
        self.log(Self::OWN, format!("{} % of users", share.as_percent()), moment);
    }

    fn step_waits(&self, now: Instant, own: &[fn(&Self, Instant) -> Option<Wait>]) -> Vec<Wait> {
        let mut waits: Vec<Wait> = self.decided.paused.iter().map(|it| paused(&it.why)).collect();
        waits.extend(self.record_wait());
        waits.extend(self.seen(now).is_none().then_some(Wait::Look));
        waits.extend(self.held(now).cloned().map(Wait::Held));
        waits.extend(own.iter().filter_map(|wait| wait(self, now)));
        waits
    }

    /// A step is on the disk before the next one is taken.
    fn record_wait(&self) -> Option<Wait> {
        if let Some(why) = &self.disk.failure {
            return Some(Wait::Record(why.clone()));
        }
        let is_behind = self.disk.share(self.decided.run) < self.decided.phase.share();
        is_behind.then(|| Wait::Record("it is being written".to_owned()))
    }

    /// What stands in the way of any step; the ceiling only does where capacity is short.
    pub(super) fn held(&self, now: Instant) -> impl Iterator<Item = &Hold> {
        let held = self.seen(now).into_iter().flat_map(|look| &look.held);
        held.filter(|hold| !matches!(hold, Hold::Ceiling(_)))
    }

    fn time(&self, now: Instant) -> Option<Wait> {
        let left = self.since.left(self.length(), now);
        (!left.is_zero() && !self.is_promoted()).then_some(Wait::Time(left))
    }

    /// What the judge has to say, where there is one. A person who promotes goes on without the
    /// evidence, but not in spite of it.
    fn judge(&self, now: Instant) -> Option<Wait> {
        self.definition.analysis.as_ref()?;
        let unseen = || Wait::Verdict("nothing was judged yet".to_owned());
        let verdict = self.seen(now).and_then(|look| look.verdict.as_ref());
        let wait = match verdict.map(|verdict| &verdict.outcome) {
            Some(Outcome::Pass) => None,
            Some(Outcome::Breach(why)) => return Some(Wait::Breach(why.clone())),
            Some(Outcome::Hold(why)) => Some(Wait::Verdict(why.clone())),
            None => Some(unseen()),
        };
        wait.filter(|_| !self.is_promoted())
    }

    /// Nobody is sent to what is known to be worse, whoever found that out without users.
    fn breach(&self, now: Instant) -> Option<Wait> {
        self.judge(now).filter(|wait| matches!(wait, Wait::Breach(_)))
    }

    fn is_promoted(&self) -> bool {
        self.decided.promoted > self.decided.phase.share()
    }

    /// Room for the next share on the candidate's servers.
    fn room(&self, now: Instant) -> Option<Wait> {
        let look = self.seen(now)?;
        let ceiling = look.held.iter().find_map(|hold| match hold {
            Hold::Ceiling(most) => Some(*most),
            _ => None,
        });
        short_of(look.capacity.candidate, self.needs(self.target()), ceiling)
    }

    /// Room for everything on stable's.
    fn way_back(&self, now: Instant) -> Option<Wait> {
        let Some(look) = self.seen(now) else { return Some(Wait::Look) };
        short_of(look.capacity.stable, 1.0, None)
    }

    /// Says what a step waits for that time would allow: each thing once a step, whatever comes and
    /// goes. What is told in another way, or takes a moment, is not.
    pub(super) fn tell_of(&mut self, waits: Vec<Wait>) {
        let is_early = waits.iter().any(|wait| matches!(wait, Wait::Time(_) | Wait::Look));
        let is_told = |wait: &Wait| matches!(wait, Wait::Paused(_) | Wait::Record(_) | Wait::Smoke);
        let Some(first) = waits.into_iter().find(|wait| !is_told(wait)) else { return };
        let is_news = !is_early && !matches!(first, Wait::Breach(_));
        if is_news && !self.told.contains(&first.as_str()) {
            self.told.push(first.as_str());
            self.tell(RolloutEvent::Waits(first));
        }
    }

    /// The fraction of all demand that the candidate must be able to take for a share. A switch
    /// wants no less than stable has, as it is meant to be its equal.
    pub(super) fn needs(&self, share: Share) -> f64 {
        let stable = self.look.as_ref().map(|(look, _)| look.capacity.stable);
        match (&self.definition.strategy, stable) {
            (Strategy::BlueGreen, Some(Capacity::Known { now, .. })) if share == Share::ALL => {
                now.max(1.0)
            }
            _ => share.as_fraction(),
        }
    }
}

fn paused(why: &str) -> Wait {
    Wait::Paused(why.to_owned())
}

fn short_of(capacity: Capacity, needs: f64, ceiling: Option<u32>) -> Option<Wait> {
    match capacity {
        _ if capacity.covers(needs) => None,
        Capacity::Known { now, most } => {
            Some(Wait::Capacity { needs, has: now, most: most.max(now), ceiling })
        }
        Capacity::Unknown | Capacity::Vouched => Some(Wait::Measure),
    }
}
