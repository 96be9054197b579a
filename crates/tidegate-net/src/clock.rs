//! The one clock. Every other module is handed the time or asks here.
//!
//! Both readings come from the vDSO without a system call, at about 20 ns each.

use rustix::time::{ClockId, Timespec, clock_gettime};
use tidegate_core::time::{Instant, UnixTime};

/// The time on the monotonic clock; its origin is the boot of the machine.
#[must_use]
pub fn now() -> Instant {
    let Timespec { tv_sec, tv_nsec } = clock_gettime(ClockId::Monotonic);
    Instant::from_nanos(unsigned(tv_sec) * 1_000_000_000 + unsigned(tv_nsec))
}

/// The time on the wall clock.
#[must_use]
pub fn unix_time() -> UnixTime {
    let Timespec { tv_sec, tv_nsec } = clock_gettime(ClockId::Realtime);
    UnixTime::from_millis(unsigned(tv_sec) * 1000 + unsigned(tv_nsec) / 1_000_000)
}

/// The time on tokio's clock that lies at the same distance from now.
#[must_use]
pub fn tokio_time(at: Instant) -> tokio::time::Instant {
    tokio::time::Instant::now() + at.since(now())
}

fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}
