//! Whether, and when, a message that could not be delivered is sent again.
//!
//! A receiver that is away or overloaded is tried again at growing pauses, or when it says, for
//! about two minutes. One that objects to the message objects to it the next time as well.

use crate::rng::scale;
use crate::time::Duration;

/// Tries in all.
const TRIES_MAX: u32 = 5;
/// The first pause; each is so many times as long as the one before.
const PAUSE: Duration = Duration::from_secs(3);
const GROWTH: u32 = 3;
/// The shortest and the longest pause that a receiver may ask for.
const ASKED: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));

/// How a try failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// Nobody answered.
    Unreached,
    /// Not now; and when, if the receiver said so.
    Busy(Option<Duration>),
    /// The message is not taken.
    Refused,
}

/// The delivery of one message.
#[derive(Clone, Debug, Default)]
pub struct Delivery {
    failures: u32,
}

impl Delivery {
    /// A try failed: after which pause comes the next? `None`: there is none.
    pub fn handle_failure(&mut self, failure: Failure, draw: u64) -> Option<Duration> {
        let grown = PAUSE.saturating_mul(GROWTH.saturating_pow(self.failures));
        self.failures += 1;
        if failure == Failure::Refused || self.failures >= TRIES_MAX {
            return None;
        }
        if let Failure::Busy(Some(asked)) = failure {
            return Some(asked.clamp(ASKED.0, ASKED.1));
        }
        // Several that failed together do not come back together.
        let quarter = u64::try_from(grown.as_nanos() / 4).unwrap_or(u64::MAX);
        Some(grown + Duration::from_nanos(scale(draw, quarter)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The pauses, in seconds, between tries that all fail in this way.
    fn pauses(failure: Failure, draw: u64) -> Vec<f64> {
        let mut delivery = Delivery::default();
        std::iter::from_fn(|| delivery.handle_failure(failure, draw))
            .map(|pause| pause.as_secs_f64())
            .collect()
    }

    #[test]
    fn who_is_away_is_tried_five_times_in_two_minutes() {
        assert_eq!(pauses(Failure::Unreached, 0), [3.0, 9.0, 27.0, 81.0]);
        assert_eq!(pauses(Failure::Busy(None), 0), [3.0, 9.0, 27.0, 81.0]);
        let last = pauses(Failure::Unreached, u64::MAX);
        assert!(last.iter().sum::<f64>() <= 150.0 && last[0] > 3.7, "{last:?}");
    }

    #[test]
    fn a_receiver_may_say_when_within_bounds() {
        let asked = |seconds| pauses(Failure::Busy(Some(Duration::from_secs(seconds))), 7);
        assert_eq!(asked(20), [20.0; 4]);
        assert_eq!(asked(0), [1.0; 4]);
        assert_eq!(asked(u64::MAX), [60.0; 4]);
    }

    #[test]
    fn what_is_refused_is_not_sent_again() {
        assert_eq!(pauses(Failure::Refused, 0), [0.0; 0]);
    }
}
