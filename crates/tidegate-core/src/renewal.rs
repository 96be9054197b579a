//! When a certificate is asked for: a Machine for one certificate.
//!
//! What is not there is due at once. What is there is due when a third of its time is left, or
//! earlier by up to a tenth of that, so that certificates which came together are not all renewed
//! together; which part of the tenth belongs to the certificate and not to the process, so that
//! restarts change nothing. After a failure it is due again after a pause that doubles with each
//! further one. The first pause after the authority was not reached is short, as trying costs
//! nobody anything; after it refused it is long, as authorities count what they refuse and count
//! hosts out. An authority that says when to come again is not asked before.
//!
//! All times are of the wall clock, as those of certificates are. A clock that is set back while a
//! pause lasts cannot make it longer than it was meant to be.
//!
//! It asks nobody and keeps nothing: the shell owes one `handle_held` or `handle_failure` for each
//! [`Output::Order`], and until then nothing is due.

use crate::rng::{mix, scale};
use crate::time::{Duration, UnixTime};

/// The first pause after the authority was not reached.
const PAUSE_UNREACHED: Duration = Duration::from_secs(5);
/// The longest of these.
const PAUSE_UNREACHED_MAX: Duration = Duration::from_secs(3600);
/// The first pause after the authority refused. Let's Encrypt allows five failures an hour for each
/// host.
const PAUSE_REFUSED: Duration = Duration::from_secs(5 * 60);
/// The longest of these.
const PAUSE_REFUSED_MAX: Duration = Duration::from_secs(12 * 3600);
/// The longest an authority may send us away for: the limits of Let's Encrypt are counted by week.
const PAUSE_ASKED_MAX: Duration = Duration::from_secs(7 * 86_400);

/// What the shell is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// Ask the authority for the certificate, now.
    Order,
}

/// How an order failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The authority, or the way to it, does not work.
    Unreached,
    /// The authority does not give the certificate, or what was done for it did not work.
    Refused,
}

/// From when until when a certificate is valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Validity {
    /// From.
    pub not_before: UnixTime,
    /// Until.
    pub not_after: UnixTime,
}

/// When one certificate is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Renewal {
    seed: u64,
    held: Option<Validity>,
    failures: u32,
    next: Next,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    /// An order.
    Due(UnixTime),
    /// An order, after a pause that began at the first and ends at the second.
    Pause(UnixTime, UnixTime),
    /// What came of the order.
    Result,
}

impl Renewal {
    /// A certificate that is not there. The seed settles the jitter, and is best the same at each
    /// start.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self { seed, held: None, failures: 0, next: Next::Due(UnixTime::from_millis(0)) }
    }

    /// The certificate is there, whoever had it made. One that is known already, or ends before the
    /// one that is, changes nothing.
    pub fn handle_held(&mut self, held: Validity) {
        let newer = self.held.is_none_or(|known| known.not_after < held.not_after);
        if newer || self.next == Next::Result {
            (self.held, self.failures) = (Some(held), 0);
            self.next = Next::Due(due(held, self.seed));
        }
    }

    /// An order failed; the authority may have said how long to stay away.
    pub fn handle_failure(&mut self, failure: Failure, away: Option<Duration>, now: UnixTime) {
        self.failures = self.failures.saturating_add(1);
        let (first, longest) = match failure {
            Failure::Unreached => (PAUSE_UNREACHED, PAUSE_UNREACHED_MAX),
            Failure::Refused => (PAUSE_REFUSED, PAUSE_REFUSED_MAX),
        };
        let doubled = first.saturating_mul(1 << (self.failures - 1).min(16)).min(longest);
        let jitter = part(doubled, mix(self.seed ^ u64::from(self.failures)), 4);
        let away = away.unwrap_or_default().min(PAUSE_ASKED_MAX);
        self.next = Next::Pause(now, later(now, (doubled + jitter).max(away)));
    }

    /// Another process is at it: what comes of that will be seen. Looks again after a pause.
    pub fn handle_taken(&mut self, now: UnixTime) {
        let jitter = part(PAUSE_UNREACHED, mix(self.seed ^ now.as_millis()), 1);
        self.next = Next::Pause(now, later(now, PAUSE_UNREACHED + jitter));
    }

    /// When it wants to be woken; `None`: an order is out.
    #[must_use]
    pub const fn poll_timeout(&self) -> Option<UnixTime> {
        match self.next {
            Next::Due(at) | Next::Pause(_, at) => Some(at),
            Next::Result => None,
        }
    }

    /// What is due.
    pub fn handle_timeout(&mut self, now: UnixTime) -> Option<Output> {
        let is_due = match self.next {
            Next::Due(at) => at <= now,
            Next::Pause(from, until) => until <= now || now < from,
            Next::Result => false,
        };
        is_due.then(|| {
            self.next = Next::Result;
            Output::Order
        })
    }

    /// Orders that failed since the last that did not.
    #[must_use]
    pub const fn failures(&self) -> u32 {
        self.failures
    }
}

/// When a third is left, or up to a tenth of the third earlier.
fn due(held: Validity, seed: u64) -> UnixTime {
    let (from, until) = (held.not_before.as_millis(), held.not_after.as_millis());
    let third = until.saturating_sub(from) / 3;
    let jitter = scale(mix(seed ^ until), third / 10 + 1);
    UnixTime::from_millis(until.saturating_sub(third + jitter).max(from))
}

/// Up to one of `parts` of `whole`.
fn part(whole: Duration, draw: u64, parts: u64) -> Duration {
    let millis = u64::try_from(whole.as_millis()).unwrap_or(u64::MAX);
    Duration::from_millis(scale(draw, millis / parts + 1))
}

fn later(now: UnixTime, pause: Duration) -> UnixTime {
    let millis = u64::try_from(pause.as_millis()).unwrap_or(u64::MAX);
    UnixTime::from_millis(now.as_millis().saturating_add(millis))
}

#[cfg(test)]
mod tests;
