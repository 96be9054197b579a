//! Who may do what, from where, and with which token.

use tidegate_admin::server::StartError;

use crate::support::client::Client;
use crate::support::stage::{Balancer, CONFIG, Stage};

const READING: [&str; 13] = [
    "/api/v1/status",
    "/api/v1/listeners",
    "/api/v1/routes",
    "/api/v1/pools",
    "/api/v1/pools/shop",
    "/api/v1/pools/shop/servers",
    "/api/v1/rollouts",
    "/api/v1/events",
    "/api/v1/config",
    "/api/v1/explain?url=/",
    "/metrics",
    "/healthz",
    "/readyz",
];

/// Tokens of three roles, each the contents of a file.
fn with_tokens(balancer: &Balancer) -> String {
    let file = |name: &str| balancer.directory.write(name, &format!("{name}-secret\n"));
    let token = |name: &str| {
        let path = file(name);
        format!("{{ name = \"{name}\", token = \"file:{}\", role = \"{name}\" }}", path.display())
    };
    format!(
        "[admin]\ntokens = [{}, {}, {}]\n{CONFIG}",
        token("read"),
        token("operate"),
        token("admin")
    )
}

#[tokio::test]
async fn anyone_here_may_look_and_nobody_may_change() {
    let stage = Stage::new(CONFIG).await;
    for path in READING {
        assert_eq!(stage.get(path).await.status, 200, "{path}");
    }
    for (method, path) in [
        ("POST", "/api/v1/config/reload"),
        ("PUT", "/api/v1/config"),
        ("DELETE", "/api/v1/pools/shop"),
        ("PATCH", "/api/v1/pools/shop/servers/big"),
        ("POST", "/api/v1/no-such-path"),
    ] {
        let reply = stage.client.ask(method, path, &[], "").await;
        assert_eq!(reply.error(), (401, "unauthorized".to_owned()), "{method} {path}");
        assert!(reply.head.contains("www-authenticate: bearer"), "{}", reply.head);
    }
    let check = stage.client.ask("POST", "/api/v1/config/check", &[], CONFIG).await;
    assert_eq!(check.status, 200, "what is checked is not changed");
}

#[tokio::test]
async fn the_token_that_was_made_up_allows_a_change() {
    let stage = Stage::new(CONFIG).await;
    assert_eq!(stage.post("/api/v1/config/reload", "").await.status, 200);
    let bearer = stage.bearer();
    for wrong in [
        format!("{bearer}0"),
        bearer[..bearer.len() - 1].to_owned(),
        bearer.to_uppercase(),
        "Bearer ".to_owned(),
        "Bearer".to_owned(),
        bearer.replace("Bearer", "Basic"),
    ] {
        let fields = [("Authorization", wrong.as_str())];
        let reply = stage.client.ask("POST", "/api/v1/config/reload", &fields, "").await;
        assert_eq!(reply.error(), (401, "unauthorized".to_owned()), "{wrong}");
        let reply = stage.client.ask("GET", "/api/v1/status", &fields, "").await;
        assert_eq!(reply.status, 401, "a token that is shown must be valid: {wrong}");
    }
    let events = stage.balancer.control.events(0).events;
    let reason = &events.last().expect("an event").reason;
    assert_eq!(reason, "local token through the API", "who changed it is remembered");
}

#[tokio::test]
async fn each_role_may_do_its_own() {
    let balancer = Balancer::new(CONFIG);
    let stage = Stage::new(&with_tokens(&balancer)).await;
    assert!(stage.server.token().is_none(), "none is made up beside configured ones");
    for (token, looking, changing) in
        [("read", 200, 403), ("operate", 200, 403), ("admin", 200, 200), ("other", 401, 401)]
    {
        let bearer = format!("Bearer {token}-secret");
        let fields = [("Authorization", bearer.as_str())];
        let look = stage.client.ask("GET", "/api/v1/status", &fields, "").await;
        assert_eq!(look.status, looking, "{token}");
        let change = stage.client.ask("POST", "/api/v1/config/reload", &fields, "").await;
        assert_eq!(change.status, changing, "{token}");
    }
}

#[tokio::test]
async fn a_reload_can_bring_other_tokens() {
    let stage = Stage::new(CONFIG).await;
    let old = stage.bearer();
    stage.balancer.directory.write("tidegate.toml", &with_tokens(&stage.balancer));
    assert_eq!(stage.post("/api/v1/config/reload", "").await.status, 200);
    for (bearer, expected) in [(old.as_str(), 401), ("Bearer admin-secret", 200)] {
        let fields = [("Authorization", bearer)];
        let reply = stage.client.ask("POST", "/api/v1/config/reload", &fields, "").await;
        assert_eq!(reply.status, expected, "{bearer}");
    }
}

#[tokio::test]
async fn a_token_that_cannot_be_read_is_a_start_error() {
    let text = "[admin]\ntokens = [{ name = \"bob\", token = \"env:TIDEGATE_NOT_SET\", \
                role = \"admin\" }]\n";
    let balancer = Balancer::new(&format!("{text}{CONFIG}"));
    let error = balancer.try_api(|_| {}).await.expect_err("it cannot start");
    assert!(matches!(&error, StartError::Token { name, .. } if name == "bob"), "{error}");
}

#[tokio::test]
async fn a_page_in_a_browser_gets_nowhere() {
    let stage = Stage::new(CONFIG).await;
    let bearer = stage.bearer();
    let Client::Tcp(address) = stage.client else { panic!("it listens on TCP") };
    let own = address.to_string();
    let (evil, origin) = ("evil.example", "http://evil.example");
    let cases: [(&[(&str, &str)], u16); 8] = [
        (&[("Host", &own)], 200),
        (&[("Host", "[::1]:9900")], 200),
        (&[("Host", &own), ("Origin", &format!("http://{own}"))], 200),
        (&[("Host", evil)], 403),
        (&[("Host", "127.0.0.1.evil.example")], 403),
        (&[("Host", &own), ("Origin", origin)], 403),
        (&[("Host", &own), ("Origin", "null")], 403),
        (&[("Host", evil), ("Origin", origin)], 403),
    ];
    for (fields, expected) in cases {
        for path in ["/api/v1/status", "/metrics", "/healthz", "/nowhere"] {
            let reply = stage.client.ask("GET", path, fields, "").await;
            let expected = if path == "/nowhere" && expected == 200 { 404 } else { expected };
            assert_eq!(reply.status, expected, "{path} {fields:?}");
        }
        let mut fields = fields.to_vec();
        fields.push(("Authorization", &bearer));
        let reply = stage.client.ask("POST", "/api/v1/config/reload", &fields, "").await;
        assert_eq!(reply.status, expected, "a token changes nothing about it: {fields:?}");
    }
    let none = "GET /api/v1/status HTTP/1.1\r\nConnection: close\r\n\r\n";
    assert_eq!(stage.client.send(none).await.status, 403);
    let two = "GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil\r\nConnection: close\r\n\r\n";
    assert_eq!(stage.client.send(two).await.status, 403);
    let absolute = "GET http://evil.example/api/v1/status HTTP/1.1\r\nHost: evil.example\r\n\
                    Connection: close\r\n\r\n";
    assert_eq!(stage.client.send(absolute).await.status, 403);
}
