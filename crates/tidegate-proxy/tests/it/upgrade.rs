//! Group C of docs/security-cases.md: what may turn a connection into something else, and what only
//! tries.

use crate::cases::*;
use crate::world::*;

const KEY: &str = "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
const SWITCHED: &str =
    "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";

/// A WebSocket handshake.
fn handshake() -> String {
    with_fields(&format!("Connection: Upgrade\r\nUpgrade: websocket\r\n{KEY}"))
}

/// A server that switches when asked to, and then sends everything back; otherwise it answers
/// `one`.
fn switching() -> Server {
    Server::start(|conversation, _| {
        while let Some((head, _)) = conversation.request() {
            if field(&head, "upgrade").is_none() {
                conversation.peer.send(ok("one"));
                continue;
            }
            conversation.peer.send(SWITCHED);
            while let Some(byte) = conversation.peer.try_bytes(1) {
                conversation.peer.send(byte);
            }
        }
    })
}

/// Holds that the request is served as an ordinary one: nothing of the upgrade is mentioned to the
/// server.
#[track_caller]
fn forgets_upgrade(site: &Site, request: &str) {
    let head = site.forwards(request);
    for name in ["upgrade", "connection", "http2-settings"] {
        assert_eq!(field(&head, name), None, "{request:?} became {head}");
    }
}

#[test]
fn c1_bytes_behind_a_handshake_wait_for_the_switch() {
    let site = Site::before(switching(), "");
    let mut client = site.balancer.client();
    client.send(handshake() + "early");
    assert_eq!(status(&client.head()), 101);
    assert_eq!(client.bytes(5), b"early");
    client.send("late");
    assert_eq!(client.bytes(4), b"late");
    client.finish();
    assert!(client.is_closed());
    assert_eq!(site.server.heads().len(), 1);
    site.serves();
    assert_eq!(site.server.connections(), 2, "a connection that was switched serves nobody else");
}

#[test]
fn c1_bytes_behind_a_handshake_that_fails_are_requests_like_any_other() {
    // The server does not switch. What came early must have been held back: seen from the server it
    // is a request of its own, with the fields that every forwarded request has.
    let site = Site::new();
    let mut client = site.balancer.client();
    client.send([handshake(), get("/early")].concat());
    assert_eq!(status(&client.message().0), 200);
    assert_eq!(status(&client.message().0), 200);
    let head = site.server.heads().pop().expect("two requests");
    assert!(head.starts_with("GET /early HTTP/1.1\r\n"), "{head}");
    assert!(field(&head, "via").is_some_and(|via| via.contains(NODE)), "{head}");
    // And what is no request is refused as such.
    let mut client = site.balancer.client();
    client.send(handshake() + "\u{1}\u{2}\r\n\r\n");
    assert_eq!(status(&client.message().0), 200);
    assert_eq!(status(&client.message().0), 400);
    assert!(client.is_closed());
    assert_eq!(site.server.heads().len(), 3);
}

#[test]
fn c2_a_handshake_with_a_body_is_an_ordinary_request() {
    let site = Site::before(switching(), "");
    for (framing, body) in [
        ("Content-Length: 5", "hello"),
        ("Transfer-Encoding: chunked", "5\r\nhello\r\n0\r\n\r\n"),
        ("Transfer-Encoding: chunked", "0\r\n\r\n"),
    ] {
        let head = handshake().replace("Upgrade\r\n", &format!("Upgrade\r\n{framing}\r\n"));
        forgets_upgrade(&site, &format!("{head}{body}"));
    }
    site.serves();
    assert_eq!(site.server.connections(), 1);
}

#[test]
fn c3_an_upgrade_to_h2c_is_never_mentioned() {
    let site =
        Site::before(switching(), "[route.all.limits]\nupgrade = [\"websocket\", \"other\"]\n");
    let settings = "HTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA\r\n";
    for lines in [
        "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n",
        "Connection: upgrade\r\nUpgrade: H2C\r\n",
        "Connection: Upgrade\r\nUpgrade: h2c, websocket\r\n",
        "Connection: Upgrade\r\nUpgrade: other\r\nUpgrade: h2c\r\n",
        "Connection: HTTP2-Settings\r\nUpgrade: h2c\r\n",
        "Upgrade: h2c\r\n",
        "Upgrade: other\r\n",
        "Connection: Upgrade\r\nUpgrade: TLS/1.0\r\n",
        "Connection: Upgrade\r\n",
        "",
    ] {
        forgets_upgrade(&site, &with_fields(&format!("{lines}{settings}")));
    }
    assert_eq!(site.server.connections(), 1);
}

#[test]
fn c3_the_preface_of_another_version_is_refused() {
    Site::new().refuses("PRI * HTTP/3.0\r\n\r\nSM\r\n\r\n", 505, "version");
}

#[test]
fn c3_the_preface_of_http_2_opens_a_connection_or_is_refused() {
    let site = Site::new();
    let mut client = site.balancer.client();
    client.send(get("/first"));
    assert_eq!(status(&client.message().0), 200);
    client.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    assert_eq!(status(&client.message().0), 505);
}

#[test]
fn c3_an_old_client_upgrades_nothing() {
    let site = Site::before(switching(), "");
    forgets_upgrade(&site, &handshake().replace("HTTP/1.1", "HTTP/1.0"));
}

#[test]
fn c4_a_switch_that_nobody_asked_for_is_not_passed_on() {
    let fields = "Connection: Upgrade\r\nUpgrade: websocket\r\n";
    for (request, fields) in [
        (get("/bad"), fields),
        (
            with_fields("Connection: Upgrade\r\nUpgrade: h2c\r\n"),
            "Connection: Upgrade\r\nUpgrade: h2c\r\n",
        ),
        (handshake(), "Connection: Upgrade\r\nUpgrade: h2c\r\n"),
        (handshake(), "Connection: Upgrade\r\nUpgrade: websocket\r\nUpgrade: h2c\r\n"),
        (handshake(), "Connection: Upgrade\r\nUpgrade: websocket, h2c\r\n"),
        (handshake(), "Upgrade: websocket\r\n"),
        (handshake(), "Connection: Upgrade\r\n"),
        (handshake(), "Connection: close\r\nUpgrade: websocket\r\n"),
        (handshake(), "Connection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 5\r\n"),
        (
            handshake(),
            "Connection: Upgrade\r\nUpgrade: websocket\r\nTransfer-Encoding: chunked\r\n",
        ),
        (handshake(), ""),
    ] {
        let reply = format!("HTTP/1.1 101 Switching Protocols\r\n{fields}\r\n");
        let server = Server::start(move |conversation, _| {
            while let Some(head) = conversation.head() {
                let good = head.contains(" /good ");
                conversation.peer.send(if good { ok("one") } else { reply.clone() });
            }
        });
        Site::before(server, "").distrusts(request, "bad_response");
    }
}

#[test]
fn c5_connect_is_answered_here_and_what_follows_it_is_not_read() {
    let site = Site::new();
    for line in [
        "CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443",
        "CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\nContent-Length: 0",
        "CONNECT 127.0.0.1:22 HTTP/1.1\r\nHost: a",
        "CONNECT a.example:443 HTTP/1.0",
        "CONNECT / HTTP/1.1\r\nHost: a",
        "CONNECT http://a/ HTTP/1.1\r\nHost: a",
    ] {
        let request = format!("{line}\r\n\r\n");
        match line {
            // To CONNECT every target is an authority; that is none.
            _ if line.contains("http://") => site.refuses(request, 400, "bad_host"),
            _ => site.refuses(request, 405, "method"),
        }
    }
    site.refuses("TRACE / HTTP/1.1\r\nHost: a\r\n\r\n", 405, "method");
}

#[test]
fn c6_a_handshake_that_is_none_is_refused() {
    let site = Site::before(switching(), "");
    let upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\n";
    let key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    let version = "Sec-WebSocket-Version: 13\r\n";
    for lines in [
        String::new(),
        key.to_owned(),
        version.to_owned(),
        format!("{key}Sec-WebSocket-Version: 8\r\n"),
        format!("{key}Sec-WebSocket-Version: 13, 8\r\n"),
        format!("{key}{version}{version}"),
        format!("{key}{key}{version}"),
        format!("{version}Sec-WebSocket-Key: \r\n"),
        format!("{version}Sec-WebSocket-Key: short==\r\n"),
        format!("{version}Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ\r\n"),
        format!("{version}Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==x\r\n"),
        format!("{version}Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25j*Q==\r\n"),
        format!("{version}Sec-WebSocket-Key: caf\u{e9}caf\u{e9}caf\u{e9}caf\u{e9}cafe==\r\n"),
    ] {
        site.refuses(with_fields(&format!("{upgrade}{lines}")), 400, "upgrade");
    }
    let post = handshake().replace("GET", "POST");
    site.refuses(post, 400, "upgrade");
}

#[test]
fn c6_a_route_decides_whether_there_are_upgrades() {
    let site = Site::before(switching(), "[route.all.limits]\nupgrade = []\n");
    site.refuses(handshake(), 400, "upgrade");
    site.refuses(handshake() + "early", 400, "upgrade");
    forgets_upgrade(&site, &with_fields("Connection: Upgrade\r\nUpgrade: other\r\n"));
}

#[test]
fn c6_an_upgrade_that_is_allowed_and_answered_opens_a_tunnel() {
    let site = Site::before(switching(), "");
    let mut client = site.balancer.client();
    client.send(
        handshake().replace("Upgrade\r\n", "x-own, Upgrade\r\n").replace("websocket", "WebSocket"),
    );
    let head = client.head();
    assert_eq!((status(&head), field(&head, "upgrade")), (101, Some("websocket")));
    assert_eq!(field(&head, "connection"), Some("upgrade"));
    let seen = site.server.heads().remove(0);
    assert_eq!(
        (field(&seen, "connection"), field(&seen, "upgrade")),
        (Some("upgrade"), Some("WebSocket"))
    );
    // From here on nothing is understood, not even what looks like a request.
    client.send(get("/behind"));
    assert_eq!(client.bytes(get("/behind").len()), get("/behind").as_bytes());
    assert_eq!(site.server.heads().len(), 1);
}
