//! Security cases G (TLS), and TLS on both sides: what servers are told, whom we believe, and what
//! real programs make of it.

use std::io::{Read, Write};
use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};

use tidegate_core::model::ids::ListenerName;
use tidegate_core::model::tls::TlsVersion;
use tidegate_net::tls::client::Client;
use tidegate_net::tls::contexts::Contexts;
use tidegate_net::tls::server::{ClientAuth, ServerSetup};
use tidegate_net::tls::tickets::Tickets;

use crate::programs::{Directory, installed, nginx_tls};
use crate::secure::*;
use crate::world::*;

const HOST: &str = "shop.example.com";

/// A balancer that speaks TLS, with a certificate for [`HOST`], in front of one server.
struct Site {
    authority: Authority,
    server: Server,
    balancer: Balancer,
}

impl Site {
    fn new() -> Self {
        Self::before(Server::named("one"), |_| {}, &[&[HOST]])
    }

    fn before(server: Server, change: impl FnOnce(&mut ServerSetup), names: &[&[&str]]) -> Self {
        let authority = Authority::new();
        let identities = names.iter().map(|names| authority.identity(names)).collect();
        let contexts = listening(&server_with(identities, change));
        let balancer = Balancer::with_contexts(&config(&[server.address], ""), contexts);
        Self { authority, server, balancer }
    }

    fn client(&self) -> Arc<Client> {
        Arc::new(self.authority.client())
    }

    /// How often a handshake ended so.
    fn handshakes(&self, end: &str) -> u64 {
        let scrape = self.balancer.registry.scrape();
        let totals = scrape.listeners.get(&ListenerName::new("web")).copied().unwrap_or_default();
        totals.handshakes().find(|(kind, _)| kind.as_str() == end).map_or(0, |(_, n)| n)
    }

    #[track_caller]
    fn serves(&self) {
        let (mut peer, _) = connect(self.balancer.address, &self.client(), HOST).expect("TLS");
        peer.send(get("/"));
        assert_eq!(status(&peer.message().0), 200);
        assert_eq!(tidegate_net::task::panics(), 0);
    }
}

/// A request for this host.
fn ask(host: &str) -> String {
    format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n")
}

#[test]
fn servers_are_told_that_the_client_came_over_https() {
    let site = Site::new();
    site.serves();
    let head = site.server.heads().remove(0);
    assert_eq!(field(&head, "x-forwarded-proto"), Some("https"));
    assert!(field(&head, "forwarded").is_some_and(|value| value.ends_with(";proto=https")));
    assert_eq!(site.handshakes("full_1.3"), 1);
}

#[test]
fn the_port_that_a_url_with_https_need_not_name_is_left_out() {
    let site = Site::new();
    let (mut peer, _) = connect(site.balancer.address, &site.client(), HOST).expect("TLS");
    for (port, told) in [(":443", ""), (":80", ":80"), (":8443", ":8443")] {
        peer.send(ask(&format!("{HOST}{port}")));
        assert_eq!(status(&peer.message().0), 200);
        let head = site.server.heads().pop().expect("one came");
        assert_eq!(field(&head, "host"), Some(&*format!("{HOST}{told}")));
    }
}

#[test]
fn large_bodies_go_both_ways_through_tls_on_both_sides() {
    let authority = Authority::new();
    let server = Server::start(|conversation, _| {
        while let Some((_, body)) = conversation.request() {
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
            conversation.peer.send([head.as_bytes(), &body].concat());
        }
    });
    let behind = server_with(vec![authority.identity(&["127.0.0.1"])], |_| {});
    let front = server_with(vec![authority.identity(&[HOST])], |_| {});
    let contexts = Contexts {
        listeners: listening(&front).listeners.clone(),
        pools: reaching(authority.client()).pools.clone(),
        ..Contexts::default()
    };
    let address = in_front_of(&server, &behind);
    let balancer = Balancer::with_contexts(&config(&[address], "tls = {}"), Arc::new(contexts));
    let client = Arc::new(authority.client());
    let (mut peer, _) = connect(balancer.address, &client, HOST).expect("TLS");
    let body: Vec<u8> = (0..1 << 20).map(|place: u32| (place % 251) as u8).collect();
    for round in 0..3 {
        let line = format!(
            "PUT /{round} HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        peer.send([line.as_bytes(), &body].concat());
        let (head, back) = peer.message();
        assert_eq!(status(&head), 200);
        assert!(back == body, "round {round}: {} bytes", back.len());
    }
    let pool = balancer.pool();
    assert_eq!((pool.connections_opened, pool.connections_reused), (1, 2), "tickets are no data");
}

#[test]
fn a_client_that_speaks_in_the_clear_is_told_so() {
    let site = Site::new();
    let mut client = site.balancer.client();
    client.send(get("/"));
    assert_eq!(status(&client.message().0), 400);
    assert!(client.is_closed());
    assert_eq!(site.handshakes("not_tls"), 1);
    assert_eq!(site.server.connections(), 0);
    site.serves();
}

#[test]
fn g1_a_session_of_one_listener_opens_no_other() {
    let authority = Authority::new();
    let server = Server::named("one");
    let identity = authority.identity(&[HOST]);
    let strict = server_with(vec![Arc::clone(&identity)], |setup| {
        setup.client_auth = ClientAuth::Required(authority.roots());
    });
    let listeners = [
        (ListenerName::new("web"), server_with(vec![identity], |_| {})),
        (ListenerName::new("strict"), strict),
    ];
    let contexts = Contexts { listeners: listeners.into(), ..Contexts::default() };
    let more = "[listener.strict]\naddress = \"127.0.0.2:0\"\n";
    let balancer = Balancer::with_contexts(&config(&[server.address], more), Arc::new(contexts));
    let (open, strict) = (balancer.listener("web"), balancer.listener("strict"));
    let ask = |address: SocketAddr, client: &Arc<Client>| {
        let (mut peer, session) = connect(address, client, HOST).expect("our side of TLS 1.3");
        peer.send(get("/"));
        (peer.try_head().is_some(), session.resumed)
    };
    let stranger = Arc::new(authority.client());
    assert_eq!(ask(open, &stranger), (true, false));
    assert_eq!(ask(open, &stranger), (true, true), "a session is resumed where it began");
    assert!(!ask(strict, &stranger).0, "and nowhere else");
    let known = authority.person("someone");
    let known = Arc::new(authority.client_with(|setup| setup.identity = Some(known)));
    assert_eq!(ask(open, &known), (true, false));
    assert_eq!(ask(strict, &known), (true, false));
    assert_eq!(ask(strict, &known), (true, true));
}

#[test]
fn g2_what_a_client_proved_for_one_host_counts_for_no_other() {
    let authority = Authority::new();
    let server = Server::named("one");
    let tls = server_with(vec![authority.identity(&["a.example", "b.example"])], |setup| {
        setup.client_auth = ClientAuth::Optional(authority.roots());
    });
    let balancer = Balancer::with_contexts(&config(&[server.address], ""), listening(&tls));
    let identity = authority.person("someone");
    for client in [authority.client(), authority.client_with(|c| c.identity = Some(identity))] {
        let (mut peer, _) = connect(balancer.address, &Arc::new(client), "a.example").expect("TLS");
        for (host, expected) in [("a.example", 200), ("b.example", 421), ("c.example", 421)] {
            peer.send(ask(host));
            assert_eq!(status(&peer.message().0), expected, "{host}");
        }
    }
    assert_eq!(balancer.refused("misdirected"), 4);
}

#[test]
fn e7_a_host_with_a_certificate_of_its_own_is_not_served_under_another() {
    let names: [&[&str]; 2] = [&["a.example", "*.wild.example"], &["b.example"]];
    let site = Site::before(Server::named("one"), |_| {}, &names);
    let (mut peer, _) = connect(site.balancer.address, &site.client(), "a.example").expect("TLS");
    for (host, expected) in [
        ("a.example", 200),
        ("A.example:443", 200),
        ("b.example", 421),
        ("x.wild.example", 200),
        // No certificate is for it: the client was content with this one.
        ("c.example", 200),
        ("B.example.", 421),
    ] {
        peer.send(ask(host));
        assert_eq!(status(&peer.message().0), expected, "{host}");
    }
    assert_eq!(site.balancer.refused("misdirected"), 2);
    assert_eq!(site.server.heads().len(), 4);
}

#[test]
fn g4_a_handshake_that_is_not_finished_in_time_is_cut() {
    let authority = Authority::new();
    let server = Server::named("one");
    let contexts = listening(&server_with(vec![authority.identity(&[HOST])], |_| {}));
    let more = "[listener.web.limits]\nhandshake_timeout = \"200ms\"\n";
    let balancer = Balancer::with_contexts(&config(&[server.address], more), contexts);
    // Nothing, and the beginning of a first message.
    for bytes in [&b""[..], &[22, 3, 1, 1, 0, 1]] {
        let mut slow = Peer::connect(balancer.address);
        slow.send(bytes);
        assert!(slow.is_closed());
    }
    let scrape = balancer.registry.scrape();
    let ends: Vec<_> = scrape.listeners[&ListenerName::new("web")]
        .handshakes()
        .filter(|(_, count)| *count > 0)
        .map(|(end, count)| (end.as_str(), count))
        .collect();
    assert_eq!(ends, [("timeout", 2)]);
}

#[test]
fn g4_a_client_cannot_renegotiate() {
    if !installed("openssl") {
        return;
    }
    let site = Site::new();
    let mut child = s_client(site.balancer.address, &["-tls1_2"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut output = child.stdout.take().expect("piped");
    let mut seen = Vec::new();
    // It listens to commands once it has shown what was agreed on.
    while !String::from_utf8_lossy(&seen).contains("Extended master secret") {
        let mut byte = [0; 1024];
        let count = output.read(&mut byte).expect("output");
        assert!(count > 0, "{}", String::from_utf8_lossy(&seen));
        seen.extend_from_slice(&byte[..count]);
    }
    child.stdin.take().expect("piped").write_all(b"R\n").expect("it listens");
    let ended = child.wait_with_output().expect("it ends");
    let error = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert!(error.contains("no renegotiation"), "{error}");
    site.serves();
}

#[test]
fn g6_a_server_that_speaks_before_tls_is_not_listened_to() {
    let authority = Authority::new();
    let server = Server::start(|conversation, _| {
        conversation.peer.send(ok("injected"));
        while conversation.request().is_some() {}
    });
    let contexts = reaching(authority.client());
    let balancer = Balancer::with_contexts(&config(&[server.address], ""), contexts);
    let mut client = balancer.client();
    client.send(get("/"));
    let (head, body) = client.message();
    assert_eq!(status(&head), 502);
    assert!(!String::from_utf8_lossy(&body).contains("injected"));
    assert_eq!(server.heads(), Vec::<String>::new(), "nothing was sent to it");
}

#[test]
fn g7_a_server_is_verified_by_chain_and_by_name() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    for (issuer, name, asked, expected) in [
        (&authority, "127.0.0.1", None, 200),
        (&authority, "shop.internal", Some("shop.internal"), 200),
        (&authority, "shop.internal", None, 502),
        (&authority, "127.0.0.1", Some("shop.internal"), 502),
        (&stranger, "127.0.0.1", None, 502),
    ] {
        let server = Server::named("one");
        let address = in_front_of(&server, &server_with(vec![issuer.identity(&[name])], |_| {}));
        let asked = asked.map(str::to_owned);
        let contexts = reaching(authority.client_with(|setup| setup.server_name = asked));
        let balancer = Balancer::with_contexts(&config(&[address], ""), contexts);
        let mut client = balancer.client();
        client.send(get("/"));
        assert_eq!(status(&client.message().0), expected, "{name}");
        assert_eq!(server.heads().len(), usize::from(expected == 200), "{name}");
    }
}

#[test]
fn g8_the_first_certificate_answers_for_unknown_names_and_for_none() {
    let names: [&[&str]; 2] = [&["first.example", "127.0.0.1"], &["second.example"]];
    let site = Site::before(Server::named("one"), |_| {}, &names);
    // An address is not asked for by name, and only the first certificate is for it.
    for host in ["127.0.0.1", "first.example", "second.example"] {
        assert!(connect(site.balancer.address, &site.client(), host).is_ok(), "{host}");
    }
    let error = connect(site.balancer.address, &site.client(), "unknown.example").err();
    assert!(error.is_some_and(|error| error.contains("first.example")), "which one was shown");
}

#[test]
fn g9_what_is_printed_of_an_identity_is_whose_it_is() {
    let files = Authority::new().files(&[HOST], &rcgen::PKCS_ECDSA_P256_SHA256);
    let identity = files.identity(None);
    let server = server_with(vec![Arc::clone(&identity)], |_| {});
    let shown = format!("{identity:?} {server:?} {:?}", listening(&server));
    assert!(shown.contains(HOST));
    // Neither as text nor as the bytes of a vector.
    let lines: Vec<&str> = files.key.lines().filter(|line| !line.starts_with('-')).collect();
    assert!(lines.iter().all(|line| !shown.contains(line)), "{shown}");
    let bytes = format!("{:?}", &files.key.as_bytes()[30..60]);
    assert!(!shown.contains(bytes.trim_matches(['[', ']'])), "{shown}");
}

#[test]
fn h5_nobody_can_claim_to_have_shown_a_certificate() {
    let authority = Authority::new();
    let server = Server::named("one");
    let tls = server_with(vec![authority.identity(&[HOST])], |setup| {
        setup.client_auth = ClientAuth::Optional(authority.roots());
    });
    let more = "[listener.plain]\naddress = \"127.0.0.2:0\"\ntrusted_proxies = [\"127.0.0.1\"]\n";
    let balancer = Balancer::with_contexts(&config(&[server.address], more), listening(&tls));
    let web = balancer.listener("web");
    let forged = format!(
        "GET / HTTP/1.1\r\nHost: {HOST}\r\nClient-Cert: :AAAA:\r\nclient-cert-chain: :AAAA:\r\n\
         X-Client-Cert-Subject: CN=admin\r\nX-Client-Cert-Issuer: CN=x\r\nClient_Cert: :AAAA:\r\n\
         X_Client_Cert_Subject: CN=admin\r\nConnection: x-client-cert-subject\r\n\r\n"
    );
    let told = |mut peer: Peer| {
        peer.send(&forged);
        assert_eq!(status(&peer.message().0), 200);
        let head = server.heads().pop().expect("one came");
        let lines = head.lines().filter(|line| line.to_ascii_lowercase().contains("cert"));
        lines.map(str::to_owned).collect::<Vec<String>>()
    };
    let nothing: [String; 0] = [];
    let stranger = Arc::new(authority.client());
    assert_eq!(told(connect(web, &stranger, HOST).expect("TLS").0), nothing);
    assert_eq!(told(Peer::connect(balancer.listener("plain"))), nothing, "not even a proxy");
    let identity = authority.person("client, one");
    let known = Arc::new(authority.client_with(|setup| setup.identity = Some(identity)));
    for _ in 0..2 {
        // Resumed the second time, and no less known.
        let told = told(connect(web, &known, HOST).expect("TLS").0);
        let [certificate, subject] = &told[..] else { panic!("{told:?}") };
        assert!(certificate.starts_with("Client-Cert: :MII") && certificate.ends_with(':'));
        assert_eq!(subject, "X-Client-Cert-Subject: CN=client\\, one");
    }
}

#[test]
fn a_certificate_is_replaced_under_load_and_nothing_is_dropped() {
    let site = Site::new();
    let tickets = Tickets::default();
    let (stop, served) = (AtomicBool::new(false), AtomicUsize::new(0));
    let client = site.client();
    let resumed = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                let (mut kept, _) = connect(site.balancer.address, &client, HOST).expect("TLS");
                while !stop.load(Relaxed) {
                    let fresh = connect(site.balancer.address, &client, HOST);
                    let (mut fresh, session) = fresh.expect("TLS at any time");
                    resumed.fetch_add(usize::from(session.resumed), Relaxed);
                    for peer in [&mut fresh, &mut kept] {
                        peer.send(get("/"));
                        assert_eq!(status(&peer.message().0), 200);
                    }
                    served.fetch_add(2, Relaxed);
                }
            });
        }
        for round in 1..=10 {
            let identity = site.authority.identity(&[HOST]);
            let server = server_with(vec![identity], |setup| setup.tickets = tickets.clone());
            site.balancer.plane.renew(listening(&server));
            eventually("more is served", || served.load(Relaxed) > round * 6);
        }
        stop.store(true, Relaxed);
    });
    assert!(resumed.load(Relaxed) > 0, "sessions outlive a certificate");
    assert_eq!(tidegate_net::task::panics(), 0);
}

/// openssl as a client of the balancer.
fn s_client(address: SocketAddr, more: &[&str]) -> Command {
    let mut command = Command::new("openssl");
    command.args(["s_client", "-connect", &address.to_string(), "-servername", HOST]);
    command.args(more);
    command
}

/// What openssl prints of a connection that it ends at once.
#[track_caller]
fn shown_by_openssl(address: SocketAddr, more: &[&str]) -> String {
    let output = s_client(address, more).stdin(Stdio::null()).output().expect("it starts");
    String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
}

#[test]
fn openssl_resumes_and_speaks_the_versions_that_it_may() {
    if !installed("openssl") {
        return;
    }
    let site = Site::before(
        Server::named("one"),
        |setup| setup.min_version = TlsVersion::Tls13,
        &[&[HOST]],
    );
    assert!(shown_by_openssl(site.balancer.address, &["-tls1_3"]).contains("TLSv1.3, Cipher is"));
    let refused = shown_by_openssl(site.balancer.address, &["-tls1_2"]);
    assert!(refused.contains("alert protocol version"), "{refused}");
    eventually("it is counted", || site.handshakes("incompatible") == 1);
    let site = Site::new();
    let again = shown_by_openssl(site.balancer.address, &["-tls1_2", "-reconnect"]);
    assert_eq!(again.matches("Reused, TLSv1.2").count(), 5, "{again}");
    eventually("they are counted", || site.handshakes("resumed_1.2") == 5);
    for old in ["-tls1_1", "-tls1"] {
        let shown = shown_by_openssl(site.balancer.address, &[old, "-cipher", "ALL:@SECLEVEL=0"]);
        assert!(shown.contains("New, (NONE), Cipher is (NONE)"), "{old}: {shown}");
    }
}

#[test]
fn openssl_is_shown_the_kind_of_key_that_it_understands_and_the_staple() {
    if !installed("openssl") {
        return;
    }
    let authority = Authority::new();
    let server = Server::named("one");
    let staple = b"not a response of an authority, but the bytes of the file".to_vec();
    let identities = vec![
        authority.files(&[HOST], &rcgen::PKCS_RSA_SHA256).identity(Some(staple)),
        authority.files(&[HOST], &rcgen::PKCS_ECDSA_P256_SHA256).identity(None),
    ];
    let contexts = listening(&server_with(identities, |_| {}));
    let balancer = Balancer::with_contexts(&config(&[server.address], ""), contexts);
    for (schemes, kind) in [
        ("rsa_pss_rsae_sha256:ecdsa_secp256r1_sha256", "ECDSA"),
        ("rsa_pss_rsae_sha256", "RSA-PSS"),
        ("ecdsa_secp256r1_sha256", "ECDSA"),
    ] {
        let shown = shown_by_openssl(balancer.address, &["-sigalgs", schemes]);
        assert!(shown.contains(&format!("Peer signature type: {kind}")), "{schemes}: {shown}");
    }
    let rsa = ["-status", "-msg", "-tls1_2", "-sigalgs", "RSA+SHA256"];
    let shown = shown_by_openssl(balancer.address, &rsa);
    // The message with the staple: its type, and the first bytes of the file in hexadecimal.
    assert!(shown.contains("CertificateStatus") && shown.contains("6e 6f 74 20 61"), "{shown}");
}

#[test]
fn curl_verifies_us_and_fetches_over_one_connection() {
    if !installed("curl") {
        return;
    }
    let site = Site::new();
    let directory = Directory::new("curl-tls");
    let authority = directory.write("ca.pem", site.authority.pem());
    let port = site.balancer.address.port();
    let url = format!("https://{HOST}:{port}/one");
    let output = Command::new("curl")
        .args(["-sS", "-m", "10", "--cacert", &authority.to_string_lossy(), "--resolve"])
        .args([&format!("{HOST}:{port}:127.0.0.1"), "-w", "%{num_connects}", &url, &url])
        .output()
        .expect("it starts");
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "one1one0", "{error}");
}

#[test]
fn nginx_is_spoken_to_in_tls() {
    if !installed("nginx") {
        return;
    }
    let authority = Authority::new();
    let files = authority.files(&["nginx.internal"], &rcgen::PKCS_ECDSA_P256_SHA256);
    let directory = Directory::new("nginx-tls");
    let large: Vec<u8> = (0..3_000_000u32).map(|n| (n % 251) as u8).collect();
    directory.write("large.bin", &large);
    directory.write("server.pem", &files.certificate);
    directory.write("server.key", &files.key);
    let (_nginx, address) = nginx_tls(&directory);
    let name = Some("nginx.internal".to_owned());
    let contexts = reaching(authority.client_with(|setup| setup.server_name = name));
    let balancer = Balancer::with_contexts(&config(&[address], "tls = {}"), contexts);
    let mut client = balancer.client();
    for _ in 0..3 {
        client.send(get("/large.bin"));
        let (head, body) = client.message();
        assert_eq!(status(&head), 200);
        assert!(body == large);
    }
    let pool = balancer.pool();
    assert_eq!((pool.connections_opened, pool.connections_reused), (1, 2));
}
