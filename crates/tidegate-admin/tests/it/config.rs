//! The configuration: shown, tried, reloaded.

use serde_json::json;

use crate::support::stage::{CONFIG, Stage};

#[tokio::test]
async fn the_whole_configuration_is_shown_with_secrets_as_references() {
    let stage = Stage::new(CONFIG).await;
    let secret = stage.balancer.directory.write("secret", "do-not-tell\n");
    let token = format!(
        "[admin]\ntokens = [{{ name = \"a\", token = \"file:{}\", role = \"admin\" }}]\n{CONFIG}",
        secret.display()
    );
    stage.balancer.directory.write("tidegate.toml", &token);
    assert_eq!(stage.post("/api/v1/config/reload", "").await.status, 200);
    let shown = stage.get("/api/v1/config").await;
    assert!(shown.head.contains("content-type: application/toml"), "{}", shown.head);
    assert!(shown.body.contains("shutdown_grace = \"30s\""), "defaults are in it: {}", shown.body);
    assert!(shown.body.contains(&secret.display().to_string()), "{}", shown.body);
    assert!(!shown.body.contains("do-not-tell"), "{}", shown.body);
}

#[tokio::test]
async fn a_text_can_be_checked_without_effect() {
    let stage = Stage::new(CONFIG).await;
    let check = |body: &'static str| {
        let client = stage.client.clone();
        async move { client.ask("POST", "/api/v1/config/check", &[], body).await.json() }
    };
    assert_eq!(check(CONFIG).await, json!({ "ok": true, "diagnostics": [] }));
    let bad = check("[listener.web]\nadress = \"127.0.0.1:80\"\n").await;
    assert_eq!(bad["ok"], false);
    let mistakes = bad["diagnostics"].as_array().expect("a list");
    let typo = mistakes.iter().find(|one| one["key"] == "listener.web.adress").expect("it is told");
    assert_eq!(
        json!([typo["file"], typo["line"], typo["nearest"], typo["severity"]]),
        json!(["body", 2, "address", "error"])
    );
    let included = check("include = [\"/etc/*.conf\"]\n").await;
    assert_eq!(included["ok"], false, "a text reads no files");
    assert_eq!(stage.balancer.control.snapshot().revision, 1);
}

#[tokio::test]
async fn a_reload_tells_what_changed() {
    let stage = Stage::new(CONFIG).await;
    let other = format!("[runtime]\nworkers = 7\n{CONFIG}slow_start = \"5s\"\n");
    stage.balancer.directory.write("tidegate.toml", &other);
    let reply = stage.post("/api/v1/config/reload", "").await;
    assert_eq!(reply.status, 200);
    let reply = reply.json();
    assert_eq!(reply["revision"], 2);
    let changes = reply["changes"].as_array().expect("a list");
    let waits = changes.iter().find(|change| change["needs_restart"] != json!([]));
    assert_eq!(waits.expect("one waits")["needs_restart"], json!(["runtime.workers"]));
    let told = reply.to_string();
    assert!(told.contains("slow_start"), "{told}");
}

#[tokio::test]
async fn a_refused_reload_is_a_conflict_with_every_mistake() {
    let stage = Stage::new(CONFIG).await;
    let bad = CONFIG.replace("[route.all]", "[route.all]\nporl = \"x\"").replace("weight", "wait");
    stage.balancer.directory.write("tidegate.toml", &bad);
    let reply = stage.post("/api/v1/config/reload", "").await;
    assert_eq!(reply.error(), (409, "config-refused".to_owned()));
    let reply = reply.json();
    let keys: Vec<String> = reply["diagnostics"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|one| one["key"].as_str().unwrap_or_default().to_owned())
        .collect();
    assert!(keys.iter().any(|key| key.ends_with("porl")), "{keys:?}");
    assert!(keys.iter().any(|key| key.ends_with("wait")), "{keys:?}");
    let status = stage.get("/api/v1/status").await.json();
    assert_eq!(
        (&status["config"]["revision"], &status["config"]["last_applied"]),
        (&json!(1), &json!(false))
    );
    let metrics = stage.get("/metrics").await.body;
    assert!(metrics.contains("tidegate_config_last_apply_success 0"), "{metrics}");
    assert!(metrics.contains("tidegate_config_reloads_total{result=\"refused\"} 1"), "{metrics}");
}

#[tokio::test]
async fn a_body_has_a_limit() {
    let stage = Stage::new(CONFIG).await;
    let body = "#".repeat((1 << 20) + 1);
    for path in ["/api/v1/config/check", "/api/v1/explain"] {
        let reply = stage.client.ask("POST", path, &[], &body).await;
        assert_eq!(reply.error(), (413, "too-large".to_owned()), "{path}");
    }
    let reply = stage.client.ask("POST", "/api/v1/config/check", &[], &body[..1 << 20]).await;
    assert_eq!(reply.status, 200);
}
