//! What must hold at every look, whatever goes wrong.

use std::collections::VecDeque;

use tidegate_core::scale::plan::Plan;
use tidegate_core::scale::wish::Source;
use tidegate_core::time::{Duration, Instant};

use super::scene::{Looked, Scene, fleet_settings};

/// A growth by this many servers is allowed in any case.
const STEP_MIN: u32 = 4;
/// What a run of many looks may be held against.
type Finding = Result<(), &'static str>;

/// Watches a scene.
#[derive(Debug, Default)]
pub(super) struct Oracle {
    life: u64,
    /// What was planned at the looks of the last while, and how long a launch was said to take.
    planned: VecDeque<(Instant, u32, Duration)>,
    /// When the direction changed, and which it has.
    turns: VecDeque<Instant>,
    rising: Option<bool>,
    /// Starts of the last minute.
    starts: VecDeque<(Instant, u32)>,
    /// Since when nothing is known.
    blind: Option<Instant>,
}

impl Oracle {
    /// How often a pool may turn from growing to shrinking or back within one cooldown.
    const TURNS_MAX: usize = 2;

    /// Says what is wrong with a look, if something is.
    pub(super) fn see(&mut self, scene: &Scene, looked: &Looked) -> Finding {
        let Some(plan) = &looked.plan else { return Ok(()) };
        if looked.life != self.life {
            *self = Self { life: looked.life, ..Self::default() };
        }
        let before = self.planned.back().map(|(_, servers, _)| *servers);
        self.see_bounds(scene, plan)?;
        self.see_launches(scene, looked)?;
        self.see_blindness(scene, looked, before)?;
        if let Some(before) = before.filter(|before| *before != plan.servers) {
            self.see_turn(scene, looked, plan.servers > before)?;
        }
        if before.is_some_and(|before| plan.servers > before) {
            self.see_step(scene, looked, plan)?;
        }
        self.planned.push_back((looked.at, plan.servers, startup(scene, looked)));
        if self.planned.len() > 1024 {
            self.planned.pop_front();
        }
        Ok(())
    }

    fn see_bounds(&self, scene: &Scene, plan: &Plan) -> Finding {
        let bounds = scene.shop.settings.bounds;
        if plan.servers < bounds.min || plan.servers > bounds.max {
            return Err("a plan stays within min and max");
        }
        if plan.servers + plan.warm > bounds.max.max(plan.servers) {
            return Err("what is warm counts within max");
        }
        // Instances that are replaced have their successors beside them.
        if scene.provider.machines().len() > fleet_settings(&scene.shop).live_max() {
            return Err("what runs stays within max, what is warm and what is being replaced");
        }
        Ok(())
    }

    fn see_launches(&mut self, scene: &Scene, looked: &Looked) -> Finding {
        self.starts.push_back((looked.at, looked.starts));
        while self.starts.front().is_some_and(|(at, _)| looked.at.since(*at) > ONE_MINUTE) {
            self.starts.pop_front();
        }
        let settings = fleet_settings(&scene.shop);
        // Halved with each failure, what is asked for at once adds up to its double.
        let most = 2 * settings.pace.calls_max as usize + settings.live_max();
        let sum: u32 = self.starts.iter().map(|(_, starts)| starts).sum();
        if sum as usize > most {
            return Err("there is no storm of launches");
        }
        Ok(())
    }

    /// What is known counts for one period, and no longer.
    fn see_blindness(&mut self, scene: &Scene, looked: &Looked, before: Option<u32>) -> Finding {
        if looked.observed.demand.is_some() {
            self.blind = None;
            return Ok(());
        }
        let since = *self.blind.get_or_insert(looked.at);
        let long = looked.at.since(since) >= scene.shop.settings.levels.period;
        if long && before.is_some_and(|before| looked.servers < before) {
            return Err("who knows nothing shrinks nothing");
        }
        Ok(())
    }

    fn see_turn(&mut self, scene: &Scene, looked: &Looked, rising: bool) -> Finding {
        let cooldown = scene.shop.settings.guard.down_cooldown;
        if self.rising.replace(rising).is_some_and(|before| before != rising) {
            self.turns.push_back(looked.at);
        }
        while self.turns.front().is_some_and(|at| looked.at.since(*at) >= cooldown) {
            self.turns.pop_front();
        }
        if self.turns.len() > Self::TURNS_MAX {
            return Err("a pool does not sway");
        }
        Ok(())
    }

    /// However it is cut, within the time of a launch what is planned grows by one step at most. A
    /// sale comes whole.
    fn see_step(&self, scene: &Scene, looked: &Looked, plan: &Plan) -> Finding {
        let settings = &scene.shop.settings;
        let source = plan.wishes.first().map(|wish| &wish.source);
        if matches!(source, Some(Source::Schedule(_))) {
            return Ok(());
        }
        let now = looked.at;
        let recent = |within: Duration| {
            let looks = self.planned.iter().rev();
            looks.take_while(move |(at, ..)| now.since(*at) <= within)
        };
        // How long a launch takes may just have been learned.
        let longest = startup(scene, looked);
        let shortest = recent(longest).map(|(.., startup)| *startup).min().unwrap_or(longest);
        let within = longest.min(shortest);
        let base = recent(within).map(|(_, servers, _)| *servers).min().unwrap_or(plan.servers);
        let factor = (f64::from(base) * settings.guard.max_step).floor() as u32;
        if plan.servers > factor.max(base + STEP_MIN).max(settings.bounds.min) {
            return Err("one launch time sees one step");
        }
        Ok(())
    }
}

fn startup(scene: &Scene, looked: &Looked) -> Duration {
    looked.observed.startup.unwrap_or(scene.shop.settings.startup)
}

const ONE_MINUTE: Duration = Duration::from_secs(60);
