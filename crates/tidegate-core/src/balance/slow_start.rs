//! How far a server that joined a running pool has ramped up.
//!
//! Progress rises in a straight line from nothing to full over the pool's `slow_start`, but never
//! counts for less than a tenth: below that a quiet server would never warm up at all. Rules that
//! know weights multiply by it. Round-robin lets a ramping server take part in only that share of
//! its rounds, least connections takes it for that fraction of a server, and the hash rules leave
//! it that share of its keys.

use crate::time::{Duration, Instant};

/// Progress in thousandths: 1 to 1000.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Progress(u32);

impl Progress {
    /// Fully ramped up.
    pub(super) const DONE: Self = Self(1000);
    /// What a server gets at least.
    const FLOOR: u32 = 100;

    /// The progress at `now` of a server that joined at `joined`.
    pub(super) fn of(joined: Option<Instant>, slow_start: Duration, now: Instant) -> Self {
        let Some(joined) = joined else { return Self::DONE };
        let elapsed = now.since(joined);
        if elapsed >= slow_start {
            return Self::DONE;
        }
        let thousandths = elapsed.as_nanos() * 1000 / slow_start.as_nanos();
        Self(u32::try_from(thousandths).unwrap_or(Self::DONE.0).clamp(Self::FLOOR, Self::DONE.0))
    }

    /// This progress where `furthest`, which is no less, counts as done.
    pub(super) fn relative_to(self, furthest: Self) -> Self {
        debug_assert!(self <= furthest);
        Self(self.0 * Self::DONE.0 / furthest.0)
    }

    /// The number.
    pub(super) const fn thousandths(self) -> u32 {
        self.0
    }

    /// Whether a ramping server takes part in round number `round`: evenly spread, and in exactly
    /// this share of any thousand rounds.
    pub(super) fn joins_round(self, round: u64) -> bool {
        let (share, whole) = (u64::from(self.0), u64::from(Self::DONE.0));
        let round = round % whole;
        self == Self::DONE || (round + 1) * share / whole > round * share / whole
    }

    /// Whether a ramping server takes part, by a uniform draw.
    pub(super) fn joins_draw(self, draw: u64) -> bool {
        self == Self::DONE || crate::rng::scale(draw, Self::DONE.0.into()) < self.0.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: Duration = Duration::from_secs(30);

    fn progress_after(seconds: u64) -> u32 {
        let joined = Instant::from_nanos(1);
        Progress::of(Some(joined), WINDOW, joined + Duration::from_secs(seconds)).thousandths()
    }

    #[test]
    fn progress_is_a_straight_line_that_starts_at_a_tenth() {
        let steps = [(0, 100), (2, 100), (3, 100), (6, 200), (15, 500), (29, 966), (30, 1000)];
        for (seconds, thousandths) in steps {
            assert_eq!(progress_after(seconds), thousandths, "after {seconds} s");
        }
        assert_eq!(progress_after(3600), 1000);
    }

    #[test]
    fn a_server_that_never_joined_or_a_pool_without_slow_start_is_at_full_weight() {
        let now = Instant::from_nanos(7);
        assert_eq!(Progress::of(None, WINDOW, now), Progress::DONE);
        assert_eq!(Progress::of(Some(now), Duration::ZERO, now), Progress::DONE);
    }

    #[test]
    fn a_clock_that_reads_before_the_join_counts_as_the_start() {
        let joined = Instant::from_nanos(1_000_000);
        assert_eq!(Progress::of(Some(joined), WINDOW, Instant::ZERO).thousandths(), 100);
    }

    #[test]
    fn rounds_are_joined_evenly_and_in_exact_proportion() {
        for thousandths in [100, 250, 333, 500, 999, 1000] {
            let progress = Progress(thousandths);
            let joined = (0..1000).filter(|&round| progress.joins_round(round)).count();
            assert_eq!(joined, thousandths as usize);
        }
        let tenth: Vec<u64> = (0..30).filter(|&round| Progress(100).joins_round(round)).collect();
        assert_eq!(tenth, [9, 19, 29]);
    }
}
