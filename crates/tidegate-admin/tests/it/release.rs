//! Rollouts through the API: looked at, steered, and refused.

use std::time::Duration;

use tidegate_core::model::ids::RolloutName;
use tidegate_core::model::rollout::Side;
use tidegate_core::telemetry::mirror::Uncopied;

use crate::support::stage::{CONFIG, Stage};

const ROLLOUT: &str = r#"
[runtime]
state = "state"
[pool.shop-v2]
servers = ["127.0.0.1:3"]
[rollout.v2]
pool = "shop"
candidate = "shop-v2"
strategy = "canary"
steps = [25, 100]
hold = "1h"
mirror = { share = 1.0 }
"#;

const PATH: &str = "/api/v1/rollouts/v2";

async fn stage() -> Stage {
    Stage::new(&format!("{CONFIG}{ROLLOUT}")).await
}

#[tokio::test]
async fn a_rollout_is_told_and_steered() {
    let stage = stage().await;
    let all = stage.get("/api/v1/rollouts").await.json();
    assert_eq!((&all[0]["rollout"], &all[0]["phase"]), (&"v2".into(), &"idle".into()));
    assert_eq!(stage.get(PATH).await.json()["steps"], serde_json::json!([25.0, 100.0]));
    let bearer = stage.bearer();
    let fields = [("Authorization", bearer.as_str()), ("Content-Type", "application/json")];
    let freeze = ("/api/v1/freeze/rollouts", "{\"for\": \"1h\"}");
    let frozen = stage.client.ask("POST", freeze.0, &fields, freeze.1).await;
    assert_eq!(frozen.status, 200, "{frozen:?}");
    let start = stage.post(&format!("{PATH}/start"), "").await;
    assert_eq!((start.status, &start.json()["taken"]), (200, &true.into()), "{start:?}");
    assert_eq!(stage.get(PATH).await.json()["phase"], "preparing");
    let again = stage.post(&format!("{PATH}/start"), "").await;
    assert_eq!(again.error(), (409, "refused".to_owned()));
    assert_eq!(stage.post(&format!("{PATH}/pause"), "").await.status, 200);
    let page = stage.get("/metrics").await.body;
    for line in [
        "tidegate_rollout_candidate_percent{rollout=\"v2\"} 0.0",
        "tidegate_rollout_phase{rollout=\"v2\",phase=\"preparing\"} 1",
        "tidegate_rollout_phase{rollout=\"v2\",phase=\"aborted\"} 0",
        "tidegate_rollout_verdicts_total{rollout=\"v2\",outcome=\"breach\"} 0",
    ] {
        assert!(page.contains(line), "{line}\n{page}");
    }
    assert_eq!(stage.post(&format!("{PATH}/abort"), "").await.status, 200);
    assert_eq!(stage.get(PATH).await.json()["phase"], "aborted");
}

#[tokio::test]
async fn what_came_of_copies_is_told() {
    let stage = stage().await;
    let name = RolloutName::new("v2");
    let worker = stage.balancer.registry.worker();
    let count = || {
        let cells = worker.mirror(&name);
        cells.copies.add(3);
        cells.failed.increment();
        cells.differing.increment();
        cells.leave_out(Uncopied::Busy);
        for millis in [2, 20] {
            cells.original.observe(Duration::from_millis(2));
            cells.copy.observe(Duration::from_millis(millis));
        }
        worker.version(&name, Side::Candidate).observe(Duration::from_millis(20));
    };
    count();
    assert_eq!(stage.post(&format!("{PATH}/start"), "").await.status, 200);
    count();
    assert_eq!(stage.post(&format!("{PATH}/pause"), "").await.status, 200);
    let told = &stage.get(PATH).await.json()["mirror"];
    let counts = ["copies", "answered", "failed", "differing"].map(|key| &told[key]);
    assert_eq!(counts, [3, 2, 1, 1], "of the run alone: {told}");
    assert_eq!(told["differing_percent"], 50.0);
    assert_eq!(told["left_out"], serde_json::json!({"busy": 1, "body": 0}));
    assert!(told["candidate"]["p99_ms"].as_f64() > told["stable"]["p99_ms"].as_f64(), "{told}");
    assert_eq!((&told["recent"], &told["forgotten"]), (&serde_json::json!([]), &0.into()));
    let page = stage.get("/metrics").await.body;
    for line in [
        "tidegate_mirror_copies_total{rollout=\"v2\"} 6",
        "tidegate_mirror_failed_total{rollout=\"v2\"} 2",
        "tidegate_mirror_differing_total{rollout=\"v2\"} 2",
        "tidegate_mirror_left_out_total{rollout=\"v2\",reason=\"busy\"} 2",
        "tidegate_mirror_left_out_total{rollout=\"v2\",reason=\"body\"} 0",
        "tidegate_mirror_first_byte_seconds_count{rollout=\"v2\",version=\"candidate\"} 4",
        "tidegate_mirror_first_byte_seconds_sum{rollout=\"v2\",version=\"stable\"} 0.008",
        "tidegate_mirror_differences_forgotten_total{rollout=\"v2\"} 0",
        "tidegate_rollout_duration_seconds_sum{rollout=\"v2\",version=\"candidate\"} 0.04",
        "tidegate_rollout_duration_seconds_count{rollout=\"v2\",version=\"stable\"} 0",
    ] {
        assert!(page.contains(line), "{line}\n{page}");
    }
}

#[tokio::test]
async fn what_makes_no_sense_is_an_error_of_one_shape() {
    let stage = stage().await;
    let post = async |path: &str, body: &str| {
        let bearer = stage.bearer();
        let fields = [("Authorization", bearer.as_str()), ("Content-Type", "application/json")];
        stage.client.ask("POST", path, &fields, body).await.error()
    };
    assert_eq!(stage.get("/api/v1/rollouts/v3").await.error().0, 404);
    assert_eq!(post("/api/v1/rollouts/v3/start", "{}").await, (404, "not-found".to_owned()));
    for (word, body) in [
        ("begin", "{}"),
        ("start", "{\"full\": true}"),
        ("promote", "{\"now\": true}"),
        ("rollback", "{\"all\": true}"),
    ] {
        let error = post(&format!("{PATH}/{word}"), body).await;
        assert_eq!(error, (400, "bad-request".to_owned()), "{word} {body}");
    }
    assert_eq!(post(&format!("{PATH}/promote"), "{\"full\": true}").await.0, 409);
    assert_eq!(post("/api/v1/freeze/rollouts", "{\"for\": \"0s\"}").await.0, 400);
    let nobody = stage.client.ask("POST", &format!("{PATH}/start"), &[], "").await;
    assert_eq!(nobody.error(), (401, "unauthorized".to_owned()));
}
