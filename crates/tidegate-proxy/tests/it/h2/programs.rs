//! Programs of others on HTTP/2: curl, nghttp and h2load as clients, nghttpd and nginx as servers.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};

use super::ways::{Version, before};
use crate::programs::{Directory, Program, installed, nginx_on};
use crate::world::*;

/// What a program printed; it must succeed.
#[track_caller]
fn output(program: &str, arguments: &[&str]) -> Vec<u8> {
    let output = Command::new(program).args(arguments).output().expect("it starts");
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {arguments:?}: {complaint}");
    output.stdout
}

fn url(balancer: &Balancer, path: &str) -> String {
    format!("http://{}{path}", balancer.address)
}

/// nghttpd over a directory, on a free port of an address that no other test uses.
fn nghttpd(directory: &Path) -> (Program, SocketAddr) {
    let free = TcpListener::bind("127.0.0.18:0").expect("a free port");
    let address = free.local_addr().expect("bound");
    drop(free);
    let child = Command::new("nghttpd")
        .args(["--no-tls", "--address=127.0.0.18", "--htdocs"])
        .arg(directory)
        .arg(address.port().to_string())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("nghttpd starts");
    let program = Program::new(child);
    eventually("nghttpd listens", || TcpStream::connect(address).is_ok());
    (program, address)
}

fn large() -> Vec<u8> {
    (0..2_000_000u32).map(|n| (n % 251) as u8).collect()
}

#[test]
fn curl_speaks_http_2_through_us() {
    if !installed("curl") {
        return;
    }
    let server = Server::start(|conversation, _| {
        while let Some((head, body)) = conversation.request() {
            let body = if head.starts_with("POST") { body } else { large() };
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
            conversation.peer.send([head.into_bytes(), body].concat());
        }
    });
    let balancer = before(Version::One, &[server.address], "");
    let shown = ["--http2-prior-knowledge", "--silent", "--show-error", "--max-time", "10"];
    let (one, form) = (url(&balancer, "/one"), "%{http_version} %{http_code}");
    let told = output("curl", &[&shown[..], &["-o", "/dev/null", "-w", form, &one]].concat());
    assert_eq!(String::from_utf8_lossy(&told), "2 200");
    assert!(output("curl", &[&shown[..], &[&one]].concat()) == large());
    let body = "b".repeat(100_000);
    let directory = Directory::new("curl-h2");
    let file = format!("@{}", directory.write("body", &body).display());
    let back = output("curl", &[&shown[..], &["--data-binary", &file, &one]].concat());
    assert!(back == body.as_bytes());
}

#[test]
fn nghttp_and_h2load_are_served() {
    if !installed("nghttp") || !installed("h2load") {
        return;
    }
    let server = Server::answering(ok(&"x".repeat(5000)));
    let balancer = before(Version::One, &[server.address], "");
    let got = output("nghttp", &[&url(&balancer, "/")]);
    assert_eq!(got, "x".repeat(5000).into_bytes());
    let told = output("h2load", &["-n", "600", "-c", "4", "-m", "25", &url(&balancer, "/")]);
    let told = String::from_utf8_lossy(&told);
    assert!(told.contains("600 succeeded, 0 failed, 0 errored, 0 timeout"), "{told}");
    assert!(told.contains("status codes: 600 2xx"), "{told}");
}

/// Holds that files come whole from this server, for clients on either version.
#[track_caller]
fn check_files(address: SocketAddr) {
    let balancer = before(Version::Two, &[address], "");
    let mut client = balancer.client();
    for _ in 0..3 {
        client.send(get("/large.bin"));
        let (head, body) = client.message();
        assert_eq!(status(&head), 200);
        assert!(body == large());
    }
    client.send("HEAD /large.bin HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(field(&client.head(), "content-length"), Some("2000000"));
    client.send(get("/absent"));
    assert_eq!(status(&client.head()), 404);
    assert_eq!(balancer.pool().connections_opened, 1);
    if installed("h2load") {
        let told =
            output("h2load", &["-n", "300", "-c", "2", "-m", "10", &url(&balancer, "/page")]);
        let told = String::from_utf8_lossy(&told);
        assert!(told.contains("status codes: 300 2xx"), "{told}");
        assert!(balancer.pool().connections_opened <= 2);
    }
}

fn files(name: &str) -> Directory {
    let directory = Directory::new(name);
    directory.write("large.bin", large());
    directory.write("page", "a page");
    directory
}

#[test]
fn nghttpd_serves_through_us() {
    if !installed("nghttpd") {
        return;
    }
    let directory = files("nghttpd");
    let (_nghttpd, address) = nghttpd(directory.path());
    check_files(address);
}

#[test]
fn nginx_on_http_2_serves_and_takes_uploads() {
    if !installed("nginx") {
        return;
    }
    let directory = files("nginx-h2");
    std::fs::create_dir_all(directory.path().join("up")).expect("a place to write");
    let server = "location /up/ { dav_methods PUT; client_max_body_size 8m; } location / {}";
    let (_nginx, address) = nginx_on(&directory, "http2", server);
    check_files(address);
    let balancer = before(Version::Two, &[address], "");
    let mut client = balancer.client();
    let body = vec![b'u'; 1_000_000];
    client.send("PUT /up/file HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
    client.send([format!("{:x}\r\n", body.len()).as_bytes(), &body, b"\r\n0\r\n\r\n"].concat());
    assert_eq!(status(&client.message().0), 201);
    client.send(get("/up/file"));
    assert!(client.message().1 == body);
}
