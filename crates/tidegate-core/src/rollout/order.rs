//! What people may do, phase by phase.

use super::capacity::Capacity;
use super::command::{Command, CommandError, Reach, Urgency};
use super::event::RolloutEvent;
use super::machine::Machine;
use super::moment::Moment;
use super::output::Output;
use super::phase::Phase;
use super::record::{Pause, PauseCause, Record};
use super::terms::Terms;
use super::verdict::Verdict;
use crate::model::rollout::Share;
use crate::time::Instant;

impl Machine {
    /// Does what a person wants. It is decided with the answer, and on the disk when
    /// [`Machine::is_recorded`] says so.
    ///
    /// # Errors
    /// When it cannot be; the error says why, and what would work.
    pub fn command(
        &mut self,
        command: Command,
        by: &str,
        moment: Moment,
    ) -> Result<(), CommandError> {
        // What is noted is kept: whoever asks may not make it long.
        let by: String = by.chars().take(Self::NAME_MAX).collect();
        match command {
            Command::Start => self.start(&by, moment),
            Command::Promote(reach) => self.promote(reach, &by, moment),
            Command::Pause => self.pause(&by, moment),
            Command::Resume => self.resume(&by, moment),
            Command::Abort => self.abort(&by, moment),
            Command::Rollback(urgency) => self.roll_back(urgency, &by, moment),
        }?;
        self.settle(moment);
        Ok(())
    }

    /// Characters of the name of whoever gives a command.
    const NAME_MAX: usize = 100;

    fn start(&mut self, by: &str, moment: Moment) -> Result<(), CommandError> {
        match self.decided.phase {
            Phase::Idle | Phase::Aborted => {}
            Phase::Done => return Err(CommandError::Finished),
            phase => return Err(CommandError::UnderWay(phase)),
        }
        let run = self.decided.run.saturating_add(1);
        self.decided = Record {
            run,
            terms: Terms::of(&self.definition),
            salt: self.rng.draw(),
            started: moment.at,
            acts: std::mem::take(&mut self.decided.acts),
            ..Record::blank(&self.definition)
        };
        self.verdict = None;
        self.enter(Phase::Preparing, moment);
        self.log(by, format!("run {run} started"), moment);
        self.ask(Output::Rejudge);
        self.tell(RolloutEvent::Started { run, by: by.to_owned() });
        Ok(())
    }

    fn promote(&mut self, reach: Reach, by: &str, moment: Moment) -> Result<(), CommandError> {
        if self.decided.phase == Phase::Keeping {
            return self.release_stable(reach, by, moment);
        }
        self.expect_open()?;
        self.expect_free(moment.now)?;
        if self.decided.phase == Phase::Baking {
            return self.end_bake(reach, by, moment);
        }
        let to = match reach {
            // From what users meet: a step that is being written is the one that is meant.
            Reach::Next => self.following(self.share()),
            Reach::All => Share::ALL,
        };
        let needs = self.needs(to);
        let candidate = self.look.as_ref().map(|(look, _)| look.capacity.candidate);
        if let Some(most) = candidate.and_then(|capacity| too_little(capacity, needs)) {
            return Err(CommandError::TooSmall { needs: needs * 100.0, most });
        }
        self.decided.promoted = to;
        self.log(by, format!("promoted to {} %", to.as_percent()), moment);
        self.tell(RolloutEvent::Promoted { to, by: by.to_owned() });
        Ok(())
    }

    /// The bake is cut short only by who says so, not by one `promote` too many.
    fn end_bake(&mut self, reach: Reach, by: &str, moment: Moment) -> Result<(), CommandError> {
        if reach == Reach::Next {
            return Err(CommandError::Baking);
        }
        self.enter(Phase::Keeping, moment);
        self.log(by, "bake ended".to_owned(), moment);
        self.tell(RolloutEvent::Promoted { to: Share::ALL, by: by.to_owned() });
        self.tell(RolloutEvent::Kept(self.definition.keep_size));
        Ok(())
    }

    /// Stable is let go early only by who says so; nothing of it is needed any more.
    fn release_stable(
        &mut self,
        reach: Reach,
        by: &str,
        moment: Moment,
    ) -> Result<(), CommandError> {
        if reach == Reach::Next {
            return Err(CommandError::Keeping);
        }
        self.enter(Phase::Done, moment);
        self.log(by, "stable released".to_owned(), moment);
        self.tell(RolloutEvent::Finished);
        Ok(())
    }

    fn pause(&mut self, by: &str, moment: Moment) -> Result<(), CommandError> {
        self.expect_open()?;
        if let Some(pause) = &self.decided.paused {
            return Err(CommandError::Paused(pause.why.clone()));
        }
        self.decided.paused = Some(Pause { why: format!("by {by}"), cause: PauseCause::Person });
        self.log(by, "paused".to_owned(), moment);
        self.tell(RolloutEvent::Paused { by: by.to_owned() });
        Ok(())
    }

    fn resume(&mut self, by: &str, moment: Moment) -> Result<(), CommandError> {
        self.expect_open()?;
        let Some(pause) = self.decided.paused.take() else {
            return Err(CommandError::NotPaused);
        };
        if pause.cause == PauseCause::Breach {
            // Somebody has looked at the breach and wants to see anew.
            self.decided.verdict = None;
            self.decided.evidence = None;
            self.verdict = None;
            self.look = None;
            self.ask(Output::Rejudge);
        }
        self.log(by, "resumed".to_owned(), moment);
        self.tell(RolloutEvent::Resumed { by: by.to_owned() });
        Ok(())
    }

    fn abort(&mut self, by: &str, moment: Moment) -> Result<(), CommandError> {
        self.expect_open()?;
        self.end(format!("by {by}"), by, moment);
        Ok(())
    }

    fn roll_back(
        &mut self,
        urgency: Urgency,
        by: &str,
        moment: Moment,
    ) -> Result<(), CommandError> {
        match (self.decided.phase, urgency) {
            (Phase::Idle | Phase::Aborted, _) => {
                return Err(CommandError::NotUnderWay(self.decided.phase));
            }
            (Phase::Done, _) => return Err(CommandError::Finished),
            (Phase::Returning, Urgency::WhenAble) => return Err(CommandError::Returning),
            (Phase::Keeping, Urgency::WhenAble) => return self.go_back(by, moment),
            (Phase::Preparing | Phase::Stepping(_) | Phase::Baking, _)
            | (Phase::Keeping | Phase::Returning, Urgency::AtOnce) => {}
        }
        self.end(format!("rolled back by {by}"), by, moment);
        Ok(())
    }

    /// Stable has a few servers: it grows first.
    fn go_back(&mut self, by: &str, moment: Moment) -> Result<(), CommandError> {
        let stable = self.look.as_ref().map(|(look, _)| look.capacity.stable);
        if let Some(most) = stable.and_then(|capacity| too_little(capacity, 1.0)) {
            return Err(CommandError::StableTooSmall { most });
        }
        self.enter(Phase::Returning, moment);
        self.decided.ended = Some(format!("rolled back by {by}"));
        self.log(by, "on the way back to stable".to_owned(), moment);
        self.tell(RolloutEvent::Returns { by: by.to_owned() });
        Ok(())
    }

    const fn expect_open(&self) -> Result<(), CommandError> {
        match self.decided.phase {
            Phase::Preparing | Phase::Stepping(_) | Phase::Baking => Ok(()),
            Phase::Keeping => Err(CommandError::Baked),
            Phase::Returning => Err(CommandError::Returning),
            Phase::Done => Err(CommandError::Finished),
            phase @ (Phase::Idle | Phase::Aborted) => Err(CommandError::NotUnderWay(phase)),
        }
    }

    /// Nothing stands in the way that a person cannot wish away.
    fn expect_free(&self, now: Instant) -> Result<(), CommandError> {
        if let Some(pause) = &self.decided.paused {
            return Err(CommandError::Paused(pause.why.clone()));
        }
        if let Some(hold) = self.held(now).next() {
            return Err(CommandError::Held(hold.clone()));
        }
        let verdict = self.seen(now).and_then(|look| look.verdict.as_ref());
        match verdict.and_then(Verdict::breach) {
            Some(why) => Err(CommandError::Breach(why.to_owned())),
            None => Ok(()),
        }
    }
}

/// What a pool that can never serve so much could at most, in percent of all demand.
fn too_little(capacity: Capacity, needs: f64) -> Option<f64> {
    match capacity {
        _ if capacity.may_cover(needs) => None,
        Capacity::Known { now, most } => Some(most.max(now) * 100.0),
        Capacity::Unknown | Capacity::Vouched => None,
    }
}
