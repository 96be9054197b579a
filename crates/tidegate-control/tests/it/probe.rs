//! What checks find at servers of every kind.

use std::net::SocketAddr;

use tidegate_control::status::server::{ProbeStatus, ServerStatus};
use tidegate_net::task;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;

use crate::support::balancer::{Balancer, config, text, until};
use crate::support::server::{Manner, Server, nobody};

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// The first probe of a server, and how the server stands after it.
async fn first(address: SocketAddr, check: &str) -> (ProbeStatus, ServerStatus) {
    let lines = format!("health = {{ timeout = \"300ms\", fail_after = \"300ms\", {check} }}");
    let balancer = Balancer::start(text(config(&[address], &lines))).await;
    until("a probe has a result", || !balancer.servers()[0].probes.is_empty()).await;
    let server = balancer.servers().remove(0);
    (server.probes.last().expect("there is one").clone(), server)
}

#[track_caller]
fn assert_found(case: &str, found: &(ProbeStatus, ServerStatus), expected: (&str, Option<u16>)) {
    let (probe, server) = found;
    assert_eq!((probe.result, probe.status), expected, "{case}: {probe:?}");
    let availability = if expected.0 == "success" { "healthy" } else { "unhealthy" };
    assert_eq!(server.availability, availability, "{case}: one result decides");
}

#[tokio::test]
async fn answers_are_told_apart() {
    let long = format!("HTTP/1.1 200 OK\r\nX-Long: {}\r\n\r\n", "x".repeat(40_000));
    let interim = "HTTP/1.1 103 Early\r\n\r\n".repeat(17);
    for (said, expected) in [
        (OK, ("success", Some(200))),
        ("HTTP/1.0 204 No Content\r\n\r\n", ("success", Some(204))),
        ("HTTP/1.1 200 OK\r\n\r\nuntil the end", ("success", Some(200))),
        ("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", ("success", Some(200))),
        ("HTTP/1.1 500 Broken\r\nContent-Length: 0\r\n\r\n", ("status", Some(500))),
        ("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", ("status", Some(404))),
        ("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", ("protocol", None)),
        ("HTTP/1.1 200 OK\nContent-Length: 0\n\n", ("protocol", None)),
        ("SSH-2.0-OpenSSH_9.2\r\n\r\n", ("protocol", None)),
        ("\u{16}\u{3}\u{1}garbage", ("protocol", None)),
        ("HTTP/1.1 200 OK\r\nContent-", ("reset", None)),
        (long.as_str(), ("protocol", None)),
        (interim.as_str(), ("protocol", None)),
    ] {
        let server = Server::start(Manner::say(said)).await;
        let found = first(server.address, "path = \"/\"").await;
        assert_found(&said[..said.len().min(40)], &found, expected);
    }
}

#[tokio::test]
async fn servers_that_do_not_answer_are_told_apart() {
    let closing = Server::start(Manner::Close).await;
    assert_found("closes", &first(closing.address, "path = \"/\"").await, ("reset", None));
    let hanging = Server::start(Manner::Hang).await;
    assert_found("hangs", &first(hanging.address, "path = \"/\"").await, ("timeout", None));
    assert_found("is gone", &first(nobody().await, "path = \"/\"").await, ("refused", None));
}

#[tokio::test]
async fn a_head_that_comes_a_byte_at_a_time_is_a_head() {
    let pieces = OK.bytes().map(|byte| vec![byte]).collect();
    let server = Server::start(Manner::Say(pieces)).await;
    assert_found("bytes", &first(server.address, "path = \"/\"").await, ("success", Some(200)));
}

#[tokio::test]
async fn a_tcp_check_asks_for_a_connection_alone() {
    let server = Server::start(Manner::Hang).await;
    assert_found("tcp", &first(server.address, "type = \"tcp\"").await, ("success", None));
    assert_found("tcp", &first(nobody().await, "type = \"tcp\"").await, ("refused", None));
}

/// One that says how it is, is among the tests of the whole program.
#[tokio::test]
async fn what_is_no_grpc_server_is_not_well() {
    let check = "type = \"grpc\", service = \"shop.Cart\"";
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    let other = task::spawn("test-server", async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.write_all(OK.as_bytes()).await;
        }
    });
    let (probe, server) = first(address, check).await;
    other.abort();
    assert!(matches!(probe.result, "protocol" | "reset"), "{probe:?}");
    assert_eq!(server.availability, "unhealthy");
    let hanging = Server::start(Manner::Hang).await;
    assert_found("hangs", &first(hanging.address, check).await, ("timeout", None));
    assert_found("is gone", &first(nobody().await, check).await, ("refused", None));
}

#[tokio::test]
async fn a_check_says_that_it_speaks_for_nobody_where_traffic_is_announced() {
    const V2: &str = "\r\n\r\n\0\r\nQUIT\n\x20\0\0\0";
    for (version, header) in [("v1", "PROXY UNKNOWN\r\n"), ("v2", V2)] {
        let server = Server::start(Manner::say(OK)).await;
        let lines = format!("send_proxy = \"{version}\"\nhealth = {{ path = \"/\" }}");
        let balancer = Balancer::start(text(config(&[server.address], &lines))).await;
        until("a probe came", || !server.requests().is_empty()).await;
        let request = server.requests().remove(0);
        assert!(request.starts_with(&format!("{header}GET / HTTP/1.1\r\n")), "{request:?}");
        drop(balancer);
        let port = server.address.port();
        let lines =
            format!("send_proxy = \"{version}\"\nhealth = {{ path = \"/own\", port = {port} }}");
        let _balancer = Balancer::start(text(config(&[server.address], &lines))).await;
        let plain = || server.requests().iter().any(|request| request.starts_with("GET /own "));
        until("a probe of a port of its own came", plain).await;
    }
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let target = Server::start(Manner::status(200)).await;
    let moved = |code: u16| {
        let to = target.address;
        Manner::say(&format!("HTTP/1.1 {code} Moved\r\nLocation: http://{to}/\r\n\r\n"))
    };
    let server = Server::start(moved(302)).await;
    assert_found("302", &first(server.address, "path = \"/\"").await, ("success", Some(302)));
    let strict = "path = \"/\", status = \"200-299\"";
    assert_found("strict", &first(server.address, strict).await, ("status", Some(302)));
    assert_eq!(target.connections(), 0);
}

#[tokio::test]
async fn a_text_is_looked_for_in_the_body() {
    const CHUNKS: &str = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    for (body, expected) in [
        ("HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\nall is well\r\n", ("success", Some(200))),
        ("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nis well", ("body", None)),
        ("HTTP/1.1 200 OK\r\n\r\nall is well", ("success", Some(200))),
        ("HTTP/1.1 200 OK\r\n\r\nall is ill", ("body", None)),
        ("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nall is", ("reset", None)),
        (&format!("{CHUNKS}4\r\nis w\r\n3\r\nell\r\n0\r\n\r\n"), ("success", Some(200))),
        (&format!("{CHUNKS}4\r\nis w\r\n0\r\n\r\n"), ("body", None)),
        (&format!("{CHUNKS}zz\r\nis well\r\n"), ("protocol", None)),
    ] {
        let server = Server::start(Manner::say(body)).await;
        let check = "path = \"/\", body_contains = \"is well\"";
        assert_found(body, &first(server.address, check).await, expected);
    }
}

#[tokio::test]
async fn a_body_without_end_is_cut_off() {
    let start = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n".to_vec();
    let server = Server::start(Manner::Flood(start)).await;
    let check = "path = \"/\", body_contains = \"is well\"";
    assert_found("flood", &first(server.address, check).await, ("body", None));
    // What the kernel's buffers take on the way counts as sent.
    assert!(server.flooded() < 32 << 20, "{} bytes were taken", server.flooded());
}

#[tokio::test]
async fn a_request_says_who_asks_and_what_the_check_adds() {
    let server = Server::start(Manner::status(200)).await;
    let check = "path = \"/health?full=1\", method = \"HEAD\", host = \"shop.example.com\", \
                 headers = { x-probe = \"yes\" }";
    assert_found("head", &first(server.address, check).await, ("success", Some(200)));
    let request = server.requests().remove(0);
    let mut lines: Vec<&str> = request.lines().filter(|line| !line.is_empty()).collect();
    lines[1..].sort_unstable();
    assert_eq!(
        lines,
        [
            "HEAD /health?full=1 HTTP/1.1",
            "Connection: close",
            "Host: shop.example.com",
            "User-Agent: tidegate-health",
            "x-probe: yes",
        ]
    );
}

#[tokio::test]
async fn another_port_may_be_asked() {
    let server = Server::start(Manner::status(200)).await;
    let check = format!("path = \"/\", port = {}", server.address.port());
    assert_found("port", &first(nobody().await, &check).await, ("success", Some(200)));
}

#[tokio::test]
async fn a_server_that_fails_and_recovers_is_followed() {
    let server = Server::start(Manner::status(200)).await;
    let lines = "health = { path = \"/\", interval = \"20ms\", interval_changing = \"20ms\", \
                 unhealthy_after = 2, healthy_after = 2 }";
    let balancer = Balancer::start(text(config(&[server.address], lines))).await;
    assert_eq!(balancer.availability(), ["healthy"]);
    server.behave(Manner::status(503));
    until("it is unhealthy", || balancer.availability() == ["unhealthy"]).await;
    let down = balancer.servers().remove(0);
    assert_eq!(down.reason, "2 failed probes in a row, last: status 503");
    server.behave(Manner::status(200));
    until("it is healthy", || balancer.availability() == ["healthy"]).await;
    until("ten probes are kept", || balancer.servers()[0].probes.len() == 10).await;
    let up = balancer.servers().remove(0);
    assert!(up.probes.is_sorted_by(|a, b| a.at >= b.at), "newest first");
    assert!(up.slow_start < 1.0, "it begins slowly: {}", up.slow_start);
    assert_eq!(
        balancer.kinds(),
        ["started", "server-down", "pool-down", "pool-panic", "server-up", "pool-up"]
    );
}
