//! Group H of docs/security-cases.md: which header fields are believed, which are ours, and which
//! go nowhere.

use crate::cases::*;
use crate::world::*;

/// The peer of every test is on loopback, and is believed with this.
const TRUSTING: &str =
    "[default.listener]\ntrusted_proxies = [\"127.0.0.0/8\", \"192.168.0.0/16\"]\n";

fn all<'a>(head: &'a str, name: &str) -> Vec<&'a str> {
    fields(head, name).collect()
}

/// A balancer that sends clients of 10.0.0.0/8 to `inner` and everybody else to `outer`.
fn fenced(more: &str) -> (Server, Server, Balancer) {
    let (outer, inner) = (Server::named("outer"), Server::named("inner"));
    let fence = format!(
        "[route.inner]\npool = \"inner\"\n[route.inner.match]\nclient = \"10.0.0.0/8\"\n\
         [pool.inner]\nservers = \"{}\"\n{more}",
        inner.address
    );
    let balancer = Balancer::start(&config(&[outer.address], &fence));
    (outer, inner, balancer)
}

/// The body of the answer to a GET with these field lines.
#[track_caller]
fn answer(balancer: &Balancer, lines: &str) -> String {
    let mut client = balancer.client();
    client.send(with_fields(lines));
    let (head, body) = client.message();
    assert_eq!(status(&head), 200, "{lines:?}");
    String::from_utf8(body).expect("names are text")
}

const CLAIMS: &str = "X-Forwarded-For: 10.1.1.1\r\nX-Forwarded-Proto: https\r\n\
                      X-Forwarded-Host: evil.example\r\n\
                      Forwarded: for=10.1.1.1;proto=https\r\nX-Real-IP: 10.1.1.1\r\n";

#[test]
fn h1_what_a_client_says_of_itself_is_replaced() {
    let head = Site::new().forwards(with_fields(CLAIMS));
    assert_eq!(all(&head, "x-forwarded-for"), ["127.0.0.1"]);
    assert_eq!(all(&head, "x-forwarded-proto"), ["http"]);
    assert_eq!(all(&head, "x-forwarded-host"), ["shop.example.com"]);
    assert_eq!(all(&head, "forwarded"), ["for=127.0.0.1;host=\"shop.example.com\";proto=http"]);
    assert_eq!(field(&head, "x-real-ip"), None);
}

#[test]
fn h1_what_a_trusted_proxy_says_is_kept_and_added_to() {
    let site = Site::with(TRUSTING);
    let head = site.forwards(with_fields(&format!("X-Forwarded-For: 1.2.3.4\r\n{CLAIMS}")));
    assert_eq!(all(&head, "x-forwarded-for"), ["1.2.3.4, 10.1.1.1, 127.0.0.1"]);
    assert_eq!(all(&head, "x-forwarded-proto"), ["https"]);
    assert_eq!(all(&head, "x-forwarded-host"), ["evil.example"]);
    let ours = "for=127.0.0.1;host=\"shop.example.com\";proto=http";
    assert_eq!(all(&head, "forwarded"), [format!("for=10.1.1.1;proto=https, {ours}")]);
    assert_eq!(all(&head, "x-real-ip"), ["10.1.1.1"]);
}

#[test]
fn h1_the_client_is_found_from_the_right() {
    let (_outer, _inner, balancer) = fenced(TRUSTING);
    for (claim, expected) in [
        ("10.1.1.1", "inner"),
        ("10.1.1.1, 192.168.0.1", "inner"),
        ("8.8.8.8, 10.1.1.1", "inner"),
        ("8.8.8.8,10.1.1.1 ,\t192.168.0.1,127.0.0.1", "inner"),
        ("10.1.1.1, 8.8.8.8", "outer"),
        ("10.1.1.1, 8.8.8.8, 192.168.0.1", "outer"),
        ("10.1.1.1, unknown, 192.168.0.1", "outer"),
        ("10.1.1.1, , 192.168.0.1", "outer"),
        ("10.1.1.1,", "outer"),
        ("10.1.1.1 192.168.0.1", "outer"),
        ("10.1.1.1:80", "outer"),
        ("010.1.1.1", "outer"),
        ("::ffff:10.1.1.1", "inner"),
        ("[::ffff:10.1.1.1]", "inner"),
        ("caf\u{e9}", "outer"),
        ("", "outer"),
    ] {
        assert_eq!(
            answer(&balancer, &format!("X-Forwarded-For: {claim}\r\n")),
            expected,
            "{claim:?}"
        );
    }
    let two = |first: &str, second: &str| {
        answer(&balancer, &format!("X-Forwarded-For: {first}\r\nX-Forwarded-For: {second}\r\n"))
    };
    assert_eq!(two("8.8.8.8", "10.1.1.1"), "inner");
    assert_eq!(two("10.1.1.1", "8.8.8.8"), "outer");
}

#[test]
fn h1_nobody_else_is_asked_who_the_client_is() {
    let (_outer, inner, balancer) = fenced("");
    for name in ["X-Forwarded-For", "Forwarded", "X-Real-IP", "CF-Connecting-IP", "True-Client-IP"]
    {
        assert_eq!(answer(&balancer, &format!("{name}: 10.1.1.1\r\n")), "outer", "{name}");
    }
    let (_outer, _inner, balancer) = fenced(TRUSTING);
    for name in ["X_Forwarded_For", "X-Real-IP", "CF-Connecting-IP", "X-Client-IP"] {
        assert_eq!(answer(&balancer, &format!("{name}: 10.1.1.1\r\n")), "outer", "{name}");
    }
    assert!(inner.heads().is_empty());
}

#[test]
fn h1_the_header_of_a_trusted_proxy_goes_nowhere_when_a_stranger_sends_it() {
    let named = "[default.listener]\nclient_header = \"CF-Connecting-IP\"\n";
    let (outer, _inner, balancer) =
        fenced(&format!("{named}trusted_proxies = \"192.168.0.0/16\"\n"));
    assert_eq!(answer(&balancer, "CF-Connecting-IP: 10.1.1.1\r\nX-Own: a\r\n"), "outer");
    let head = outer.heads().remove(0);
    assert_eq!((field(&head, "cf-connecting-ip"), field(&head, "x-own")), (None, Some("a")));
    let (_outer, inner, balancer) = fenced(&format!("{named}trusted_proxies = \"127.0.0.1\"\n"));
    assert_eq!(answer(&balancer, "CF-Connecting-IP: 10.1.1.1\r\n"), "inner");
    assert_eq!(field(&inner.heads()[0], "cf-connecting-ip"), Some("10.1.1.1"));
    assert_eq!(answer(&balancer, "X-Forwarded-For: 10.1.1.1\r\n"), "outer");
    let twice = "CF-Connecting-IP: 10.1.1.1\r\nCF-Connecting-IP: 10.1.1.1\r\n";
    assert_eq!(answer(&balancer, twice), "outer");
}

#[test]
fn h1_the_client_stays_known_when_the_header_that_named_it_goes_no_further() {
    let server = Server::named("one");
    let more = "[default.listener]\ntrusted_proxies = \"127.0.0.0/8\"\nclient_header = \"x-real\"\n\
                [route.all.request]\nremove_header = \"x-real\"\n\
                [route.all.response]\nset_header = { x-client = \"{client}\" }\n";
    let balancer = Balancer::start(&config(&[server.address], more));
    let mut client = balancer.client();
    client.send("GET / HTTP/1.1\r\nHost: a\r\nX-Real: 192.0.2.7\r\n\r\n");
    assert_eq!(field(&client.message().0, "x-client"), Some("192.0.2.7"));
    assert_eq!(field(&server.heads()[0], "x-real"), None);
}

#[test]
fn h2_a_client_cannot_have_our_fields_removed() {
    let site = Site::new();
    let named = "X-Forwarded-For, x-forwarded-proto,Via, Forwarded, Host, Cookie, \
                 Authorization, X-Request-Id, Content-Length, Date, Cache-Control, X-Real-IP";
    let lines = format!(
        "Connection: {named}\r\nCookie: a=b\r\nAuthorization: c\r\nDate: d\r\n\
         Cache-Control: e\r\nContent-Length: 5\r\n"
    );
    let head = site.forwards(with_fields(&lines) + "hello");
    for (name, value) in [
        ("host", "shop.example.com"),
        ("cookie", "a=b"),
        ("authorization", "c"),
        ("date", "d"),
        ("cache-control", "e"),
        ("content-length", "5"),
        ("x-forwarded-for", "127.0.0.1"),
        ("x-forwarded-proto", "http"),
        ("x-forwarded-host", "shop.example.com"),
    ] {
        assert_eq!(all(&head, name), [value], "{name}");
    }
    for name in ["via", "forwarded", "x-request-id"] {
        assert_eq!(all(&head, name).len(), 1, "{name}");
    }
    assert_eq!(field(&head, "connection"), None);
    assert_eq!(site.balancer.refused("protected_header"), 1, "once a request");
}

#[test]
fn h2_fields_of_one_hop_stay_on_it() {
    let site = Site::new();
    let head = site.forwards(with_fields(
        "Connection: X-Own, keep-alive, x-OTHER\r\nConnection: ,,X-Third,\r\n\
         X-Own: a\r\nX-Other: b\r\nx-third: c\r\n\
         X-Kept: d\r\nKeep-Alive: timeout=5\r\nProxy-Connection: keep-alive\r\nTE: trailers\r\n",
    ));
    for name in
        ["x-own", "x-other", "x-third", "connection", "keep-alive", "proxy-connection", "te"]
    {
        assert_eq!(field(&head, name), None, "{name}");
    }
    assert_eq!(field(&head, "x-kept"), Some("d"));
    assert_eq!(site.balancer.refused("protected_header"), 0);
}

#[test]
fn h3_names_that_servers_may_take_for_others_are_dropped() {
    for site in [Site::new(), Site::with(TRUSTING)] {
        let names = [
            "X_Forwarded_Proto",
            "x_forwarded_for",
            "X-Forwarded_Host",
            "X_Auth_User",
            "X-Auth_User",
            "_",
            "Remote_User",
            "X_Real_IP",
            "HTTP_X_FORWARDED_FOR",
            "X_Original_URL",
        ];
        let lines: String = names.iter().map(|name| format!("{name}: evil\r\n")).collect();
        let head = site.forwards(with_fields(&lines));
        assert!(!head.contains("evil"), "{head}");
    }
}

#[test]
fn h4_the_whole_family_is_ours() {
    let lines = "X-Forwarded-Prefix: /evil\r\nX-Forwarded-Port: 1\r\nX-Forwarded-Server: evil\r\n\
                 x-forwarded-scheme: evil\r\nX-Forwarded-: evil\r\n\
                 X-Forwarded-Anything-Else: evil\r\n";
    let head = Site::new().forwards(with_fields(lines));
    assert_eq!(head.matches("X-Forwarded-").count(), 3, "For, Proto and Host: {head}");
    assert!(!head.contains("evil"), "{head}");
    let head = Site::with(TRUSTING).forwards(with_fields(lines));
    assert_eq!(field(&head, "x-forwarded-prefix"), Some("/evil"), "a trusted proxy's are kept");
}

#[test]
fn h6_fields_that_change_the_request_behind_our_back_are_dropped() {
    let names = [
        "X-Original-URL",
        "X-Rewrite-URL",
        "x-original-url",
        "X-HTTP-Method-Override",
        "X-HTTP-Method",
        "X-Method-Override",
        "X-Original-Url",
    ];
    for site in [Site::new(), Site::with(TRUSTING)] {
        let lines: String = names.iter().map(|name| format!("{name}: /evil\r\n")).collect();
        let head = site.forwards(with_fields(&lines));
        assert!(!head.contains("evil"), "{head}");
    }
}

#[test]
fn h7_proxy_is_dropped() {
    for name in ["Proxy", "proxy", "PROXY"] {
        let head = Site::new().forwards(with_fields(&format!("{name}: http://evil/\r\n")));
        assert!(!head.contains("evil"), "{head}");
    }
}

#[test]
fn h8_every_value_of_a_field_is_judged() {
    let (outer, inner) = (Server::named("outer"), Server::named("inner"));
    let rules = format!(
        "[route.gold]\npool = \"inner\"\n[route.gold.match]\nheader = {{ x-tier = \"gold\" }}\n\
         [route.barred]\npool = \"inner\"\n[route.barred.match]\npath = \"/barred\"\n\
         [route.barred.match.not]\nheader = {{ x-from = \"~evil.*\" }}\n\
         [pool.inner]\nservers = \"{}\"\n",
        inner.address
    );
    let balancer = Balancer::start(&config(&[outer.address], &rules));
    assert_eq!(answer(&balancer, "X-Tier: gold\r\n"), "inner");
    assert_eq!(answer(&balancer, "X-Tier: gold\r\nx-tier: gold\r\n"), "inner");
    for lines in [
        "X-Tier: gold\r\nX-Tier: free\r\n",
        "X-Tier: free\r\nX-Tier: gold\r\n",
        "X-Tier: gold, gold\r\n",
        "X-Tier: gold\r\nX-Tier:\r\n",
        "X_Tier: gold\r\n",
        "X-Tier: Gold\r\n",
    ] {
        assert_eq!(answer(&balancer, lines), "outer", "what grants must hold of all: {lines:?}");
    }
    let barred = |lines: &str| {
        let mut client = balancer.client();
        client.send(with_fields(lines).replace("GET / ", "GET /barred "));
        String::from_utf8(client.message().1).expect("names are text")
    };
    assert_eq!(barred("X-From: good\r\n"), "inner");
    for lines in [
        "X-From: evil\r\n",
        "X-From: good\r\nX-From: evil\r\n",
        "X-From: evil\r\nX-From: good\r\n",
        "X-From: good\r\nX-From: evil \r\n",
    ] {
        assert_eq!(barred(lines), "outer", "what denies need hold of one only: {lines:?}");
    }
    assert_eq!(inner.heads().len(), 3);
}

#[test]
fn h9_a_request_that_was_here_before_is_stopped() {
    let site = Site::new();
    for via in [
        format!("1.1 {NODE}"),
        format!("1.0 a, 1.1 {NODE}"),
        format!("1.1 {NODE} (comment), 1.1 b"),
        format!("HTTP/1.1 {NODE}"),
        format!("1.1\t{NODE}"),
        format!("1.1  {NODE}"),
        format!("a,1.1 {NODE},b"),
    ] {
        site.turns_away(with_fields(&format!("Via: {via}\r\n")), 508, "loop");
        site.turns_away(with_fields(&format!("Via: 1.1 a\r\nvia: {via}\r\n")), 508, "loop");
    }
}

#[test]
fn h9_the_via_of_others_is_no_loop() {
    let site = Site::new();
    for via in
        ["1.1 tidegate", "1.1 tidegate-tes", "1.1 tidegate-tests", "1.1 a (tidegate-test)", ""]
    {
        let head = site.forwards(with_fields(&format!("Via: {via}\r\n")));
        assert_eq!(all(&head, "via"), [via, &format!("1.1 {NODE}")]);
    }
}

#[test]
fn h11_a_request_id_is_ours_unless_a_trusted_proxy_gave_a_good_one() {
    let fresh = |head: &str| {
        let ids = all(head, "x-request-id");
        ids.len() == 1 && ids[0].len() == 16 && ids[0].bytes().all(|byte| byte.is_ascii_hexdigit())
    };
    let stranger = Site::new();
    assert!(fresh(&stranger.forwards(get("/"))));
    assert!(fresh(&stranger.forwards(with_fields("X-Request-Id: mine\r\n"))));
    let trusted = Site::with(TRUSTING);
    let long = "a".repeat(64);
    for id in ["mine", "0b7f8d1e-6c1a-4f0e-9d63-2f4f5c0d8a11", "a_b", &long] {
        let head = trusted.forwards(with_fields(&format!("X-Request-Id: {id}\r\n")));
        assert_eq!(all(&head, "x-request-id"), [id]);
    }
    let longer = "a".repeat(65);
    let huge = "a".repeat(16 * 1024);
    for id in ["", "a b", "a,b", "a\"b", "a;b", "../etc", "caf\u{e9}", "${jndi}", &longer, &huge] {
        let head = trusted.forwards(with_fields(&format!("X-Request-Id: {id}\r\n")));
        assert!(fresh(&head), "{id}");
    }
    let twice = "X-Request-Id: a\r\nX-Request-Id: a\r\n";
    assert!(fresh(&trusted.forwards(with_fields(twice))));
}
