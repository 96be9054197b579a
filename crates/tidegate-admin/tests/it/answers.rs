//! What is answered to those who look.

use serde_json::{Value, json};

use crate::support::stage::{CONFIG, Stage};

#[tokio::test]
async fn the_balancer_tells_how_it_does() {
    let stage = Stage::new(CONFIG).await;
    let status = stage.get("/api/v1/status").await;
    assert!(status.head.contains("content-type: application/json"), "{}", status.head);
    assert!(status.head.contains("cache-control: no-store"), "{}", status.head);
    let status = status.json();
    assert_eq!(status["state"], "ready");
    assert_eq!(status["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(status["config"]["revision"], 1);
    assert_eq!(status["config"]["origin"], stage.balancer.file.display().to_string());
    assert_eq!(status["servers"], json!({ "total": 2, "down": 0 }));
}

#[tokio::test]
async fn listeners_routes_and_pools_are_told() {
    let stage = Stage::new(CONFIG).await;
    let listeners = stage.get("/api/v1/listeners").await.json();
    assert_eq!(listeners[0]["name"], "web");
    assert_eq!(listeners[0]["open"], json!(["127.0.0.1:8080"]));
    let routes = stage.get("/api/v1/routes").await.json();
    assert_eq!((&routes[0]["name"], &routes[0]["pool"]), (&json!("all"), &json!("shop")));
    let pools = stage.get("/api/v1/pools").await.json();
    assert_eq!((&pools[0]["name"], &pools[0]["available"]), (&json!("shop"), &json!(2)));
    let pool = stage.get("/api/v1/pools/shop").await.json();
    assert_eq!((&pool["balance"], &pool["members"][1]["name"]), (&json!("p2c"), &json!("big")));
    let servers = stage.get("/api/v1/pools/shop/servers").await.json();
    let big = &servers[1];
    assert_eq!(
        json!([big["address"], big["weight"], big["zone"], big["availability"], big["backup"]]),
        json!(["127.0.0.1:2", 3, "a", "healthy", false])
    );
}

#[tokio::test]
async fn events_come_after_the_one_that_is_known() {
    let stage = Stage::new(CONFIG).await;
    stage.post("/api/v1/config/reload", "").await;
    let all = stage.get("/api/v1/events").await.json();
    let kinds: Vec<&Value> =
        all["events"].as_array().expect("a list").iter().map(|event| &event["kind"]).collect();
    assert_eq!(kinds, ["started", "config-applied"]);
    assert_eq!((&all["last"], &all["missed"]), (&json!(2), &json!(0)));
    let rest = stage.get("/api/v1/events?since=1").await.json();
    assert_eq!(rest["events"], json!([all["events"][1]]));
    let none = stage.get("/api/v1/events?since=2").await.json();
    assert_eq!(none["events"], json!([]));
    let reply = stage.get("/api/v1/events?since=yesterday").await;
    assert_eq!(reply.error(), (400, "bad-request".to_owned()));
}

#[tokio::test]
async fn what_is_not_there_is_an_error_of_one_shape() {
    let stage = Stage::new(CONFIG).await;
    for (method, path, expected) in [
        ("GET", "/", (404, "not-found")),
        ("GET", "/api/v1/nowhere", (404, "not-found")),
        ("GET", "/api/v1/pools/none", (404, "not-found")),
        ("GET", "/api/v1/pools/none/servers", (404, "not-found")),
        ("GET", "/api/v1/pools/shop/nowhere", (404, "not-found")),
        ("GET", "/api/v1/config/reload", (405, "method-not-allowed")),
        ("GET", "/api/v1/explain", (400, "bad-request")),
        ("GET", "/api/v1/explain?url=nonsense", (400, "bad-request")),
    ] {
        let reply = stage.client.ask(method, path, &[], "").await;
        assert_eq!(reply.error(), (expected.0, expected.1.to_owned()), "{method} {path}");
    }
    let bearer = stage.bearer();
    let fields = [("Authorization", bearer.as_str())];
    let reply = stage.client.ask("DELETE", "/api/v1/pools", &fields, "").await;
    assert_eq!(reply.error(), (405, "method-not-allowed".to_owned()));
}

#[tokio::test]
async fn a_request_is_explained_and_not_sent() {
    let stage = Stage::new(CONFIG).await;
    let question = json!({
        "method": "POST", "url": "http://shop.example.com/cart?x=1",
        "headers": [["x-tier", "gold"]], "from": "10.0.0.1",
    });
    let answer = stage.client.ask("POST", "/api/v1/explain", &[], &question.to_string()).await;
    let answer = answer.json();
    assert_eq!((&answer["route"], &answer["path"]), (&json!("all"), &json!("/cart")));
    assert_eq!(answer["pool"]["servers"][0], json!(["127.0.0.1:1", "healthy"]));
    let by_query =
        stage.get("/api/v1/explain?url=http://shop.example.com/cart&from=10.0.0.1").await;
    assert_eq!(by_query.json()["steps"], answer["steps"]);
    assert_eq!(answer["edits"], json!([]));
    let mut question = question;
    question["body"] = json!("{\"type\": \"bulk\"}");
    let answer = stage.client.ask("POST", "/api/v1/explain", &[], &question.to_string()).await;
    assert_eq!(answer.json()["route"], json!("all"));
    for body in ["", "{}", "[1]", "{\"url\": \"/\", \"metod\": \"GET\"}", "{\"url\": \"/..\"}"] {
        let reply = stage.client.ask("POST", "/api/v1/explain", &[], body).await;
        assert_eq!(reply.error(), (400, "bad-request".to_owned()), "{body}");
    }
}
