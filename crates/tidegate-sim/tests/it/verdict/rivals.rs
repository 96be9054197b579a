//! Two judges as others have them, each looking once a minute at errors alone.

use tidegate_core::telemetry::version::VersionTotals;

/// The candidate's success rate is below 99 % in five minutes of all (Flagger's default).
#[derive(Default)]
pub(super) struct Flagger {
    before: Option<VersionTotals>,
    failures: u32,
}

impl Flagger {
    pub(super) fn look(&mut self, totals: &[VersionTotals; 2]) -> bool {
        let minute = totals[1].since(&self.before.unwrap_or_default());
        self.before = Some(totals[1]);
        let failed = minute.errors as f64 > 0.01 * minute.requests as f64;
        self.failures += u32::from(failed);
        self.failures >= 5
    }
}

/// A test of two proportions at 5 %, repeated each minute as if it were the first time.
pub(super) fn peek(totals: &[VersionTotals; 2]) -> bool {
    let [stable, candidate] = totals;
    let (n, m) = (stable.requests as f64, candidate.requests as f64);
    let pooled = (stable.errors + candidate.errors) as f64 / (n + m);
    let deviation = (pooled * (1.0 - pooled) * (1.0 / n + 1.0 / m)).sqrt();
    let difference = candidate.errors as f64 / m - stable.errors as f64 / n;
    difference > 1.645 * deviation
}
