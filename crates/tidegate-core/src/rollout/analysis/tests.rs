//! The judge as a whole: what it says of which traffic.

use proptest::prelude::*;

use super::coins::Coins;
use super::evidence::Evidence;
use super::judge::{Judge, Look};
use super::measure::Reading;
use super::record::Record;
use super::verdict::{Outcome, Test, Verdict};
use crate::model::ratio::Ratio;
use crate::model::rollout::{Analysis, CustomMeasure, Errors, OnBreach, OnMissing, Share, Worse};
use crate::rng::Rng;
use crate::telemetry::latency::bucket;
use crate::telemetry::version::VersionTotals;
use crate::time::{Duration, Instant};

fn ratio(ratio: f64) -> Ratio {
    Ratio::new(ratio).expect("it is between 0 and 1")
}

fn settings() -> Analysis {
    Analysis {
        errors: Errors { status: true, reset: true, timeout: true, grpc: true },
        max_error_rate: None,
        max_p99: None,
        compare: true,
        false_alarm: ratio(0.05),
        min_requests: 200,
        on_breach: OnBreach::Rollback,
        custom: Vec::new(),
    }
}

fn measure() -> CustomMeasure {
    CustomMeasure {
        name: "orders".to_owned(),
        prometheus: "http://metrics:9090".to_owned(),
        query: "orders{version=\"{version}\"}".to_owned(),
        every: Duration::from_secs(30),
        max: None,
        worse_by: None,
        worse: Worse::Higher,
        on_missing: OnMissing::Hold,
    }
}

/// A rollout that is watched every five seconds.
struct Scene {
    judge: Judge,
    now: Instant,
    totals: [VersionTotals; 2],
    reading: Option<Reading>,
}

/// What a version answers in five seconds: requests, errors, and how long they take.
type Five = (u64, u64, u64);

const WELL: Five = (90, 1, 40);

impl Scene {
    fn new(settings: &Analysis) -> Self {
        let mut judge = Judge::new(settings);
        judge.begin_step(Share::percent(10.0).expect("it is between 0 and 100"));
        let mut scene =
            Self { judge, now: Instant::ZERO, totals: Default::default(), reading: None };
        scene.look();
        scene
    }

    fn look(&mut self) -> Verdict {
        let custom = [self.reading];
        self.judge.look(&Look { now: self.now, totals: self.totals, custom: &custom })
    }

    /// Five seconds go by, so often.
    fn pass(&mut self, times: u32, stable: Five, candidate: Five) -> Verdict {
        for _ in 0..times {
            self.now = self.now + Duration::from_secs(5);
            for (totals, (requests, errors, millis)) in
                self.totals.iter_mut().zip([stable, candidate])
            {
                totals.requests += requests;
                totals.errors += errors;
                totals.latency.buckets[bucket(Duration::from_millis(millis))] += requests;
            }
            self.look();
        }
        self.look()
    }

    /// The measure is asked for again, so often.
    fn ask(&mut self, times: u32, candidate: Option<f64>, stable: Option<f64>) -> Verdict {
        for _ in 0..times {
            self.now = self.now + Duration::from_secs(30);
            self.reading = Some(Reading { taken: self.now, candidate, stable });
            self.look();
        }
        self.look()
    }
}

fn because(verdict: &Verdict) -> String {
    verdict.outcome.because().unwrap_or_default()
}

fn found(verdict: &Verdict) -> Option<&Test> {
    match &verdict.outcome {
        Outcome::Breach(breach) => Some(&breach.test),
        Outcome::Pass | Outcome::Hold(_) => None,
    }
}

/// Case L6 of docs/security-cases.md, as far as it is the candidate that is starved.
#[test]
fn too_little_traffic_holds_and_says_so() {
    let mut scene = Scene::new(&settings());
    assert_eq!(because(&scene.look()), "the candidate answered 0 of 200 requests");
    let verdict = scene.pass(2, WELL, (6, 0, 40));
    assert_eq!(because(&verdict), "the candidate answered 12 of 200 requests");
    let verdict = scene.pass(40, WELL, (6, 0, 40));
    assert_eq!(verdict.outcome, Outcome::Pass, "{verdict}");
    scene.judge.begin_step(Share::percent(25.0).expect("it is between 0 and 100"));
    assert_eq!(because(&scene.look()), "the candidate answered 0 of 200 requests");
}

#[test]
fn stable_need_not_answer_once_all_traffic_has_gone_over() {
    let mut scene = Scene::new(&settings());
    scene.judge.begin_step(Share::ALL);
    scene.look();
    let verdict = scene.pass(3, (0, 0, 0), WELL);
    assert_eq!(verdict.outcome, Outcome::Pass, "{verdict}");
}

#[test]
fn a_candidate_that_fails_is_found_and_stays_found() {
    let mut scene = Scene::new(&settings());
    assert_eq!(found(&scene.pass(60, WELL, (10, 0, 40))), None);
    let verdict = scene.pass(12, WELL, (10, 3, 40));
    assert_eq!(found(&verdict), Some(&Test::Errors), "{verdict}");
    assert!(because(&verdict).contains("the candidate fails more: "), "{verdict}");
    let later = scene.pass(200, WELL, (10, 0, 40));
    assert_eq!(later.outcome, verdict.outcome, "it is said again");
    let text = serde_json::to_string(&scene.judge.record()).expect("it has a JSON form");
    let record: Record = serde_json::from_str(&text).expect("as written");
    scene.judge = Judge::restore(&settings(), record);
    assert_eq!(scene.look().outcome, verdict.outcome, "after a restart as well");
    scene.judge.pardon();
    assert_eq!(because(&scene.look()), "the candidate answered 0 of 200 requests");
    assert_eq!(found(&scene.pass(50, WELL, (10, 0, 40))), None);
}

#[test]
fn a_candidate_that_is_slower_is_found() {
    let mut scene = Scene::new(&settings());
    assert_eq!(scene.pass(60, WELL, (10, 0, 40)).outcome, Outcome::Pass);
    let verdict = scene.pass(20, WELL, (10, 0, 60));
    assert_eq!(found(&verdict), Some(&Test::Latency), "{verdict}");
}

#[test]
fn evidence_outlives_a_restart_of_the_process() {
    let mut scene = Scene::new(&settings());
    scene.pass(60, WELL, (10, 0, 40));
    let before = scene.pass(2, WELL, (10, 1, 40));
    scene.judge = Judge::restore(&settings(), scene.judge.record());
    scene.totals = Default::default();
    let after = scene.look();
    assert_eq!(after.numbers.evidence, before.numbers.evidence);
    assert_eq!(after.numbers.candidate.requests, before.numbers.candidate.requests);
}

#[test]
fn a_record_of_more_than_can_be_counted_is_no_harm() {
    let most = (u64::MAX, u64::MAX);
    let mut record = serde_json::to_value(Record::default()).expect("it has a JSON form");
    record["step"]["counted"] = serde_json::to_value([most, most]).expect("numbers are JSON");
    let mut scene = Scene::new(&settings());
    let record = serde_json::from_value(record).expect("it is a record still");
    scene.judge = Judge::restore(&settings(), record);
    scene.look();
    let answered = scene.pass(1, WELL, (10, 1, 40)).numbers.candidate;
    assert_eq!((answered.requests, answered.errors), most);
}

#[test]
fn suspicion_holds_a_step_until_it_is_settled() {
    let mut scene = Scene::new(&settings());
    scene.pass(60, (90, 0, 40), (10, 0, 40));
    let verdict = scene.pass(2, (90, 0, 40), (10, 1, 40));
    assert!(because(&verdict).starts_with("not sure yet: evidence by errors "), "{verdict}");
    assert_eq!(scene.pass(60, WELL, (10, 0, 40)).outcome, Outcome::Pass);
}

#[test]
fn limits_are_of_the_candidate_alone_unless_stable_exceeds_them_too() {
    let limits = Analysis {
        max_error_rate: Some(ratio(0.01)),
        max_p99: Some(Duration::from_millis(400)),
        compare: false,
        ..settings()
    };
    let mut scene = Scene::new(&limits);
    assert_eq!(found(&scene.pass(1, WELL, (3, 1, 40))), None, "one of three is no evidence");
    assert_eq!(scene.pass(200, (90, 0, 40), (10, 0, 40)).outcome, Outcome::Pass);
    let verdict = scene.pass(10, (90, 27, 40), (10, 3, 40));
    let fault = "both versions exceed max_error_rate: not the candidate's fault";
    assert_eq!(because(&verdict), fault);
    scene.pass(60, (90, 0, 40), (10, 0, 40));
    let verdict = scene.pass(10, (90, 0, 900), (10, 0, 900));
    assert_eq!(because(&verdict), "both versions exceed max_p99: not the candidate's fault");
    scene.pass(60, (90, 0, 40), (10, 0, 40));
    assert_eq!(found(&scene.pass(40, (90, 0, 40), (10, 0, 900))), Some(&Test::MaxP99));
    let mut scene = Scene::new(&limits);
    let verdict = scene.pass(40, (90, 0, 40), (10, 1, 40));
    assert_eq!(found(&verdict), Some(&Test::MaxErrorRate), "{verdict}");
}

#[test]
fn a_measure_beyond_its_limit_is_a_breach_the_third_time() {
    let limited = CustomMeasure { max: Some(5.0), ..measure() };
    let limited = Analysis { min_requests: 0, custom: vec![limited], ..settings() };
    let mut scene = Scene::new(&limited);
    assert_eq!(scene.ask(2, Some(5.0), None).outcome, Outcome::Pass);
    let verdict = scene.ask(2, Some(6.5), Some(1.0));
    assert_eq!(because(&verdict), "orders is 6.5 for the candidate, above its limit");
    let verdict = scene.ask(9, Some(6.5), Some(7.0));
    assert_eq!(because(&verdict), "both versions exceed orders: not the candidate's fault");
    assert_eq!(found(&scene.ask(2, Some(6.5), None)), None);
    let verdict = scene.ask(1, Some(6.5), None);
    assert_eq!(found(&verdict), Some(&Test::Measure("orders".to_owned())), "{verdict}");
}

#[test]
fn a_measure_that_is_worse_time_after_time_is_a_breach() {
    for (worse, bad, fair) in [(Worse::Higher, 111.0, 109.0), (Worse::Lower, 89.0, 91.0)] {
        let compared = CustomMeasure { worse_by: Some(ratio(0.1)), worse, ..measure() };
        let compared = Analysis { min_requests: 0, custom: vec![compared], ..settings() };
        let mut scene = Scene::new(&compared);
        assert_eq!(scene.ask(30, Some(fair), Some(100.0)).outcome, Outcome::Pass);
        assert_eq!(found(&scene.ask(3, Some(bad), Some(100.0))), None);
        let verdict = scene.ask(25, Some(bad), Some(100.0));
        assert_eq!(found(&verdict), Some(&Test::Measure("orders".to_owned())), "{verdict}");
    }
}

#[test]
fn what_is_no_number_neither_passes_nor_fails_unless_it_is_said_to() {
    let missing = |on_missing, worse_by| {
        let custom = CustomMeasure { max: Some(5.0), on_missing, worse_by, ..measure() };
        Scene::new(&Analysis { min_requests: 0, custom: vec![custom], ..settings() })
    };
    for number in [None, Some(f64::NAN), Some(f64::INFINITY)] {
        let mut hold = missing(OnMissing::Hold, None);
        assert_eq!(because(&hold.ask(20, number, Some(1.0))), "orders has no number");
        assert_eq!(
            hold.ask(1, Some(1.0), number).outcome,
            Outcome::Pass,
            "stable is not asked for"
        );
        let mut compared = missing(OnMissing::Hold, Some(ratio(0.1)));
        assert_eq!(because(&compared.ask(20, Some(1.0), number)), "orders has no number");
        let mut ignore = missing(OnMissing::Ignore, None);
        assert_eq!(ignore.ask(20, number, None).outcome, Outcome::Pass);
        let mut breach = missing(OnMissing::Breach, None);
        assert_eq!(found(&breach.ask(2, number, None)), None, "a moment is forgiven");
        assert_eq!(because(&breach.ask(3, number, None)), "orders has had no number for long");
    }
    let mut old = missing(OnMissing::Hold, None);
    assert_eq!(old.ask(1, Some(1.0), None).outcome, Outcome::Pass);
    old.now = old.now + Duration::from_secs(91);
    assert_eq!(because(&old.look()), "orders has no number", "it is too old");
}

#[test]
fn a_verdict_shows_its_numbers() {
    let custom = vec![CustomMeasure { worse_by: Some(ratio(0.1)), ..measure() }];
    let mut scene =
        Scene::new(&Analysis { max_error_rate: Some(ratio(0.01)), custom, ..settings() });
    let verdict = scene.pass(2, WELL, (6, 0, 40));
    assert_eq!(
        verdict.to_string(),
        "hold: orders has no number; candidate 0 errors of 12 requests (0 %), p99 41 ms, \
         stable 2 errors of 180 requests (1.11 %), p99 41 ms, \
         evidence by errors 0.7 of 80, evidence by latency 1.0 of 80, \
         evidence by max_error_rate 0.4 of 80, evidence by orders 1.0 of 80, \
         orders no number and no number of stable"
    );
    let json = serde_json::to_value(&verdict).expect("it has a JSON form");
    assert_eq!(json["outcome"]["is"], "hold");
    assert_eq!(json["numbers"]["candidate"]["requests"], 12);
    assert_eq!(json["numbers"]["evidence"][1]["test"], "latency");
    assert_eq!(json["numbers"]["evidence"][3]["test"]["measure"], "orders");
}

#[test]
fn equal_versions_rarely_reach_the_bar_however_often_one_looks() {
    // Ville: of runs without fault at most one in ten comes to ten times what was bet.
    let (runs, bar) = (2000, 10_f64.ln());
    let mut rng = Rng::new(1);
    let mut flip = |n: u64, p: f64| (0..n).filter(|_| rng.ratio() < p).count() as u64;
    let reached = (0..runs).filter(|run| {
        let (share, rate) = ([0.01, 0.1, 0.5][run % 3], [0.01, 0.1][run % 2]);
        let mut evidence = Evidence::default();
        (0..60).any(|_| {
            let candidate = flip(50, share);
            let requests = Coins { candidate, stable: 50 - candidate };
            let errors =
                Coins { candidate: flip(candidate, rate), stable: flip(50 - candidate, rate) };
            evidence.add(errors.factors(requests), bar);
            evidence.ln() >= bar
        })
    });
    let reached = reached.count();
    assert!(reached <= runs / 10, "{reached}");
    assert!(reached > 0, "a bar that nothing reaches tests nothing");
}

proptest! {
    #[test]
    fn whatever_is_counted_the_verdict_has_numbers(
        seconds in proptest::collection::vec(
            (0..20_u64, any::<[u32; 4]>(), 0..154_usize, any::<Option<f64>>(), 0..9_u32),
            1..40,
        ),
    ) {
        let custom = CustomMeasure { max: Some(1.0), worse_by: Some(ratio(0.1)), ..measure() };
        let limits = Analysis {
            max_error_rate: Some(ratio(0.0)),
            max_p99: Some(Duration::from_millis(1)),
            custom: vec![custom],
            ..settings()
        };
        let mut scene = Scene::new(&limits);
        for (pause, [a, b, c, d], place, number, step) in seconds {
            scene.now = scene.now + Duration::from_secs(pause);
            for (totals, (requests, errors)) in scene.totals.iter_mut().zip([(a, b), (c, d)]) {
                totals.requests = if step == 7 { 0 } else { totals.requests + u64::from(requests) };
                totals.errors += u64::from(errors);
                totals.latency.buckets[place] += u64::from(requests);
            }
            scene.reading = Some(Reading { taken: scene.now, candidate: number, stable: number });
            if step == 8 {
                scene.judge.begin_step(Share::millionths(a));
            }
            let verdict = scene.look();
            let evidence = &verdict.numbers.evidence;
            prop_assert!(evidence.iter().all(|found| found.evidence.is_finite()), "{verdict}");
            let text = serde_json::to_string(&scene.judge.record()).expect("it has a JSON form");
            let record: Record = serde_json::from_str(&text).expect("as written");
            prop_assert_eq!(Judge::restore(&limits, record.clone()).record(), record);
        }
    }
}
