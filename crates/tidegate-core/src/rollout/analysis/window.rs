//! Windows: what was counted in five seconds, made of counters that only grow.
//!
//! Windows begin and end by the clock alone, never by what was counted, so that they may be judged
//! one by one. Counters that fell belong to another life of their process: what they count starts
//! anew.

use crate::telemetry::version::VersionTotals;
use crate::time::{Duration, Instant};

/// How long a window is at least.
pub(super) const WINDOW: Duration = Duration::from_secs(5);

/// The window that is open, if any.
#[derive(Clone, Debug, Default)]
pub(super) struct Windows {
    begun: Option<(Instant, [VersionTotals; 2])>,
}

impl Windows {
    /// What a window counted that ends now; `None`: none does.
    pub(super) fn close(
        &mut self,
        totals: &[VersionTotals; 2],
        now: Instant,
    ) -> Option<[VersionTotals; 2]> {
        let Some((begun, before)) = self.begun.as_ref().filter(|(_, before)| grew(before, totals))
        else {
            self.begun = Some((now, *totals));
            return None;
        };
        if now - *begun < WINDOW {
            return None;
        }
        let window = [totals[0].since(&before[0]), totals[1].since(&before[1])];
        self.begun = Some((now, *totals));
        Some(window)
    }

    /// Leaves out what was counted since the last window.
    pub(super) fn drop_open(&mut self) {
        self.begun = None;
    }
}

fn grew(before: &[VersionTotals; 2], after: &[VersionTotals; 2]) -> bool {
    before
        .iter()
        .zip(after)
        .all(|(before, after)| before.requests <= after.requests && before.errors <= after.errors)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn totals(requests: u64) -> [VersionTotals; 2] {
        [VersionTotals::default(), VersionTotals { requests, ..VersionTotals::default() }]
    }

    #[test]
    fn windows_follow_the_clock_and_survive_a_restart_of_the_counters() {
        let mut windows = Windows::default();
        let looks = [(0, 100, None), (3, 110, None), (5, 120, Some(20)), (6, 4, None)];
        let after = [(10, 9, None), (11, 10, Some(6)), (60, 11, Some(1))];
        for (second, requests, answer) in looks.into_iter().chain(after) {
            let now = Instant::ZERO + Duration::from_secs(second);
            let window = windows.close(&totals(requests), now);
            assert_eq!(window.map(|window| window[1].requests), answer, "second {second}");
        }
        windows.drop_open();
        assert_eq!(windows.close(&totals(50), Instant::ZERO + Duration::from_secs(99)), None);
    }
}
