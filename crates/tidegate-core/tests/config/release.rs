//! Rollouts and audiences: defaults, and what a difference between two is called.

use tidegate_core::config::diff::diff;
use tidegate_core::model::ratio::{Limit, Ratio};
use tidegate_core::model::rollout::{
    Analysis, Errors, Mirror, OnBreach, Rollout, Share, Strategy, UserKey,
};
use tidegate_core::time::Duration;

use crate::disk::config;

const POOLS: &str = "
[listener.web]
address = \"127.0.0.1:8080\"
trusted_proxies = \"10.0.0.0/8\"
[route.shop]
pool = \"shop\"
[pool.shop]
servers = \"127.0.0.1:9001\"
[pool.shop-v2]
servers = \"127.0.0.1:9002\"
[rollout.v2]
pool = \"shop\"
candidate = \"shop-v2\"
";

fn rollout(text: &str) -> Rollout {
    config(&format!("{POOLS}{text}")).rollouts.remove(0)
}

fn percent(percent: f64) -> Share {
    Share::percent(percent).expect("a share")
}

#[test]
fn a_rollout_has_the_documented_defaults() {
    let built = rollout("strategy = \"canary\"");
    let steps = [1.0, 5.0, 10.0, 25.0, 50.0, 100.0].map(percent).to_vec();
    assert_eq!(built.strategy, Strategy::Canary { steps, hold: Duration::from_secs(900) });
    assert_eq!(built.user, [UserKey::Assign]);
    assert_eq!(
        (built.bake, built.keep_old),
        (Duration::from_secs(3600), Duration::from_secs(86_400))
    );
    assert_eq!((built.keep_size, built.max_total), (2, Limit::Unlimited));
    assert!(built.routes.is_empty() && built.smoke.is_none() && built.mirror.is_none());
    let ratio = |value| Ratio::new(value).expect("a ratio");
    let analysis = Analysis {
        errors: Errors { status: true, reset: true, timeout: true, grpc: true },
        max_error_rate: None,
        max_p99: None,
        compare: true,
        false_alarm: ratio(0.05),
        min_requests: 200,
        on_breach: OnBreach::Rollback,
        custom: Vec::new(),
    };
    assert_eq!(built.analysis, Some(analysis));
}

#[test]
fn a_switch_is_one_step() {
    assert_eq!(rollout("strategy = \"blue-green\"").strategy.steps(), [Share::ALL]);
}

#[test]
fn safe_methods_are_copied_unless_others_are_named() {
    let built = rollout("strategy = \"canary\"\nmirror = { share = 0.25 }");
    let mirror = Mirror {
        share: percent(25.0),
        methods: vec!["GET".to_owned(), "HEAD".to_owned()],
        at_once: 100,
        timeout: Duration::from_secs(10),
        body_bytes: 65_536,
    };
    assert_eq!(built.mirror, Some(mirror));
}

#[test]
fn each_difference_between_rollouts_and_audiences_is_told() {
    let canary = "strategy = \"canary\"\nalways = [\"staff\"]\n";
    let staff = "[audience.staff]\nany = { header = { x-a = \"~1|2\" }, trusted = true }\n";
    let geo = "[geo]\ndatabase = \"country.mmdb\"\n";
    let told = |old: &str, new: &str| -> Vec<String> {
        let changes = diff(&config(&format!("{POOLS}{old}")), &config(&format!("{POOLS}{new}")));
        changes.iter().map(ToString::to_string).collect()
    };
    let old = format!("{canary}{staff}");
    assert_eq!(told(&old, &old), Vec::<String>::new());
    for (new, changes) in [
        (format!("{canary}{}", staff.replace('2', "3")), &["audience staff changed: any"][..]),
        (format!("{canary}{staff}{geo}"), &["process changed: geo.database"]),
        (format!("{canary}hold = \"1m\"\n{staff}"), &["rollout v2 changed: hold"]),
        (
            format!("{canary}steps = 100\nbake = \"0s\"\n{staff}"),
            &["rollout v2 changed: bake, steps"],
        ),
        (
            "strategy = \"blue-green\"\nanalysis = \"off\"".to_owned(),
            &["rollout v2 changed: always, analysis, strategy", "audience staff removed"],
        ),
    ] {
        assert_eq!(told(&old, &new), changes, "{new}");
    }
}
