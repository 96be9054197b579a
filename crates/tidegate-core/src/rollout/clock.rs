//! How long a phase has lasted: by the monotonic clock while the process lives, by the wall clock
//! over a restart.
//!
//! A wall clock that is set while the process lives changes nothing. One that lies before the
//! beginning when the process starts begins the time anew: a hold gets longer, never shorter.

use super::moment::Moment;
use crate::time::{Duration, Instant, UnixTime};

/// When a phase began.
#[derive(Clone, Copy, Debug)]
pub(super) struct Since {
    /// What had passed when this process came to know of it.
    before: Duration,
    from: Instant,
}

impl Since {
    /// It begins.
    pub(super) const fn begin(now: Instant) -> Self {
        Self { before: Duration::ZERO, from: now }
    }

    /// It began then, as a record says.
    pub(super) const fn recall(began: UnixTime, moment: Moment) -> Self {
        let passed = moment.at.as_millis().saturating_sub(began.as_millis());
        Self { before: Duration::from_millis(passed), from: moment.now }
    }

    pub(super) const fn elapsed(&self, now: Instant) -> Duration {
        self.before.saturating_add(now.since(self.from))
    }

    /// What is left of so long a time.
    pub(super) const fn left(&self, whole: Duration, now: Instant) -> Duration {
        whole.saturating_sub(self.elapsed(now))
    }

    /// When so long a time is over; it may be already.
    pub(super) fn end(&self, whole: Duration) -> Instant {
        self.from + whole.saturating_sub(self.before)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_was_set_never_shortens_a_time_or_overflows() {
        let hour = Duration::from_secs(3600);
        let cases = [
            // (began, started again at, what is left of an hour)
            (1_000_000, 1_000_000, 3600),
            (1_000_000, 2_800_000, 1800),
            (1_000_000, 0, 3600),
            (u64::MAX, 1_000_000, 3600),
            (0, u64::MAX, 0),
        ];
        for (began, at, left) in cases {
            let moment = Moment { now: Instant::from_nanos(7), at: UnixTime::from_millis(at) };
            let since = Since::recall(UnixTime::from_millis(began), moment);
            assert_eq!(since.left(hour, moment.now).as_secs(), left, "{began} {at}");
            assert_eq!(since.end(hour), moment.now + Duration::from_secs(left), "{began} {at}");
            assert!(since.elapsed(Instant::NEVER) >= since.elapsed(moment.now));
        }
    }
}
