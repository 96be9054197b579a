//! Past demand in a file of any content.
//!
//! The first two bytes say how it is read, the rest is the file. It is demand, finite and of a
//! bounded length, or mistakes that lie in the file; and whenever it is asked for, past demand is
//! told of in order.

use tidegate_core::scale::trace::{Mistake, Reading, read};
use tidegate_core::time::{Duration, UnixTime};

/// Ten years of ticks, and a little more.
const TICKS_MAX: usize = 21_200_000;

/// Runs the check.
pub fn run(data: &[u8]) {
    let Some(([column, step], file)) = data.split_first_chunk() else { return };
    let Ok(text) = std::str::from_utf8(file) else { return };
    let step = match step {
        0 => None,
        250.. => Some(Duration::from_secs(u64::MAX >> (255 - step))),
        seconds => Some(Duration::from_secs(u64::from(*seconds) * 15)),
    };
    let column = (*column > 0).then(|| usize::from(*column) - 1);
    match read(text, Reading { column, step }) {
        Ok(trace) => {
            assert!((1..=TICKS_MAX).contains(&trace.demand.len()), "{}", trace.demand.len());
            assert!(trace.demand.iter().all(|rate| rate.is_finite() && *rate >= 0.0), "{text:?}");
            for now in [0, 1_800_000_000_000] {
                let times = trace.until(UnixTime::from_millis(now)).map(|(at, _)| at);
                assert!(times.take(1000).is_sorted(), "{text:?}");
            }
        }
        Err(mistakes) => {
            assert!((1..=10).contains(&mistakes.len()), "{mistakes:?}");
            let lines = text.lines().count();
            for mistake in mistakes {
                let (Mistake::NoColumn { line, .. }
                | Mistake::NoCount { line, .. }
                | Mistake::NoTime { line, .. }) = mistake
                else {
                    continue;
                };
                assert!((1..=lines).contains(&line), "{mistake} in {text:?}");
            }
        }
    }
}
