//! A point on both clocks: the monotonic one by which things are waited for, and the wall clock by
//! which they are remembered.

use crate::time::{Instant, UnixTime};

/// A point in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// By the clock that only goes on.
    pub now: Instant,
    /// By the wall clock, which people and other processes share.
    pub at: UnixTime,
}
