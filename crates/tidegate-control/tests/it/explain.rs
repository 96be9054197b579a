//! Why a request would go where.

use tidegate_control::explain::{ExplainError, Explanation, Question, explain};
use tidegate_control::observe::config_file::Origin;
use tidegate_core::snapshot::{Instances, ServerIds, Snapshot};
use tidegate_core::time::Instant;

const CONFIG: &str = r#"
[listener.web]
address = "127.0.0.1:8080"
[listener.zone]
address = "127.0.0.1:9090"
[route.shop]
pool = "shop"
match = { host = "shop.example.com", path_prefix = "/api", header = { x-tier = "gold" } }
[route.inner]
pool = "inner"
match = { listener = "zone" }
[route.rest]
pool = "rest"
match = { host = "shop.example.com" }
response = { compress = ["br", "gzip"] }
[pool.shop]
servers = ["127.0.0.1:1"]
balance = "round-robin"
[pool.inner]
servers = ["127.0.0.1:2"]
[pool.rest]
servers = ["127.0.0.1:3"]
"#;

fn ask(url: &str, header: Option<(&str, &str)>) -> Result<Explanation, ExplainError> {
    ask_with(CONFIG, url, header, None)
}

fn ask_with(
    config: &str,
    url: &str,
    header: Option<(&str, &str)>,
    body: Option<&str>,
) -> Result<Explanation, ExplainError> {
    let origin = Origin::Text { name: "test".to_owned(), text: config.to_owned() };
    let config = origin.read().unwrap_or_else(|refused| panic!("{:?}", refused.diagnostics)).config;
    let snapshot =
        Snapshot::build(config, &Instances::new(), None, &mut ServerIds::default(), Instant::ZERO);
    let headers = header.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let question = Question {
        method: "GET".to_owned(),
        url: url.to_owned(),
        headers: headers.collect(),
        from: "10.0.0.1".parse().expect("an address"),
        listener: None,
        body: body.map(str::to_owned),
    };
    explain(&snapshot, &question)
}

#[test]
fn the_walk_ends_at_the_route_that_takes_the_request() {
    let gold =
        ask("http://shop.example.com/api/x?y=1", Some(("X-Tier", "gold"))).expect("an answer");
    assert_eq!((gold.route.as_deref(), gold.path.as_str()), (Some("shop"), "/api/x"));
    let pool = gold.pool.expect("a pool");
    assert_eq!((pool.name.as_str(), &*pool.balance), ("shop", "round-robin"));
    assert_eq!(pool.servers, [("127.0.0.1:1".to_owned(), "healthy".into())]);
}

#[test]
fn conditions_that_do_not_hold_are_named() {
    let plain = ask("http://shop.example.com/api", None).expect("an answer");
    assert_eq!(plain.route.as_deref(), Some("rest"));
    let failed = plain.steps[0].trials[0].failed.as_deref();
    assert!(failed.is_some_and(|condition| condition.contains("x-tier")), "{failed:?}");
    let told = plain.to_string();
    assert!(told.contains("shop: does not hold: "), "{told}");
    assert!(told.contains("route rest leads to pool rest (p2c)\n  127.0.0.1:3: healthy"), "{told}");
}

#[test]
fn the_port_of_the_url_tells_the_listener() {
    let inner = ask("http://localhost:9090/", None).expect("an answer");
    assert_eq!((inner.listener.as_str(), inner.route.as_deref()), ("zone", Some("inner")));
    let web = ask("/", Some(("Host", "nowhere.example"))).expect("an answer");
    assert_eq!((web.listener.as_str(), web.route), ("web", None));
}

#[test]
fn what_is_no_request_is_refused() {
    for url in ["ftp://a/", "shop.example.com", "http://", "http://user@host/"] {
        assert_eq!(ask(url, None), Err(ExplainError::Url(url.to_owned())));
    }
    assert!(matches!(ask("http://a/../..", None), Err(ExplainError::Path(_))));
}

const EDITS: &str = r#"
[listener.web]
address = "127.0.0.1:8080"
[route.app]
pool = "app"
[route.app.request]
strip_prefix = "/api"
host = "inner"
remove_header = ["cookie"]
set_header = { x-client = "{client}:{port}", x-tier = "{header:x-none}" }
[route.app.response]
set_header = { x-id = "{request_id}" }
hsts = "1h"
[route.old]
redirect = { to = "https://{host}/new{path}" }
match.path_prefix = "/old"
request.strip_prefix = "/old"
[route.bulk]
pool = "bulk"
match = { path = "/orders", body_json = { "/type" = "bulk" } }
[route.turn]
pool = "app"
match.path_prefix = "/turn"
request.rewrite = { regex = "/turn(.*)", to = "/x$1." }
[pool.app]
servers = ["127.0.0.1:1"]
[pool.bulk]
servers = ["127.0.0.1:2"]
"#;

#[test]
fn edits_and_local_answers_are_told() {
    let told = |url: &str| ask_with(EDITS, url, None, None).expect("an answer").to_string();
    let app = "route app changes:\n  path /api/v1 becomes /v1\n  \
               host shop.test:8080 becomes inner\n  \
               header cookie is removed\n  header x-client is set to \"10.0.0.1:8080\"\n  \
               header x-tier is removed: its value comes out empty\n  response: x-id is set\n  \
               response over https: strict-transport-security is set to \"max-age=3600\"\n\
               route app leads to pool app (p2c)";
    let whole = told("http://shop.test:8080/api/v1");
    assert!(whole.contains("host shop.test") && whole.contains(app), "{whole}");
    let whole = told("http://shop.test/old/x?q=1");
    let old = "route old changes:\n  path /old/x becomes /x\nroute old answers 308\n  \
               Content-Length: 0\n  location: https://shop.test/new/x?q=1";
    assert!(whole.ends_with(old), "{whole}");
    let whole = told("http://shop.test/turn/.");
    assert!(whole.contains("route turn answers 400\n  body: \"an edit makes a path"), "{whole}");
}

#[test]
fn a_body_may_be_asked_about() {
    let route = |header, body: Option<&str>| {
        let told = ask_with(EDITS, "/orders", header, body).expect("an answer");
        told.route.expect("a route takes it")
    };
    assert_eq!(route(None, Some(r#"{"type":"bulk"}"#)), "bulk");
    assert_eq!(route(None, Some(r#"{"type":"x"}"#)), "app");
    assert_eq!(route(Some(("content-type", "text/plain")), Some(r#"{"type":"bulk"}"#)), "app");
    let long = format!("{{\"type\":\"bulk\"}}{}", " ".repeat(1 << 16));
    assert_eq!(route(None, Some(&long)), "app");
    assert_eq!(route(None, None), "app");
}

#[test]
fn compression_is_told_for_the_client_that_asks() {
    let told = |header| {
        let answer = ask("http://shop.example.com/", header).expect("an answer");
        answer.to_string().lines().last().map(str::to_owned)
    };
    let coded = told(Some(("Accept-Encoding", "gzip, zstd")));
    assert_eq!(coded.as_deref(), Some("a response that is worth it is sent in gzip of br, gzip"));
    let bare = told(None);
    let none = "responses are sent as they are: the client takes none of br, gzip";
    assert_eq!(bare.as_deref(), Some(none));
    let elsewhere = ask("http://localhost:9090/", Some(("Accept-Encoding", "gzip")));
    assert_eq!(elsewhere.expect("an answer").compression, None);
}
