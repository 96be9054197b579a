//! How long things take in the demo of a release.

use std::num::NonZeroU32;

use tidegate_core::time::Duration;

/// How long a server takes to start.
pub(super) const START: Duration = Duration::from_millis(300);
/// How long servers take to get warm.
pub(super) const SLOW_START: Duration = Duration::from_millis(500);
/// Steps wait for numbers, which take their time whatever the pace.
const MOST_LEAST: Duration = Duration::from_secs(240);
/// The autoscaler's time passes so many times as fast: what it does in minutes is to be seen.
pub(super) const HASTE: NonZeroU32 = NonZeroU32::new(20).expect("twenty is not zero");

/// What depends on how long the demo is to take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    /// The customers are alone with the first version so long.
    pub(super) quiet: Duration,
    /// Each step is held so long.
    pub(super) hold: Duration,
    /// The old version stays whole so long, and in part so long again.
    pub(super) bake: Duration,
    /// Whatever happens, it is over then.
    pub(super) most: Duration,
}

impl Pace {
    /// The pace of a demo that takes about so long.
    pub(crate) fn of(duration: Duration) -> Self {
        Self {
            quiet: duration / 30,
            hold: duration / 30,
            bake: duration / 20,
            most: (duration * 3).max(MOST_LEAST),
        }
    }
}
