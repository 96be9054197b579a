//! The PROXY protocol, in and out: cases M1 to M3 of docs/security-cases.md, headers byte by byte,
//! and HAProxy and nginx at the other ends.

use std::net::{SocketAddr, TcpListener};
use std::process::Command;

use crate::cases::*;
use crate::programs::{Directory, haproxy, installed, nginx};
use crate::world::*;

/// Clients of every test are on loopback; with this they are proxies that must say for whom.
const REQUIRED: &str =
    "[default.listener]\nproxy_protocol = true\ntrusted_proxies = \"127.0.0.0/8\"\n";

const V1: &[u8] = b"PROXY TCP4 192.0.2.7 198.51.100.2 56324 443\r\n";
const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";
/// 192.0.2.7:56324 to 198.51.100.2:443.
const BLOCK: &[u8] = &[192, 0, 2, 7, 198, 51, 100, 2, 0xdc, 0x04, 0x01, 0xbb];

fn v2(command: u8, family: u8, block: &[u8]) -> Vec<u8> {
    let length = u16::try_from(block.len()).expect("short").to_be_bytes();
    [SIGNATURE, &[command, family], &length, block].concat()
}

/// The client that the server is told of when a connection begins like this.
#[track_caller]
fn client_of(site: &Site, header: &[u8]) -> String {
    let head = site.forwards([header, get("/").as_bytes()].concat());
    field(&head, "x-forwarded-for").expect("it is always sent").to_owned()
}

/// Holds that a connection that begins like this is dropped without a word, counted as `reason`,
/// and that no server sees anything of it.
#[track_caller]
fn drops(site: &Site, header: &[u8], reason: &str) {
    let (seen, refused) = (site.server.heads().len(), site.balancer.refused(reason));
    let mut client = site.balancer.client();
    client.send([header, get("/behind").as_bytes()].concat());
    client.finish();
    let shown = header.escape_ascii().to_string();
    assert!(client.is_closed(), "an answer to {shown}");
    assert_eq!(site.balancer.refused(reason), refused + 1, "{reason} was not counted for {shown}");
    assert_eq!(site.server.heads().len(), seen, "{shown} reached the server");
    assert_eq!(tidegate_net::task::panics(), 0);
}

#[test]
fn m1_a_header_from_a_stranger_drops_the_connection() {
    let strict = REQUIRED.replace("127.0.0.0/8", "192.0.2.0/24");
    let site = Site::with(&strict);
    for header in [V1, &v2(0x21, 0x11, BLOCK), &v2(0x20, 0, &[]), b""] {
        drops(&site, header, "proxy_untrusted");
    }
}

#[test]
fn m1_a_header_that_nobody_asked_for_is_no_request() {
    let site = Site::with("[default.listener]\ntrusted_proxies = \"127.0.0.0/8\"\n");
    site.refuses(V1, 400, "bad_request_line");
    site.refuses(v2(0x21, 0x11, BLOCK), 400, "bad_request_line");
}

#[test]
fn m2_a_malformed_header_drops_the_connection() {
    let site = Site::with(REQUIRED);
    let long = [V1.strip_suffix(b"\r\n").expect("a line"), &[b' '; 100]].concat();
    let headers: [&[u8]; 16] = [
        b"PROXY TCP4 192.0.2.7 198.51.100.2 56324 443\n",
        b"PROXY TCP4 192.0.2.7 198.51.100.2 056324 443\r\n",
        b"PROXY TCP4 192.0.2.7 198.51.100.2 56324\r\n",
        b"PROXY TCP6 192.0.2.7 198.51.100.2 56324 443\r\n",
        b"PROXY TCP4 192.0.2.07 198.51.100.2 56324 443\r\n",
        b"PROXY UDP4 192.0.2.7 198.51.100.2 56324 443\r\n",
        &long,
        // An unknown command, version and family; UDP; a Unix socket.
        &v2(0x22, 0x11, BLOCK),
        &v2(0x11, 0x11, BLOCK),
        &v2(0x21, 0x00, BLOCK),
        &v2(0x21, 0x12, BLOCK),
        &v2(0x21, 0x31, &[0; 216]),
        // Too short, too long; an extension that runs over, and one that spills within another.
        &v2(0x21, 0x11, &BLOCK[..11]),
        &v2(0x20, 0x00, &[0; 4081]),
        &v2(0x21, 0x11, &[BLOCK, &[0x04, 0, 5, 1]].concat()),
        &v2(0x21, 0x11, &[BLOCK, &[0x20, 0, 8, 0, 0, 0, 0, 0, 0x21, 0, 1, 0]].concat()),
    ];
    for header in headers {
        drops(&site, header, "bad_proxy_header");
    }
    assert_eq!(client_of(&site, V1), "192.0.2.7", "nobody else is harmed");
}

#[test]
fn m2_local_keeps_the_address_of_the_socket() {
    let site = Site::with(REQUIRED);
    for header in [b"PROXY UNKNOWN\r\n", &v2(0x20, 0, &[])[..], &v2(0x20, 0x11, BLOCK)] {
        assert_eq!(client_of(&site, header), "127.0.0.1", "{}", header.escape_ascii());
    }
}

#[test]
fn m3_no_connection_goes_without_a_header() {
    let site = Site::with(REQUIRED);
    for instead in
        [&b""[..], b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"PRI * HTTP/2.0\r\n"]
    {
        drops(&site, instead, "bad_proxy_header");
    }
    // Cut short, and followed by nothing.
    let mut client = site.balancer.client();
    client.send(&V1[..20]);
    client.finish();
    assert!(client.is_closed());
    eventually("it was counted", || site.balancer.refused("bad_proxy_header") == 4);
}

#[test]
fn m3_a_header_that_does_not_come_in_time_drops_the_connection() {
    let site = Site::with(REQUIRED);
    let mut silent = site.balancer.client();
    let mut slow = site.balancer.client();
    slow.send(&V1[..V1.len() - 1]);
    assert!(silent.is_closed() && slow.is_closed());
    assert_eq!(site.balancer.refused("proxy_header_timeout"), 2);
    assert!(site.server.heads().is_empty());
}

#[test]
fn the_client_that_a_header_names_is_the_client() {
    let routes = "[route.inner]\npool = \"app\"\n[route.inner.match]\nclient = \"192.0.2.0/24\"\n\
                  path = \"/inner\"\n";
    let site = Site::with(&format!("{REQUIRED}{routes}"));
    assert_eq!(client_of(&site, V1), "192.0.2.7");
    assert_eq!(client_of(&site, &v2(0x21, 0x11, BLOCK)), "192.0.2.7");
    let extended = v2(0x21, 0x11, &[BLOCK, &[0x04, 0, 44, 1], &[0; 43], b"\x01\0\0"].concat());
    assert_eq!(client_of(&site, &extended), "192.0.2.7");
    assert_eq!(client_of(&site, b"PROXY TCP6 2001:db8::7 ::1 1 2\r\n"), "2001:db8::7");
    assert_eq!(client_of(&site, b"PROXY TCP6 ::ffff:192.0.2.9 ::1 1 2\r\n"), "192.0.2.9");
    // It is not trusted with fields, though the proxy that named it is.
    let claim = with_fields("X-Forwarded-For: 10.0.0.1\r\n");
    let head = site.forwards([V1, claim.as_bytes()].concat());
    assert_eq!(field(&head, "x-forwarded-for"), Some("192.0.2.7"));
}

#[test]
fn a_header_may_come_in_any_pieces_and_requests_follow() {
    let site = Site::with(REQUIRED);
    for header in [V1.to_vec(), v2(0x21, 0x11, BLOCK)] {
        let mut client = site.balancer.client();
        for byte in [&header[..], get("/").as_bytes()].concat() {
            client.send([byte]);
        }
        assert_eq!(status(&client.message().0), 200);
        client.send(get("/second") + &get("/third"));
        assert_eq!(status(&client.message().0), 200);
        assert_eq!(status(&client.message().0), 200);
    }
    let heads = site.server.heads();
    assert_eq!(heads.len(), 6);
    assert!(heads.iter().all(|head| field(head, "x-forwarded-for") == Some("192.0.2.7")));
}

#[test]
fn connections_are_counted_by_the_client_behind_the_proxy() {
    let site =
        Site::with(&format!("{REQUIRED}[default.listener.limits]\nconnections_per_client = 1\n"));
    let mut first = site.balancer.client();
    first.send([V1, get("/").as_bytes()].concat());
    assert_eq!(status(&first.message().0), 200);
    drops(&site, V1, "client_connection_limit");
    assert_eq!(client_of(&site, b"PROXY TCP4 192.0.2.8 198.51.100.2 1 2\r\n"), "192.0.2.8");
}

/// A server whose connections begin with a header of so many bytes, or with a line: what it was
/// told stands in its answers.
fn announced(length: Option<usize>) -> Server {
    Server::start(move |conversation, _| {
        let header = match length {
            Some(length) => conversation.peer.try_bytes(length),
            None => Some(conversation.peer.line().into_bytes()),
        };
        let Some(header) = header else { return };
        while conversation.request().is_some() {
            conversation.peer.send(ok(&header.escape_ascii().to_string()));
        }
    })
}

#[test]
fn servers_are_told_of_the_client_and_each_connection_serves_one_request() {
    for (version, length) in [("v1", None), ("v2", Some(28))] {
        let server = announced(length);
        let more = format!("send_proxy = \"{version}\"\n");
        let balancer = Balancer::start(&config(&[server.address], &more));
        let mut client = balancer.client();
        let here = client.stream.local_addr().expect("connected");
        let expected = told(version, here, balancer.address);
        for _ in 0..3 {
            client.send(get("/"));
            assert_eq!(String::from_utf8(client.message().1).expect("text"), expected);
        }
        assert_eq!(server.connections(), 3);
        assert_eq!(balancer.pool().connections_reused, 0);
    }
}

/// The header of a connection from here to there, as text.
fn told(version: &str, from: SocketAddr, to: SocketAddr) -> String {
    if version == "v1" {
        return format!("PROXY TCP4 {} {} {} {}", from.ip(), to.ip(), from.port(), to.port());
    }
    let ports = [from.port().to_be_bytes(), to.port().to_be_bytes()].concat();
    v2(0x21, 0x11, &[&[127, 0, 0, 1, 127, 0, 0, 1], &ports[..]].concat()).escape_ascii().to_string()
}

#[test]
fn what_one_header_says_the_next_one_does() {
    for (version, length) in [("v1", None), ("v2", Some(28))] {
        let server = announced(length);
        let more = format!("send_proxy = \"{version}\"\n{REQUIRED}");
        let balancer = Balancer::start(&config(&[server.address], &more));
        let mut client = balancer.client();
        client.send([V1, get("/").as_bytes()].concat());
        let body = String::from_utf8(client.message().1).expect("text");
        let expected = match length {
            Some(_) => v2(0x21, 0x11, BLOCK).escape_ascii().to_string(),
            None => String::from_utf8_lossy(V1).trim_end().to_owned(),
        };
        assert_eq!(body, expected);
    }
}

#[test]
fn a_connection_that_was_kept_without_a_header_is_not_used_for_one() {
    let server = Server::start(|conversation, number| {
        while let Some(head) = conversation.head() {
            let first = head.lines().next().expect("a line").to_owned();
            conversation.peer.send(ok(&format!("{number} {first}")));
        }
    });
    let mut balancer = Balancer::start(&config(&[server.address], ""));
    let mut client = balancer.client();
    client.send(get("/"));
    assert_eq!(client.message().1, b"0 GET / HTTP/1.1");
    balancer.reload(&config(&[server.address], "send_proxy = \"v1\"\n"));
    client.send(get("/"));
    let body = String::from_utf8(client.message().1).expect("text");
    assert!(body.starts_with("1 PROXY TCP4 127.0.0.1 127.0.0.1 "), "{body}");
}

#[test]
fn haproxy_in_front_says_who_the_client_is() {
    if !installed("haproxy") {
        return;
    }
    for word in ["send-proxy", "send-proxy-v2", "send-proxy-v2 proxy-v2-options crc32c,unique-id"] {
        let site = Site::with(REQUIRED);
        let directory = Directory::new("haproxy-front");
        let (_haproxy, address) = haproxy(&directory, &format!("{} {word}", site.balancer.address));
        // All of loopback is one machine: this client is not at 127.0.0.1.
        let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None);
        let socket = socket.expect("a socket");
        socket.bind(&SocketAddr::from(([127, 0, 0, 99], 0)).into()).expect("a free port");
        socket.connect(&address.into()).expect("haproxy listens");
        let mut client = Peer::new(socket.into());
        for _ in 0..3 {
            client.send(get("/"));
            assert_eq!(status(&client.message().0), 200, "{word}");
        }
        let heads = site.server.heads();
        assert_eq!(heads.len(), 3, "{word}");
        let told = |head: &String| field(head, "x-forwarded-for") == Some("127.0.0.99");
        assert!(heads.iter().all(told), "{word}: {heads:?}");
        assert_eq!(site.balancer.refused("bad_proxy_header"), 0, "{word}");
    }
}

#[test]
fn curl_sends_a_header_before_either_protocol() {
    if !installed("curl") {
        return;
    }
    let server = announced(None);
    let more = format!("send_proxy = \"v1\"\n{REQUIRED}");
    let balancer = Balancer::start(&config(&[server.address], &more));
    let url = format!("http://{}/", balancer.address);
    for (protocol, version) in [("--http1.1", "1.1"), ("--http2-prior-knowledge", "2")] {
        let curl = Command::new("curl")
            .args(["-sS", "-m", "10", "--haproxy-protocol", "--interface", "127.0.0.98"])
            .args(["-w", " %{http_version} %{local_port}", protocol, &url])
            .output()
            .expect("it starts");
        let shown = String::from_utf8_lossy(&curl.stdout);
        let (told, port) = shown.rsplit_once(' ').expect("what was asked for");
        let address = balancer.address;
        let line = format!("PROXY TCP4 127.0.0.98 {} {port} {}", address.ip(), address.port());
        assert_eq!(told, format!("{line} {version}"), "{}", String::from_utf8_lossy(&curl.stderr));
    }
}

#[test]
fn nginx_behind_hears_who_the_client_is() {
    if !installed("nginx") {
        return;
    }
    // A second address of the same server takes headers; it is free, as a listener has just had it.
    let free = TcpListener::bind("127.0.0.18:0").expect("a free port");
    let announced = free.local_addr().expect("bound");
    drop(free);
    let directory = Directory::new("nginx-behind");
    let rules = format!(
        "listen {announced} proxy_protocol;\nlocation / {{ default_type text/plain;\n\
         return 200 \"$proxy_protocol_addr:$proxy_protocol_port\"; }}"
    );
    let (_nginx, _) = nginx(&directory, &rules);
    for version in ["v1", "v2"] {
        let more = format!("send_proxy = \"{version}\"\n");
        let balancer = Balancer::start(&config(&[announced], &more));
        let mut client = balancer.client();
        let here = client.stream.local_addr().expect("connected");
        for _ in 0..3 {
            client.send(get("/"));
            let (head, body) = client.message();
            assert_eq!(status(&head), 200);
            assert_eq!(String::from_utf8(body).expect("text"), here.to_string());
        }
    }
}
