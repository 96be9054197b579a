//! What instances have cost today, by the calendar of UTC.

use crate::model::autoscale::Budget;
use crate::time::UnixTime;

const DAY: u64 = 86_400_000;
const HOUR: f64 = 3_600_000.0;
/// A gap between two looks that is longer than this is not charged: nobody knows what ran.
const GAP_MAX: u64 = 600_000;

/// What has been spent.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Memory {
    /// Days since 1970.
    day: u64,
    /// On that day so far.
    spent: f64,
    /// The last look.
    seen: Option<UnixTime>,
}

impl Memory {
    /// Charges what `paid` instances cost since the last look.
    pub fn charge(&mut self, budget: &Budget, paid: u32, at: UnixTime) {
        let today = at.as_millis() / DAY;
        if today != self.day {
            (self.day, self.spent) = (today, 0.0);
        }
        let since = self.seen.map_or(0, |seen| at.as_millis().saturating_sub(seen.as_millis()));
        if since <= GAP_MAX {
            self.spent += f64::from(paid) * budget.server_hour * since as f64 / HOUR;
        }
        self.seen = Some(at);
    }

    /// Goes on where an earlier process stopped.
    #[must_use]
    pub const fn restored(day: u64, spent: f64) -> Self {
        Self { day, spent, seen: None }
    }

    /// Days since 1970, and what was spent on that one.
    #[must_use]
    pub const fn spent(&self) -> (u64, f64) {
        (self.day, self.spent)
    }

    /// Whether the day's budget is spent.
    #[must_use]
    pub fn is_spent(&self, budget: &Budget) -> bool {
        self.spent >= budget.per_day
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::autoscale::OnReach;

    const BUDGET: Budget = Budget { server_hour: 0.9375, per_day: 22.5, on_reach: OnReach::Hold };

    fn at(minutes: u64) -> UnixTime {
        UnixTime::from_millis(20_000 * DAY + minutes * 60_000)
    }

    #[test]
    fn a_day_is_charged_by_the_hour_and_begins_anew() {
        let mut memory = Memory::default();
        (0..=120).for_each(|minute| memory.charge(&BUDGET, 12, at(minute)));
        assert_eq!(memory.spent(), (20_000, 22.5));
        assert!(memory.is_spent(&BUDGET), "12 servers for 2 hours at 0.9375");
        memory.charge(&BUDGET, 12, at(24 * 60));
        assert_eq!(memory.spent(), (20_001, 0.0));
    }

    #[test]
    fn a_gap_is_not_charged() {
        let mut memory = Memory::default();
        memory.charge(&BUDGET, 100, at(0));
        memory.charge(&BUDGET, 100, at(11));
        assert_eq!(memory.spent().1, 0.0);
    }
}
