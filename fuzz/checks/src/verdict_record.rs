//! What is kept of a judge, with any content, and what the judge makes of it.
//!
//! Whatever is read is kept again as the same, the numbers of every verdict are numbers, and a
//! breach stays one until somebody decides.

use std::path::Path;
use std::sync::LazyLock;

use tidegate_core::config::load::{Text, load};
use tidegate_core::model::ids::RolloutName;
use tidegate_core::model::rollout::{Analysis, Share, Side};
use tidegate_core::rollout::analysis::judge::{Judge, Look};
use tidegate_core::rollout::analysis::measure::Reading;
use tidegate_core::rollout::analysis::record::Record;
use tidegate_core::rollout::analysis::verdict::{Outcome, Verdict};
use tidegate_core::telemetry::registry::Registry;
use tidegate_core::telemetry::version::VersionTotals;
use tidegate_core::time::{Duration, Instant};

/// Everything that may be watched.
static ANALYSIS: LazyLock<Analysis> = LazyLock::new(|| {
    let text = "version = 1\n[listener.a]\naddress = \"127.0.0.1:1\"\n\
        [route.all]\npool = \"app\"\n[pool.app]\nservers = [\"127.0.0.1:4\"]\n\
        [pool.app-v2]\nservers = [\"127.0.0.1:5\"]\n\
        [rollout.app]\npool = \"app\"\ncandidate = \"app-v2\"\nstrategy = \"canary\"\n\
        [rollout.app.analysis]\nmax_error_rate = 0.05\nmax_p99 = \"500ms\"\n\
        [[rollout.app.analysis.custom]]\nname = \"lag\"\nprometheus = \"http://127.0.0.1:9090\"\n\
        query = \"{version}_lag\"\nmax = 10.0\ncompare = true\n";
    let loaded = load(Path::new("fuzz.toml"), &mut Text(text));
    let config = loaded.config.unwrap_or_else(|| panic!("{:?}", loaded.diagnostics));
    config.rollouts[0].analysis.clone().expect("it is on by default")
});

/// What the candidate's measure says, look after look.
const LAGS: [Option<f64>; 5] = [Some(3.0), None, Some(f64::NAN), Some(1e300), Some(-1e300)];

/// Runs the check.
pub fn run(data: &[u8]) {
    let Ok(record) = serde_json::from_slice::<Record>(data) else { return };
    let mut judge = Judge::restore(&ANALYSIS, record);
    let again = Judge::restore(&ANALYSIS, judge.record());
    assert_eq!(again.record(), judge.record(), "what was read is kept");
    watch(&mut judge);
    judge.begin_step(Share::ALL);
    watch(&mut judge);
    judge.pardon();
    judge.begin_step(Share::NONE);
    let verdict = look(&mut judge, Default::default(), 0);
    assert!(!matches!(verdict.outcome, Outcome::Breach(_)), "it was pardoned: {verdict}");
}

/// A minute of traffic, in which the candidate is worse.
fn watch(judge: &mut Judge) {
    let registry = Registry::default();
    let (worker, rollout) = (registry.worker(), RolloutName::new("app"));
    let mut was_breach = false;
    for window in 0..12 {
        for (side, errors, millis) in [(Side::Stable, 1, 20), (Side::Candidate, 40, 900)] {
            let cells = worker.version(&rollout, side);
            cells.requests.add(100);
            cells.errors.add(errors);
            (0..100).for_each(|_| cells.observe(Duration::from_millis(millis)));
        }
        let totals = registry.versions(&rollout);
        let verdict = look(judge, totals, window);
        let is_breach = matches!(verdict.outcome, Outcome::Breach(_));
        assert!(is_breach || !was_breach, "a breach stays one: {verdict}");
        was_breach = is_breach;
    }
}

fn look(judge: &mut Judge, totals: [VersionTotals; 2], window: u64) -> Verdict {
    let now = Instant::ZERO + Duration::from_secs(window * 5);
    let candidate = LAGS[window as usize % LAGS.len()];
    let custom = [Some(Reading { taken: now, candidate, stable: Some(1.0) })];
    let verdict = judge.look(&Look { now, totals, custom: &custom });
    for found in &verdict.numbers.evidence {
        let (evidence, bar) = (found.evidence, found.bar);
        assert!(evidence.is_finite() && evidence >= 0.0 && bar.is_finite(), "{found:?}");
    }
    for answered in [verdict.numbers.stable, verdict.numbers.candidate] {
        assert!(answered.error_rate.is_none_or(f64::is_finite), "{verdict}");
    }
    assert!(serde_json::to_value(&verdict).is_ok(), "{verdict:?}");
    verdict
}
