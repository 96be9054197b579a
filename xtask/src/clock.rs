//! Waiting, for tasks that watch other programs.
//!
//! The balancer never sleeps and reads time in one place of its own; a task has nothing better to
//! do while a program starts.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

/// Pause between two looks.
const PAUSE: Duration = Duration::from_millis(20);

/// The present moment, monotonic.
#[expect(clippy::disallowed_methods, reason = "the clock of the tasks")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// Lets time pass.
#[expect(clippy::disallowed_methods, reason = "the task has nothing else to do")]
pub(crate) fn pause(length: Duration) {
    thread::sleep(length);
}

/// Waits until `condition` holds.
///
/// # Errors
/// When it still does not after `patience`; the message says that `what` did not happen.
pub(crate) fn wait_until(
    what: &str,
    patience: Duration,
    mut condition: impl FnMut() -> bool,
) -> Result<()> {
    let deadline = now() + patience;
    while !condition() {
        if now() >= deadline {
            bail!("{what}: not within {} s", patience.as_secs());
        }
        pause(PAUSE);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_ends_with_the_condition_or_the_patience() {
        let mut looks = 0;
        let third = || {
            looks += 1;
            looks == 3
        };
        assert!(wait_until("third look", Duration::from_secs(10), third).is_ok());

        let error = wait_until("never", Duration::ZERO, || false).expect_err("it cannot happen");
        assert_eq!(error.to_string(), "never: not within 0 s");
    }
}
