//! Why a request would go where.

use std::sync::Arc;

use tidegate_control::explain::{ExplainError, Explanation, Question, explain};
use tidegate_control::observe::config_file::Origin;
use tidegate_core::snapshot::{Circumstances, ServerIds, Snapshot};
use tidegate_core::time::Instant;

use crate::support::certificate::Pair;
use crate::support::directory::Directory;

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
    ask_of(&origin, url, header, body)
}

fn ask_of(
    origin: &Origin,
    url: &str,
    header: Option<(&str, &str)>,
    body: Option<&str>,
) -> Result<Explanation, ExplainError> {
    let accepted = origin.load().unwrap_or_else(|refused| panic!("{:?}", refused.diagnostics));
    let (config, mut ids) = (Arc::clone(&accepted.config), ServerIds::default());
    let snapshot =
        Snapshot::build(config, &Circumstances::default(), None, &mut ids, Instant::ZERO);
    let headers = header.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let question = Question {
        method: "GET".to_owned(),
        url: url.to_owned(),
        headers: headers.collect(),
        from: "10.0.0.1".parse().expect("an address"),
        listener: None,
        body: body.map(str::to_owned),
    };
    explain(&snapshot, &accepted.tls, &question)
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

const TLS: &str = r#"
[listener.plain]
address = "127.0.0.1:8080"
redirect = "https"
[listener.web]
address = "127.0.0.1:443"
[[listener.web.tls.certificates]]
certificate = "first.pem"
key = "first.key"
[[listener.web.tls.certificates]]
certificate = "shop.pem"
key = "shop.key"
[listener.strict]
address = "127.0.0.1:9443"
proxy_protocol = true
trusted_proxies = ["10.9.0.0/16", "::1"]
[listener.strict.tls]
certificates = { certificate = "first.pem", key = "first.key" }
min_version = "1.3"
client_ca = "first.pem"
client_certificate = "optional"
[route.all]
pool = "app"
request.set_header = { x-scheme = "{scheme}" }
[pool.app]
servers = ["127.0.0.1:1"]
protocol = "h2"
tls = { server_name = "app.internal", ca = "first.pem", certificate = "shop.pem", key = "shop.key" }
[route.bare]
pool = "bare"
match.path = "/bare"
[pool.bare]
servers = ["127.0.0.1:2"]
send_proxy = "v2"
tls = {}
"#;

/// Holds that of what is told about a request these lines, without the directory, are part.
#[track_caller]
fn tells(directory: &Directory, (url, host): (&str, Option<&str>), lines: &[&str]) {
    let origin = Origin::File(directory.path("main.toml"));
    let answer = ask_of(&origin, url, host.map(|host| ("Host", host)), None).expect("an answer");
    let told = answer.to_string().replace(&directory.path("").display().to_string(), "");
    let expected = lines.join("\n");
    assert!(told.contains(&expected), "{url} {host:?}:\n{told}\ndoes not tell\n{expected}");
}

#[test]
fn what_a_connection_meets_and_how_servers_are_reached_is_told() {
    let directory = Directory::new();
    Pair::new(&["first.example"]).write(&directory, "first");
    Pair::new(&["shop.example", "*.shop.example"]).write(&directory, "shop");
    directory.write("main.toml", TLS);
    let tells = |request, lines: &[&str]| tells(&directory, request, lines);
    tells(
        ("https://shop.example/", None),
        &[
            "listener web, host shop.example, path /",
            "  TLS 1.2 or newer, for h2 or http/1.1",
            "  a client that asks for shop.example is shown shop.pem (ecdsa), it is for that name",
            "any listener",
        ],
    );
    tells(("https://a.shop.example/", None), &["shop.pem (ecdsa), its wildcard covers that name"]);
    let none = "is shown first.pem (ecdsa), the first, as none is for that name: first.example";
    tells(("https://other.example/", None), &[&format!("asks for other.example {none}")]);
    let nameless = "asks for no name is shown first.pem (ecdsa), the first: first.example";
    tells(("https://127.0.0.1/", None), &[nameless]);
    tells(("https://shop.example/", None), &["header x-scheme is set to \"https\""]);
    tells(("http://shop.example:443/", None), &["  it speaks TLS: a client in the clear gets 400"]);
    tells(
        ("https://shop.example:9443/", None),
        &[
            "  a PROXY header comes first and names the client, 10.0.0.1; whoever is not among \
             10.9.0.0/16, ::1/128 is disconnected",
            "  TLS 1.3 or newer, for h2 or http/1.1",
            "  a client that asks for shop.example is shown first.pem (ecdsa), the first, as none \
             is for that name: first.example",
            "  a client certificate that first.pem vouches for is optional",
        ],
    );
    tells(
        ("https://shop.example/", None),
        &[
            "  127.0.0.1:1: healthy",
            "  TLS: a server has to prove app.internal by an authority in first.pem; it is shown \
             shop.pem if it asks",
            "  h2 is spoken, or the handshake fails",
        ],
    );
    tells(
        ("https://shop.example/bare", None),
        &[
            "  each connection begins with a PROXY header, v2, that names the client",
            "  TLS: a server has to prove its own address by an authority that the system trusts",
        ],
    );
}

#[test]
fn answers_before_any_route_are_told() {
    let directory = Directory::new();
    Pair::new(&["first.example"]).write(&directory, "first");
    Pair::new(&["shop.example", "*.shop.example"]).write(&directory, "shop");
    directory.write("main.toml", TLS);
    let tells = |request, lines: &[&str]| tells(&directory, request, lines);
    let answered = "before any route it is answered";
    tells(
        ("http://shop.example:8080/a?b", None),
        &[&format!("{answered} 308"), "  Content-Length: 0"],
    );
    tells(
        ("https://shop.example:8080/", None),
        &["  it is plain: a client that begins TLS gets 400"],
    );
    // On a connection for one host another is asked for, with a certificate of its own.
    let refused = "421\n  body: \"this host needs a connection of its own\"";
    tells(("https://shop.example/", Some("first.example")), &[&format!("{answered} {refused}")]);
    tells(("https://shop.example/", Some("a.shop.example")), &["route all leads to pool app"]);
    // Where clients are asked for certificates, every other host is another connection's.
    let strict = "https://shop.example:9443/";
    tells((strict, Some("a.shop.example")), &[&format!("{answered} {refused}")]);
    // Without a host in the URL it is the field that the connection is opened for.
    tells(("/", Some("shop.example")), &[&format!("{answered} 308")]);
}
