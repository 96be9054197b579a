//! Real clients in front of the balancer: curl in several moods, wrk, and one that pipelines.

use std::fmt::Write;
use std::process::Command;

use crate::programs::{Directory, installed};
use crate::world::*;

/// A server that says what it was asked: method, version and how many body bytes came, in whichever
/// framing.
fn reporting() -> Server {
    Server::start(|conversation, _| {
        while let Some(head) = conversation.head() {
            if field(&head, "expect").is_some() {
                conversation.peer.send("HTTP/1.1 100 Continue\r\n\r\n");
            }
            let body = match (field(&head, "transfer-encoding"), field(&head, "content-length")) {
                (Some(_), _) => conversation.peer.chunks().0,
                (None, Some(length)) => conversation.peer.bytes(length.parse().expect("a number")),
                (None, None) => Vec::new(),
            };
            let line = head.lines().next().expect("a request line");
            let report = format!("{line}, {} bytes\n", body.len());
            if line.contains("/chunked") {
                let size = report.len();
                conversation.peer.send(format!(
                    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\
                     {size:x}\r\n{report}\r\n0\r\n\r\n"
                ));
            } else {
                conversation.peer.send(ok(&report));
            }
        }
    })
}

/// What curl prints.
#[track_caller]
fn curl(arguments: &[&str]) -> String {
    let output =
        Command::new("curl").args(["-sS", "-m", "10"]).args(arguments).output().expect("it starts");
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "curl {arguments:?}: {error}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// A balancer in front of a reporting server, and its URL.
fn site() -> (Balancer, Server, String) {
    let server = reporting();
    let balancer = Balancer::start(&config(&[server.address], ""));
    let url = format!("http://{}", balancer.address);
    (balancer, server, url)
}

#[test]
fn curl_keeps_its_connection() {
    if !installed("curl") {
        return;
    }
    let (_balancer, server, url) = site();
    let (one, two) = (format!("{url}/one"), format!("{url}/two"));
    let shown = curl(&["-w", "%{http_version} %{num_connects}\n", &one, &two, &one]);
    let expected = "GET /one HTTP/1.1, 0 bytes\n1.1 1\nGET /two HTTP/1.1, 0 bytes\n1.1 0\n\
                    GET /one HTTP/1.1, 0 bytes\n1.1 0\n";
    assert_eq!(shown, expected);
    assert_eq!(server.connections(), 1);
}

#[test]
fn curl_speaks_1_0() {
    if !installed("curl") {
        return;
    }
    let (_balancer, _server, url) = site();
    for path in ["/plain", "/chunked"] {
        let shown = curl(&["--http1.0", "-D", "-", &format!("{url}{path}")]);
        assert!(shown.contains("Connection: close\r\n"), "{shown}");
        assert!(!shown.contains("chunked\r\n"), "{shown}");
        assert!(shown.ends_with(&format!("\r\n\r\nGET {path} HTTP/1.1, 0 bytes\n")), "{shown}");
    }
}

#[test]
fn curl_uploads_with_and_without_expecting() {
    if !installed("curl") {
        return;
    }
    let (_balancer, server, url) = site();
    let directory = Directory::new("curl-uploads");
    let file = directory.write("upload", vec![b'u'; 3_000_000]);
    let data = format!("@{}", file.display());
    let file = file.display().to_string();
    let expecting = curl(&["-v", "-H", "Expect: 100-continue", "--data-binary", &data, &url]);
    assert_eq!(expecting, "POST / HTTP/1.1, 3000000 bytes\n");
    assert_eq!(field(&server.heads()[0], "expect"), Some("100-continue"));
    let plain = curl(&["-H", "Expect:", "--data-binary", &data, &url]);
    assert_eq!(plain, "POST / HTTP/1.1, 3000000 bytes\n");
    let chunked = curl(&["-H", "Transfer-Encoding: chunked", "-T", &file, &format!("{url}/up")]);
    assert_eq!(chunked, "PUT /up HTTP/1.1, 3000000 bytes\n");
    assert_eq!(server.connections(), 1);
}

#[test]
fn curl_sees_the_chunks_as_they_are() {
    if !installed("curl") {
        return;
    }
    let (_balancer, _server, url) = site();
    let shown = curl(&["--raw", &format!("{url}/chunked")]);
    assert_eq!(shown, "1f\r\nGET /chunked HTTP/1.1, 0 bytes\n\r\n0\r\n\r\n");
}

#[test]
fn curl_is_told_when_a_download_is_cut_short() {
    if !installed("curl") {
        return;
    }
    let server = Server::start(|conversation, _| {
        conversation.request();
        conversation
            .peer
            .send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n");
    });
    let balancer = Balancer::start(&config(&[server.address], ""));
    let url = format!("http://{}/", balancer.address);
    let output = Command::new("curl").args(["-sS", "-m", "10", &url]).output().expect("it starts");
    assert_eq!(output.status.code(), Some(18), "a partial file");
    assert_eq!(output.stdout, b"half");
}

#[test]
fn wrk_finds_no_error_in_a_second() {
    if !installed("wrk") {
        return;
    }
    let servers = [Server::named("one"), Server::named("two")];
    let addresses = [servers[0].address, servers[1].address];
    let balancer = Balancer::with_workers(&config(&addresses, ""), 2);
    let url = format!("http://{}/", balancer.address);
    let output =
        Command::new("wrk").args(["-t1", "-c16", "-d1s", &url]).output().expect("it starts");
    let shown = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && shown.contains("requests in"), "{shown}");
    assert!(!shown.contains("Socket errors") && !shown.contains("Non-2xx"), "{shown}");
    let scrape = balancer.registry.scrape();
    let codes = &scrape.routes.values().next().expect("a route").codes;
    assert!(codes[&200] > 100, "{codes:?}");
    // wrk leaves in the middle of its last requests.
    assert!(codes.keys().all(|code| matches!(code, 200 | 499)), "{codes:?}");
}

#[test]
fn a_client_that_pipelines_deeply_gets_every_answer_in_order() {
    let (_balancer, server, _) = site();
    let balancer = Balancer::start(&config(&[server.address], ""));
    let mut client = balancer.client();
    let mut requests = String::new();
    for n in 0..2000 {
        write!(requests, "GET /{n} HTTP/1.1\r\nHost: a\r\n\r\n").expect("a string takes all");
    }
    client.send(requests);
    for n in 0..2000 {
        assert_eq!(client.message().1, format!("GET /{n} HTTP/1.1, 0 bytes\n").into_bytes());
    }
    assert_eq!(server.connections(), 1);
}
