//! Instruction counts of what every request runs: parse, route, pick, rewrite, and the reply's
//! head.
//!
//! Counts do not depend on the machine's load, so they are guarded: each has a limit, about a tenth
//! above what it was when last looked at. A change that needs more says so by raising the limit.
//! Run with `cargo xtask instructions`.

#![allow(unused_qualifications, missing_docs, reason = "what the macros of the bench expand to")]

use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::sync::Arc;

use gungraun::{
    Callgrind, EventKind, LibraryBenchmarkConfig, library_benchmark, library_benchmark_group, main,
};
use tidegate_core::balance::balancer::{Balancer, PickRequest};
use tidegate_core::config::load::{Text, load};
use tidegate_core::http::forwarded::Forwarding;
use tidegate_core::http::head::Head;
use tidegate_core::http::parse;
use tidegate_core::http::reply::ReplyHead;
use tidegate_core::http::scan::Scan;
use tidegate_core::http::scheme::Scheme;
use tidegate_core::http::write::{self, BodyFraming, Persistence, ReplyOptions, RequestOptions};
use tidegate_core::model::ids::ListenerIndex;
use tidegate_core::route::table::{Found, RouteRequest};
use tidegate_core::snapshot::{Circumstances, ServerIds, Snapshot};
use tidegate_core::time::Instant;

const REQUEST: &[u8] = b"GET /api/items/42?color=blue HTTP/1.1\r\n\
    Host: shop.example.com\r\n\
    User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\r\n\
    Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n\
    Accept-Language: en-US,en;q=0.5\r\n\
    Accept-Encoding: gzip, deflate, br, zstd\r\n\
    Cookie: session=5f2b8c1d9e; theme=dark\r\n\
    Connection: keep-alive\r\n\
    \r\n";

const RESPONSE: &[u8] = b"HTTP/1.1 200 OK\r\n\
    Server: origin\r\n\
    Date: Fri, 20 Nov 2026 20:00:00 GMT\r\n\
    Content-Type: text/html; charset=utf-8\r\n\
    Cache-Control: max-age=60\r\n\
    Content-Length: 1024\r\n\
    \r\n";

/// At most so many instructions.
fn at_most(instructions: u64) -> LibraryBenchmarkConfig {
    let mut config = LibraryBenchmarkConfig::default();
    config.tool(Callgrind::default().hard_limits([(EventKind::Ir, instructions)]));
    config
}

fn parsed() -> Head {
    let mut head = Head::default();
    parse::request(REQUEST, 128, Scheme::Http, &mut head).expect("a good request");
    head
}

/// A warm head, so that growing its memory is not counted.
fn warm_head() -> Head {
    let mut head = parsed();
    head.clear();
    head
}

fn warm_reply() -> ReplyHead {
    let mut reply = ReplyHead::default();
    parse::reply(RESPONSE, 128, false, &mut reply).expect("a good response");
    reply
}

fn snapshot(routes: usize) -> Snapshot {
    let mut text = String::from(
        "version = 1\n[listener.web]\naddress = \"127.0.0.1:8080\"\n\
         [pool.app]\nservers = [\"127.0.0.1:1\", \"127.0.0.1:2\", \"127.0.0.1:3\"]\n\
         [route.api]\npool = \"app\"\n[route.api.match]\n\
         host = \"shop.example.com\"\npath_prefix = \"/api\"\n",
    );
    for number in 1..routes {
        text.push_str(&format!(
            "[route.r{number}]\npool = \"app\"\n[route.r{number}.match]\n\
             host = \"host{number}.example.com\"\npath_prefix = \"/api\"\n"
        ));
    }
    let loaded = load(Path::new("bench.toml"), &mut Text(&text));
    let config = Arc::new(loaded.config.expect("a good configuration"));
    Snapshot::build(
        config,
        &Circumstances::default(),
        None,
        &mut ServerIds::default(),
        Instant::ZERO,
    )
}

fn balancer() -> (Snapshot, Balancer) {
    let snapshot = snapshot(1);
    let plan = Arc::clone(&snapshot.pools[0].plan);
    let mut balancer = Balancer::new(plan, 7);
    pick_one(&snapshot, &mut balancer, 1);
    (snapshot, balancer)
}

fn pick_one(snapshot: &Snapshot, balancer: &mut Balancer, draw: u64) -> Option<usize> {
    let entry = &snapshot.pools[0];
    let request = PickRequest { key: None, tried: &[], draw, now: Instant::from_nanos(1) };
    let server = balancer.pick(&entry.members, entry.state.epoch(), &request);
    server.map(|server| server.position())
}

#[library_benchmark(config = at_most(5_800))]
#[bench::browser(warm_head())]
fn scan_and_parse(mut head: Head) -> Head {
    let end = Scan::default().advance(black_box(REQUEST), 32 * 1024);
    let end = end.expect("well formed").expect("whole");
    parse::request(&REQUEST[..end], 128, Scheme::Http, &mut head).expect("a good request");
    head
}

#[library_benchmark(config = at_most(1_120))]
#[bench::ten((snapshot(10), parsed()))]
#[bench::ten_thousand((snapshot(10_000), parsed()))]
fn route((snapshot, head): (Snapshot, Head)) -> (Snapshot, Head) {
    let request = RouteRequest {
        listener: ListenerIndex::new(0),
        head: &head,
        client: IpAddr::V4(Ipv4Addr::LOCALHOST),
    };
    let found = black_box(snapshot.table.find(black_box(&request)));
    assert!(matches!(found, Found::Route(_)), "the route takes it");
    (snapshot, head)
}

#[library_benchmark(config = at_most(500))]
#[bench::p2c_of_three(balancer())]
fn pick((snapshot, mut balancer): (Snapshot, Balancer)) -> (Snapshot, Balancer) {
    black_box(pick_one(&snapshot, &mut balancer, black_box(0x1234_5678_9abc_def0)));
    (snapshot, balancer)
}

#[library_benchmark(config = at_most(2_200))]
#[bench::browser((parsed(), Vec::with_capacity(4096)))]
fn rewrite_request((head, mut out): (Head, Vec<u8>)) -> (Head, Vec<u8>) {
    let forwarding = Forwarding {
        peer: IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7)),
        trusted: false,
        scheme: Scheme::Http,
        node: "tidegate-0123456789abcdef",
        request_id: Some(42),
        certificate: b"",
        client_header: None,
    };
    let options = RequestOptions {
        framing: BodyFraming::AsReceived,
        merge_slashes: true,
        upgrade: false,
        fallback_host: "app",
    };
    write::request(black_box(&head), &forwarding, options, &mut out);
    (head, out)
}

#[library_benchmark(config = at_most(3_650))]
#[bench::small((warm_reply(), Vec::with_capacity(4096)))]
fn rewrite_reply((mut reply, mut out): (ReplyHead, Vec<u8>)) -> (ReplyHead, Vec<u8>) {
    parse::reply(black_box(RESPONSE), 128, false, &mut reply).expect("a good response");
    let options = ReplyOptions {
        framing: BodyFraming::AsReceived,
        persistence: Persistence::Default,
        date: b"Fri, 20 Nov 2026 20:00:00 GMT",
        more: b"",
    };
    write::reply(&reply, options, &mut out);
    (reply, out)
}

library_benchmark_group!(
    name = hot_path,
    benchmarks = [scan_and_parse, route, pick, rewrite_request, rewrite_reply]
);
main!(library_benchmark_groups = hot_path);
