//! Why a request would go where.

use std::sync::Arc;

use tidegate_control::explain::{ExplainError, Explanation, Question, explain};
use tidegate_control::observe::config_file::{Accepted, Origin};
use tidegate_core::model::ids::{PoolName, RolloutName, ServerIndex};
use tidegate_core::model::rollout::Share;
use tidegate_core::release::division::Division;
use tidegate_core::release::pass::Pass;
use tidegate_core::release::user::User;
use tidegate_core::session::cookie::Remembered;
use tidegate_core::session::tag::ServerTag;
use tidegate_core::snapshot::{Circumstances, ServerIds, Snapshot};
use tidegate_core::time::{Instant, UnixTime};
use tidegate_net::clock;
use tidegate_net::seal::Purpose;

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
    let snapshot = snapshot(&accepted, Vec::new());
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

fn snapshot(accepted: &Accepted, divisions: Vec<Division>) -> Snapshot {
    let (config, mut ids) = (Arc::clone(&accepted.config), ServerIds::default());
    let circumstances = Circumstances { divisions, ..Circumstances::default() };
    Snapshot::build(config, &circumstances, None, &mut ids, Instant::ZERO)
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

const RELEASE: &str = r#"
[listener.web]
address = "127.0.0.1:8080"
[route.all]
pool = "shop"
[pool.shop]
servers = ["127.0.0.1:1"]
session = { mode = "cookie", cookie = "cart" }
[pool.shop-v2]
servers = ["127.0.0.1:2"]
[rollout.v2]
pool = "shop"
candidate = "shop-v2"
strategy = "canary"
user = ["header:x-user", "assign"]
always = ["staff"]
never = ["partners"]
mirror = { share = 1.0 }
[audience.staff]
any = [{ signed_cookie = "staff" }]
[audience.partners]
any = [{ client = ["10.9.0.0/16"] }]
"#;

/// A configuration that was taken, with keys of its own or without any, and a rollout at 50 %.
struct Divided {
    accepted: Accepted,
    snapshot: Snapshot,
    division: Division,
    _directory: Directory,
}

impl Divided {
    fn new(keys: &str) -> Self {
        let directory = Directory::new();
        directory.write("signing.key", "0123456789abcdef0123456789abcdef");
        directory.write("main.toml", &format!("{keys}\n{RELEASE}"));
        let origin = Origin::File(directory.path("main.toml"));
        let accepted = origin.load().unwrap_or_else(|refused| panic!("{:?}", refused.diagnostics));
        let division = Division {
            rollout: RolloutName::new("v2"),
            pool: PoolName::new("shop"),
            candidate: PoolName::new("shop-v2"),
            share: Share::percent(50.0).expect("a share"),
            salt: 42,
            mirrors: true,
        };
        let snapshot = snapshot(&accepted, vec![division.clone()]);
        Self { accepted, snapshot, division, _directory: directory }
    }

    /// With keys that the file names.
    fn with_keys() -> Self {
        Self::new("keys.signing = \"file:signing.key\"")
    }

    /// A user of this side.
    fn user(&self, side: &str) -> String {
        let users = (0..).map(|user: u32| user.to_string());
        let mut users = users.filter(|user| {
            let user = User::named("x-user", user.as_bytes());
            self.division.side_of(user).as_str() == side
        });
        users.next().expect("half of all are")
    }

    fn sealed<const N: usize>(&self, purpose: &Purpose, plain: &[u8; N]) -> String {
        let mut text = String::new();
        self.accepted.tls.contexts.keys.seal(purpose, plain, &mut text);
        text
    }

    fn ask(&self, from: &str, headers: &[(&str, &str)]) -> Explanation {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let question = Question {
            method: "GET".to_owned(),
            url: "/".to_owned(),
            headers: headers.collect(),
            from: from.parse().expect("an address"),
            listener: None,
            body: None,
        };
        explain(&self.snapshot, &self.accepted.tls, &question).expect("an answer")
    }

    /// Holds that what is told has these lines.
    #[track_caller]
    fn tells(&self, (from, headers): (&str, &[(&str, &str)]), lines: &[&str]) {
        let told = self.ask(from, headers).to_string();
        let expected = lines.join("\n");
        assert!(told.contains(&expected), "{headers:?}:\n{told}\ndoes not tell\n{expected}");
    }
}

const SOMEBODY: &str = "192.0.2.1";

#[test]
fn the_version_that_a_user_meets_is_told() {
    let world = Divided::with_keys();
    let divided = "rollout v2 of pool shop: 50 % of users meet shop-v2";
    let (stable, candidate) = (world.user("stable"), world.user("candidate"));
    let named = "  its user is told by header x-user";
    world.tells(
        (SOMEBODY, &[("X-User", &stable)]),
        &[
            divided,
            named,
            "  it meets stable: its place is beyond the share",
            "  it is copied to the candidate once it is answered",
            "route all leads to pool shop (p2c)",
        ],
    );
    world.tells(
        (SOMEBODY, &[("X-User", &candidate)]),
        &[
            divided,
            named,
            "  it meets candidate: its place is within the share",
            "  it is not copied: only what stable answers is",
            "route all leads to pool shop-v2 (p2c)",
            "  127.0.0.1:2: healthy",
        ],
    );
    world.tells(
        (SOMEBODY, &[]),
        &[
            "  nothing in it tells who its user is",
            "  it meets one of the two: a new user is drawn, and assigned the place",
        ],
    );
    let partner = "  it meets stable: audience partners never meets the candidate";
    world.tells(("10.9.0.1", &[("X-User", &candidate)]), &[named, partner]);
}

#[test]
fn sealed_cookies_are_read_where_the_keys_are_and_nowhere_else() {
    let world = Divided::with_keys();
    let user = User::named("x-user", world.user("candidate").as_bytes());
    let assigned = world.sealed(&Purpose::new(User::KIND), &user.bits().to_le_bytes());
    let assigned = format!("{}={assigned}", User::COOKIE);
    let is_assigned = "  its user is told by assigned cookie tidegate_user";
    let stable = world.user("stable");
    let both = [("Cookie", assigned.as_str()), ("X-User", &stable)];
    let within = "  it meets candidate: its place is within the share";
    world.tells((SOMEBODY, &both), &[is_assigned, within]);
    let until = clock::unix_time().as_millis() + 3_600_000;
    let pass = Pass { until: UnixTime::from_millis(until) };
    let pass = world.sealed(&Purpose::of(Pass::KIND, "staff"), &pass.to_bytes());
    let pass = format!("staff={pass}");
    let staff = [("Cookie", pass.as_str()), ("X-User", &stable)];
    world.tells(
        (SOMEBODY, &staff),
        &["  it meets candidate: audience staff meets the candidate first"],
    );
    let bare = Divided::new("");
    let takes = "  it meets one of the two: its place takes the balancer's keys to read";
    bare.tells((SOMEBODY, &both), &[is_assigned, takes]);
    let takes = "cookie staff may put it in an audience, and takes the balancer's keys";
    bare.tells((SOMEBODY, &staff), &[&format!("  it meets one of the two: {takes}")]);
}

#[test]
fn what_a_session_cookie_means_is_told() {
    let world = Divided::with_keys();
    let user = world.user("stable");
    let session = "session in mode cookie (soft), by cookie cart";
    let tells = |cookie: Option<&str>, meaning: &str| {
        let cookie = cookie.map(|value| format!("cart={value}"));
        let mut headers = vec![("X-User", user.as_str())];
        headers.extend(cookie.iter().map(|cookie| ("Cookie", cookie.as_str())));
        world.tells((SOMEBODY, &headers), &[session, &format!("  {meaning}")]);
    };
    let sealed = |at: UnixTime, server: &str| {
        let home = world.snapshot.pool(&PoolName::new("shop")).expect("it is there");
        let tags = &home.tags;
        let tag = match server {
            "127.0.0.1:1" => tags.of(ServerIndex::new(0)),
            _ => ServerTag(1),
        };
        let remembered = Remembered::begin(7).with(tags.pool(), (tags.pool(), tag), at);
        world.sealed(&Purpose::of(Remembered::KIND, "shop"), &remembered.encode())
    };
    let now = clock::unix_time();
    tells(None, "it carries none: a server is picked, and the response sets one");
    tells(Some("AAAA"), "it is none of ours for this pool: the response sets another");
    tells(Some(&sealed(now, "127.0.0.1:1")), "it names 127.0.0.1:1");
    tells(Some(&sealed(now, "gone")), "it names a server that is gone: the session moves");
    let old = UnixTime::from_millis(0);
    tells(Some(&sealed(old, "127.0.0.1:1")), "its time is over: the response sets another");
    let told = world.ask(SOMEBODY, &[("Cookie", &format!("cart={}", sealed(now, "127.0.0.1:1")))]);
    assert_eq!(told.session.and_then(|one| one.server).as_deref(), Some("127.0.0.1:1"));
    let bare = Divided::new("");
    let takes = "  it may name a server, and takes the balancer's keys to read";
    bare.tells((SOMEBODY, &[("Cookie", "cart=AAAA")]), &[session, takes]);
}

#[test]
fn a_rollout_that_divides_nobody_and_a_table_are_told() {
    let config = format!(
        "{CONFIG}{}",
        r#"
[pool.rest-v2]
servers = ["127.0.0.1:4"]
[rollout.v2]
pool = "rest"
candidate = "rest-v2"
strategy = "blue-green"
user = ["client"]
"#
    );
    let config = config.replace(
        "servers = [\"127.0.0.1:3\"]",
        "servers = [\"127.0.0.1:3\"]\nsession = { mode = \"table\", key = \"cookie:id\" }",
    );
    let told = |header| {
        let answer = ask_with(&config, "http://shop.example.com/", header, None);
        answer.expect("an answer").to_string()
    };
    let whole = told(Some(("Cookie", "id=anna")));
    for lines in [
        "rollout v2 of pool rest, with candidate rest-v2\n  its user is told by network of the \
         client\n  it meets stable: no run of it divides users\nroute rest leads to pool rest",
        "session in mode table (soft), by cookie id\n  the table does not know it: a server is \
         picked, and kept from then on",
    ] {
        assert!(whole.contains(lines), "{whole}");
    }
    assert!(told(None).contains("  it carries none: a server is picked\n"));
}
