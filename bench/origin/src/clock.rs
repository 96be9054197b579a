//! The clock of the measuring programs.
//!
//! The balancer reads time in one place only, and the lint that guards this holds here too; a
//! program that measures has to read it, and does so through this file.

use std::time::Instant;

/// The present moment, monotonic.
#[expect(clippy::disallowed_methods, reason = "a measuring program reads the clock itself")]
#[must_use]
pub fn now() -> Instant {
    Instant::now()
}
