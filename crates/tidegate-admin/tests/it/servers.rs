//! What is asked of single servers, and the sessions on them.

use tidegate_core::model::ids::ServerIndex;
use tidegate_net::clock;

use crate::support::stage::{Balancer, CONFIG, Stage};

const SERVER: &str = "/api/v1/pools/shop/servers/big";

/// A balancer that keeps its state in a directory of its own, with two tokens.
async fn stage() -> (Balancer, Stage) {
    let place = Balancer::new(CONFIG);
    let token = |name: &str| {
        let path = place.directory.write(name, &format!("{name}-secret\n"));
        format!("{{ name = \"{name}\", token = \"file:{}\", role = \"{name}\" }}", path.display())
    };
    let (state, read, operate) = (place.directory.path("state"), token("read"), token("operate"));
    let text = format!(
        "[runtime]\nstate = \"{}\"\n[admin]\ntokens = [{read}, {operate}]\n{CONFIG}\
         session = {{ mode = \"table\", key = \"cookie:id\", entries = 10 }}\n",
        state.display()
    );
    let stage = Stage::new(&text).await;
    (place, stage)
}

async fn patch(stage: &Stage, name: &str, path: &str, body: &str) -> (u16, String) {
    let bearer = format!("Bearer {name}-secret");
    let fields = [("Authorization", bearer.as_str()), ("Content-Type", "application/json")];
    let reply = stage.client.ask("PATCH", path, &fields, body).await;
    (reply.status, reply.body)
}

#[tokio::test]
async fn who_operates_may_ask_something_of_a_server() {
    let (_place, stage) = stage().await;
    let drain = "{\"state\": \"drain\", \"weight\": 7}";
    assert_eq!(patch(&stage, "read", SERVER, drain).await.0, 403);
    let (status, body) = patch(&stage, "operate", SERVER, drain).await;
    let server: serde_json::Value = serde_json::from_str(&body).expect("it is JSON");
    assert_eq!(
        (status, &server["rotation"], &server["weight"]),
        (200, &"draining".into(), &7.into())
    );
    assert_eq!(server["override"]["by"], "operate", "{server:#}");
    let listed = stage.get("/api/v1/overrides").await.json();
    assert_eq!((&listed[0]["server"], &listed[0]["state"]), (&"big".into(), &"drain".into()));
    let (status, body) = patch(&stage, "operate", SERVER, "{\"weight\": null}").await;
    assert!(status == 200 && body.contains("\"weight\":3"), "as configured: {body}");
    for (path, body, expected) in [
        ("/api/v1/pools/shop/servers/none", "{\"state\": \"drain\"}", 404),
        (SERVER, "{}", 400),
        (SERVER, "{\"state\": \"ready\", \"within\": \"5m\"}", 400),
        (SERVER, "{\"state\": \"drain\", \"within\": \"soon\"}", 400),
        (SERVER, "{\"state\": \"gone\"}", 400),
        (SERVER, "{\"weight\": 1001}", 400),
        (SERVER, "{\"wait\": 1}", 400),
    ] {
        assert_eq!(patch(&stage, "operate", path, body).await.0, expected, "{path} {body}");
    }
    let bearer = [("Authorization", "Bearer operate-secret")];
    let cleared = stage.client.ask("DELETE", "/api/v1/overrides", &bearer, "").await;
    assert_eq!((cleared.status, cleared.json()[0]["server"].as_str()), (200, Some("big")));
    assert_eq!(stage.get("/api/v1/overrides").await.body, "[]");
}

#[tokio::test]
async fn sessions_are_shown_where_a_pool_has_them() {
    let (_place, stage) = stage().await;
    let snapshot = stage.balancer.control.snapshot();
    let sessions = snapshot.pools[0].sessions.as_ref().expect("it has some");
    for name in 0..12_u8 {
        sessions.learn(&[name], snapshot.pools[0].tags.of(ServerIndex::new(1)), clock::now());
    }
    snapshot.pools[0].count_sessions(clock::now());
    let servers = stage.get("/api/v1/pools/shop/servers").await.json();
    assert_eq!((&servers[0]["sessions"], &servers[1]["sessions"]), (&0.into(), &10.into()));
    let pool = stage.get("/api/v1/pools/shop").await.json();
    assert_eq!(
        (&pool["session_table"]["entries_max"], &pool["session_table"]["evicted"]),
        (&10.into(), &2.into())
    );
    let page = stage.get("/metrics").await.body;
    for line in [
        "tidegate_server_sessions{pool=\"shop\",server=\"big\"} 10",
        "tidegate_pool_sessions{pool=\"shop\"} 10",
        "tidegate_pool_sessions_max{pool=\"shop\"} 10",
        "tidegate_pool_sessions_evicted_total{pool=\"shop\"} 2",
        "tidegate_pool_sessions_expired_total{pool=\"shop\"} 0",
    ] {
        assert!(page.contains(line), "{line}");
    }
}
