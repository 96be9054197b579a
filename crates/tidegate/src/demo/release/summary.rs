//! What the demo of a release came to, for people and for programs.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::Serialize;
use tidegate_control::release::status::RolloutStatus;
use tidegate_core::time::{Duration, UnixTime};

use super::shoppers::{Tally, USERS};
use super::stage::Version;

/// How long after the verdict a request may still reach the version that was taken back.
const ROLLBACK_MAX_MS: u64 = 1000;

/// How the releases ended, and after how long all was over.
pub(super) struct Facts {
    pub(super) faulty: Arc<RolloutStatus>,
    pub(super) good: Arc<RolloutStatus>,
    pub(super) duration: Duration,
}

/// What it came to.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Summary {
    requests: u64,
    /// Requests that failed otherwise than by the fault.
    failed: u64,
    failures: BTreeMap<String, u64>,
    faulty: Faulty,
    good: Good,
    duration_s: f64,
}

/// The release that was taken back.
#[derive(Clone, Debug, Serialize)]
struct Faulty {
    /// Why.
    reason: String,
    /// From its start to the verdict.
    caught_after_s: f64,
    /// What it answered, and how many of those failed.
    answered: u64,
    faults: u64,
    /// How long after the verdict the last request went out that it answered.
    last_request_ms: u64,
    /// Users who met another version before the verdict than they had met.
    flips: usize,
}

/// The release that took over.
#[derive(Clone, Debug, Serialize)]
struct Good {
    /// From its start to its end, the bake and the keeping of the old version included.
    took_s: f64,
    answered: u64,
    /// Users who met it last.
    users: usize,
    /// Users who met an earlier version after it.
    flips: usize,
}

impl Summary {
    pub(super) fn of(tally: &Tally, facts: &Facts) -> Self {
        let answered = |version| tally.answered.get(&version).copied().unwrap_or(0);
        let (faulty, good) = (&facts.faulty.view, &facts.good.view);
        let verdict = UnixTime::from_millis(faulty.since_ms.unwrap_or(0));
        let flips = |version, before: UnixTime| {
            let back = tally.returns.iter();
            back.filter(|(at, from)| *from == version && *at < before).count()
        };
        let last = tally.last_faulty.map_or(0, UnixTime::as_millis);
        Self {
            requests: tally.requests,
            failed: tally.failures.values().sum(),
            failures: tally.failures.clone(),
            faulty: Faulty {
                reason: faulty.ended.clone().unwrap_or_default(),
                caught_after_s: between(faulty.started_ms, faulty.since_ms),
                answered: answered(Version::Faulty),
                faults: tally.faults,
                last_request_ms: last.saturating_sub(verdict.as_millis()),
                flips: flips(Version::Faulty, verdict),
            },
            good: Good {
                took_s: between(good.started_ms, good.since_ms),
                answered: answered(Version::Good),
                users: tally.users(Version::Good),
                flips: flips(Version::Good, UnixTime::from_millis(u64::MAX)),
            },
            duration_s: facts.duration.as_secs_f64(),
        }
    }

    /// Whether all went as it should.
    pub(crate) fn is_good(&self) -> bool {
        let kept = self.faulty.flips == 0 && self.good.flips == 0;
        let everybody = u64::try_from(self.good.users).is_ok_and(|users| users == USERS);
        let quick = self.faulty.last_request_ms <= ROLLBACK_MAX_MS;
        self.failed == 0 && self.faulty.faults > 0 && kept && everybody && quick
    }
}

fn between(from: Option<u64>, to: Option<u64>) -> f64 {
    let millis = to.unwrap_or(0).saturating_sub(from.unwrap_or(0));
    Duration::from_millis(millis).as_secs_f64()
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { requests, failed, faulty, good, .. } = self;
        writeln!(f, "shop-v2 was taken back: {}", faulty.reason)?;
        writeln!(
            f,
            "  caught {:.1} s after its start; {} of the {} requests that it answered failed",
            faulty.caught_after_s, faulty.faults, faulty.answered
        )?;
        writeln!(
            f,
            "  the last request reached it {} ms after the verdict (at most {ROLLBACK_MAX_MS})",
            faulty.last_request_ms
        )?;
        writeln!(
            f,
            "shop-v3 took over in {:.1} s; {} of {USERS} users are on it",
            good.took_s, good.users
        )?;
        writeln!(
            f,
            "users who went from one version to the other and back: {}",
            faulty.flips + good.flips
        )?;
        writeln!(f, "{requests} requests; {failed} failed otherwise than by the fault")?;
        for (reason, count) in &self.failures {
            writeln!(f, "  {count} x {reason}")?;
        }
        f.write_str(if self.is_good() { "as promised" } else { "NOT as promised" })
    }
}
