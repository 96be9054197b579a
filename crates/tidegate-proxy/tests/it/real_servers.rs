//! Real servers behind the balancer: nginx, `python3 -m http.server`, and a raw one that
//! misbehaves; and what clients notice when one is killed, paused or resets under load: nothing, if
//! the request may be repeated.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::thread::{self, JoinHandle};

use crate::programs::{Directory, installed, nginx, python};
use crate::world::*;

/// A client that got an answer for each of its requests, whatever it was.
fn statuses(balancer: &Balancer, request: &str, count: usize) -> Vec<u16> {
    let mut client = balancer.client();
    let ask = |_| {
        client.send(request);
        status(&client.message().0)
    };
    (0..count).map(ask).collect()
}

#[test]
fn nginx_serves_files_ranges_chunks_and_errors() {
    if !installed("nginx") {
        return;
    }
    let directory = Directory::new("nginx-files");
    let large: Vec<u8> = (0..3_000_000u32).map(|n| (n % 251) as u8).collect();
    directory.write("large.bin", &large);
    directory.write("page.html", "<p>a page</p>".repeat(1000));
    // nginx compresses on the fly, and so answers in chunks.
    let (_nginx, address) = nginx(&directory, "default_type text/html; gzip on; gzip_proxied any;");
    let balancer = Balancer::start(&config(&[address], ""));
    let mut client = balancer.client();
    for _ in 0..3 {
        client.send(get("/large.bin"));
        let (head, body) = client.message();
        assert_eq!(status(&head), 200);
        assert!(body == large);
        assert!(field(&head, "server").is_some_and(|server| server.starts_with("nginx")));
    }
    client.send("GET /large.bin HTTP/1.1\r\nHost: a\r\nRange: bytes=1000-1999\r\n\r\n");
    let (head, body) = client.message();
    assert!(status(&head) == 206 && body == large[1000..2000]);
    client.send("GET /page.html HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\n\r\n");
    assert_eq!(field(&client.head(), "transfer-encoding"), Some("chunked"));
    assert!(client.chunks().0.starts_with(&[0x1f, 0x8b]));
    client.send("HEAD /page.html HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(field(&client.head(), "content-length"), Some("13000"));
    client.send(get("/absent"));
    assert_eq!(status(&client.message().0), 404);
    let pool = balancer.pool();
    assert_eq!((pool.connections_opened, pool.connections_reused), (1, 6));
}

#[test]
fn nginx_takes_uploads_and_conditional_requests() {
    if !installed("nginx") {
        return;
    }
    let directory = Directory::new("nginx-uploads");
    let server = "location /up/ { dav_methods PUT; client_max_body_size 8m; } location / {}";
    std::fs::create_dir_all(directory.path().join("up")).expect("a place to write");
    let (_nginx, address) = nginx(&directory, server);
    let balancer = Balancer::start(&config(&[address], ""));
    let mut client = balancer.client();
    let body = vec![b'u'; 1_000_000];
    client.send("PUT /up/file HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
    client.send([format!("{:x}\r\n", body.len()).as_bytes(), &body, b"\r\n0\r\n\r\n"].concat());
    assert_eq!(status(&client.message().0), 201);
    client.send(get("/up/file"));
    let (head, back) = client.message();
    assert!(back == body);
    let tag = field(&head, "etag").expect("a tag").to_owned();
    client.send(format!("GET /up/file HTTP/1.1\r\nHost: a\r\nIf-None-Match: {tag}\r\n\r\n"));
    assert_eq!(status(&client.head()), 304);
    client.send(format!("PUT /up/big HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n", 9 << 20));
    assert_eq!(status(&client.message().0), 413, "an early refusal");
}

#[test]
fn python_serves_files_in_both_versions() {
    if !installed("python3") {
        return;
    }
    let directory = Directory::new("python-files");
    directory.write("page", "a page");
    for (version, kept) in [("HTTP/1.0", 0), ("HTTP/1.1", 9)] {
        let (_python, address) = python(directory.path(), version);
        let balancer = Balancer::start(&config(&[address], ""));
        let mut client = balancer.client();
        for _ in 0..10 {
            client.send(get("/page"));
            let (head, body) = client.message();
            assert!(head.starts_with("HTTP/1.1 200 OK\r\n") && body == b"a page", "{head}");
        }
        assert_eq!(balancer.pool().connections_reused, kept, "{version}");
        client.send(get("/absent"));
        assert_eq!(status(&client.message().0), 404);
    }
}

/// Everything a server can do wrong, by turns.
const MISDEEDS: [&str; 10] = [
    "",
    "\r\n\r\n",
    "nonsense\r\n\r\n",
    "HTTP/1.1 2000 OK\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nabcd",
    "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "HTTP/1.1 200 OK\r\nX: a\nContent-Length: 0\r\n\r\n",
    "HTTP/1.1 101 Switching Protocols\r\n\r\n",
    "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello",
    "\x16\x03\x01\x02\x00\x01",
];

#[test]
fn a_misbehaving_server_makes_502s_and_harms_no_other_request() {
    let bad = Server::start(|conversation, number| {
        conversation.request();
        conversation.peer.send(MISDEEDS[number % MISDEEDS.len()]);
    });
    let balancer = Balancer::start(&config(&[bad.address], "[route.all.retry]\nretries = 0\n"));
    assert_eq!(statuses(&balancer, &get("/"), 40), [502; 40]);
    assert_eq!(bad.connections(), 40, "none of its connections is used again");
    let good = Server::named("good");
    let more = format!(
        "[route.good]\npool = \"good\"\n[route.good.match]\npath = \"/good\"\n\
         [pool.good]\nservers = [\"{}\"]\n",
        good.address
    );
    let balancer = Balancer::start(&config(&[bad.address], &more));
    let mut client = balancer.client();
    for _ in 0..20 {
        client.send(get("/") + &get("/good"));
        assert_eq!(status(&client.message().0), 502);
        assert_eq!(client.message().1, b"good");
    }
}

/// Clients that send idempotent requests until they are told to stop.
struct Load {
    stop: Arc<AtomicBool>,
    answers: Arc<AtomicUsize>,
    threads: Vec<JoinHandle<()>>,
}

impl Load {
    fn start(address: SocketAddr) -> Self {
        let (stop, answers) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let spawn = |number: usize| {
            let (stop, answers) = (Arc::clone(&stop), Arc::clone(&answers));
            thread::spawn(move || {
                let mut client = Peer::connect(address);
                let gets = number.is_multiple_of(2);
                while !stop.load(Relaxed) {
                    client.send(if gets { get("/page") } else { HEAD.to_owned() });
                    let head = client.head();
                    assert_eq!(status(&head), 200, "{head}");
                    if gets {
                        assert_eq!(client.bytes(6), b"a page");
                    }
                    answers.fetch_add(1, Relaxed);
                }
            })
        };
        let threads = (0..6).map(spawn).collect();
        Self { stop, answers, threads }
    }

    fn answers_more(&self, count: usize) {
        let wanted = self.answers.load(Relaxed) + count;
        eventually("requests are answered", || {
            assert!(!self.threads.iter().any(JoinHandle::is_finished), "a request failed");
            self.answers.load(Relaxed) >= wanted
        });
    }

    fn end(self) {
        self.stop.store(true, Relaxed);
        self.threads.into_iter().for_each(|thread| thread.join().expect("no request failed"));
    }
}

const HEAD: &str = "HEAD /page HTTP/1.1\r\nHost: a\r\n\r\n";

/// Two tries more, on a timeout as well; the budget is no part of these tests.
const PATIENT: &str = "retry_budget = { ratio = 1.0, min_per_second = 1000 }\n\
     [route.all.retry]\nretries = 2\non = [\"reset-before-response\", \"timeout\"]\n\
     [route.all.timeouts]\nresponse = \"1s\"\n";

#[test]
fn a_server_killed_and_another_paused_under_load_fail_no_idempotent_request() {
    if !installed("python3") {
        return;
    }
    let directory = Directory::new("python-faults");
    directory.write("page", "a page");
    let [one, two, three] = [0, 1, 2].map(|_| python(directory.path(), "HTTP/1.1"));
    let addresses = [one.1, two.1, three.1];
    let balancer = Balancer::start(&config(&addresses, PATIENT));
    let load = Load::start(balancer.address);
    load.answers_more(100);
    drop(one);
    load.answers_more(100);
    assert!(balancer.pool().failovers > 0, "the killed server was noticed");
    two.0.signal("STOP");
    load.answers_more(20);
    assert!(balancer.pool().retries > 0, "the paused server was noticed");
    two.0.signal("CONT");
    load.answers_more(100);
    load.end();
    let codes = balancer.registry.scrape().routes.into_values().next().expect("a route").codes;
    assert!(codes.keys().all(|code| *code == 200), "{codes:?}");
}

#[test]
fn a_server_that_resets_under_load_fails_no_idempotent_request() {
    let resets = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&resets);
    let resetting = Server::start(move |conversation, number| {
        for _ in 0..number % 4 {
            let Some((head, _)) = conversation.request() else { return };
            conversation.peer.send(page(&head));
        }
        if conversation.request().is_some() {
            counter.fetch_add(1, Relaxed);
            conversation.peer.reset_at_close();
        }
    });
    let steady = Server::start(|conversation, _| {
        while let Some((head, _)) = conversation.request() {
            conversation.peer.send(page(&head));
        }
    });
    let balancer = Balancer::start(&config(&[resetting.address, steady.address], PATIENT));
    let load = Load::start(balancer.address);
    load.answers_more(2000);
    load.end();
    assert!(resets.load(Relaxed) > 100, "{resets:?}");
    let pool = balancer.pool();
    assert!(pool.retries > 0 && pool.connections_stale > 0, "{pool:?}");
}

fn page(head: &str) -> &'static str {
    if head.starts_with("HEAD") {
        "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n"
    } else {
        "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\na page"
    }
}
