//! What goes wrong, planned from chance: each server has a few faults, one after the other, and
//! ends well.

use tidegate_core::rng::Rng;
use tidegate_core::time::{Duration, Instant};

use super::server::Condition;

/// A server's condition changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// When.
    pub at: Instant,
    /// The server, by its place in the pool.
    pub server: usize,
    /// To what.
    pub condition: Condition,
}

/// Within which bounds faults are planned.
#[derive(Clone, Copy, Debug)]
pub struct Season {
    /// No fault before.
    pub from: Instant,
    /// All is well after.
    pub until: Instant,
    /// Servers that may suffer.
    pub servers: usize,
    /// The most faults that one server has.
    pub faults_max: u64,
}

impl Season {
    /// Plans faults. Some servers have none.
    pub fn plan(&self, chance: &mut Rng) -> Vec<Change> {
        (0..self.servers).flat_map(|server| self.plan_one(server, chance)).collect()
    }

    fn plan_one(&self, server: usize, chance: &mut Rng) -> Vec<Change> {
        let faults = chance.below(self.faults_max + 1);
        let mut points: Vec<Instant> = (0..2 * faults).map(|_| self.point(chance)).collect();
        points.sort_unstable();
        let conditions = points.iter().enumerate().map(|(place, at)| {
            let condition = if place % 2 == 0 { any_fault(chance) } else { Condition::Well };
            Change { at: *at, server, condition }
        });
        conditions.collect()
    }

    fn point(&self, chance: &mut Rng) -> Instant {
        let nanos = self.until.as_nanos() - self.from.as_nanos();
        self.from + Duration::from_nanos(chance.below(nanos))
    }
}

fn any_fault(chance: &mut Rng) -> Condition {
    match chance.below(6) {
        0 => Condition::Refusing,
        1 => Condition::Hanging,
        2 => Condition::Resetting,
        3 => Condition::Failing(503),
        4 => Condition::Slow(Duration::from_millis(600)),
        _ => Condition::Slow(Duration::from_millis(2500)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_keep_to_their_season_and_end_well() {
        let second = |second| Instant::ZERO + Duration::from_secs(second);
        let season = Season { from: second(5), until: second(50), servers: 4, faults_max: 3 };
        let mut seen = 0;
        for seed in 0..100 {
            let plan = season.plan(&mut Rng::new(seed));
            seen += plan.len();
            assert!(plan.iter().all(|change| change.at >= season.from && change.at < season.until));
            for server in 0..4 {
                let own: Vec<&Change> = plan.iter().filter(|c| c.server == server).collect();
                assert!(own.is_sorted_by_key(|change| change.at) && own.len() <= 6);
                assert!(own.last().is_none_or(|change| change.condition == Condition::Well));
            }
        }
        assert!(seen > 500, "{seen} changes in 100 plans");
    }
}
