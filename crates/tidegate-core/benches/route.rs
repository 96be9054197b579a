//! What finding a route costs: as the table grows, and where an index helps least.
//!
//! `grow` rotates through requests for different routes, so that a large table is also a cold one.
//! The two sizes are to be compared with what a whole request costs, about ten microseconds.
//! `mixes` holds the cases in which a search has to look at much: many routes in one bucket,
//! regexes, and buckets that all fail.

use std::hint::black_box;
use std::net::IpAddr;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use regex::Regex;
use tidegate_core::http::head::Head;
use tidegate_core::model::ids::{ListenerIndex, ListenerName, PoolName, RouteName};
use tidegate_core::model::ratio::Limit;
use tidegate_core::model::route::{
    EncodedSlash, HostPattern, PathPattern, PathPolicy, RetryPolicy, Route, RouteMatch,
    RouteTimeouts, Target, ValuePattern,
};
use tidegate_core::route::table::{Found, RouteRequest, RouteTable};
use tidegate_core::time::Duration;

fn grow(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("grow");
    for size in [1, 10, 10_000] {
        let routes = (0..size).map(|n| {
            let host = HostPattern::Exact(format!("shop-{n}.example.com"));
            rule(vec![host], vec![PathPattern::Prefix(format!("/api/v{n}"))])
        });
        let table = table(routes);
        // A stride that shares no factor with the size visits every route before it comes back to
        // one.
        let heads: Vec<Head> = (0..size.min(4096))
            .map(|n| n * 7919 % size)
            .map(|n| head(&format!("shop-{n}.example.com"), &format!("/api/v{n}/items/7?page=2")))
            .collect();
        group.bench_with_input(
            BenchmarkId::new("host_and_prefix", size),
            &heads,
            |bencher, heads| {
                let mut turn = heads.iter().cycle();
                bencher.iter(|| find(&table, turn.next().expect("a cycle does not end")));
            },
        );
    }
    group.finish();
}

fn mixes(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("mixes");
    let default = table([RouteMatch::default()]);
    let plain = head("shop.example.com", "/");
    group.bench_function("default_route", |bencher| bencher.iter(|| find(&default, &plain)));

    let deep = head("a.b.c.d.e.example.com", "/a/b/c/d/e/f/g/h");
    let nested = table(failing_everywhere());
    group.bench_function("every_bucket_fails", |bencher| bencher.iter(|| find(&nested, &deep)));

    let prefixes = (0..10_000).map(|n| rule(vec![], vec![PathPattern::Prefix(format!("/{n}/a"))]));
    let prefixes = table(prefixes);
    let last = head("shop.example.com", "/9999/a/b/c/d/e/f/g/h/i/j/k");
    group.bench_function("prefixes_10000_one_host", |b| b.iter(|| find(&prefixes, &last)));

    let headers = table((0..100).map(|n| tier(&format!("tier-{n:02}"))));
    let one = with_header("tier-99");
    group.bench_function("headers_100_one_bucket", |bencher| bencher.iter(|| find(&headers, &one)));

    let regexes = table((0..100).map(|n| {
        let regex = Regex::new(&format!("^(?:/item-{n:02}/[0-9]+)$")).expect("a regex");
        rule(vec![], vec![PathPattern::Regex(regex)])
    }));
    let item = head("shop.example.com", "/item-99/1234");
    group.bench_function("regexes_100_one_host", |bencher| bencher.iter(|| find(&regexes, &item)));
    group.finish();
}

/// Routes for every wildcard and every prefix of one request, none of which takes it.
fn failing_everywhere() -> impl Iterator<Item = RouteMatch> {
    let suffixes = [".com", ".example.com", ".e.example.com", ".d.e.example.com"];
    let prefixes = ["", "/a", "/a/b", "/a/b/c", "/a/b/c/d", "/a/b/c/d/e"];
    suffixes.into_iter().flat_map(move |suffix| {
        prefixes.into_iter().map(move |prefix| {
            let host = HostPattern::Wildcard(suffix.to_owned());
            RouteMatch {
                hosts: vec![host],
                paths: vec![PathPattern::Prefix(prefix.to_owned())],
                ..tier("gold")
            }
        })
    })
}

fn tier(value: &str) -> RouteMatch {
    let gold = ("x-tier".to_owned(), ValuePattern::Exact(value.to_owned()));
    RouteMatch { headers: vec![gold], ..RouteMatch::default() }
}

fn rule(hosts: Vec<HostPattern>, paths: Vec<PathPattern>) -> RouteMatch {
    RouteMatch { hosts, paths, ..RouteMatch::default() }
}

fn find(table: &RouteTable, head: &Head) -> bool {
    let client = IpAddr::from([192, 0, 2, 1]);
    let request = RouteRequest { listener: ListenerIndex::new(0), head, client };
    black_box(table.find(black_box(&request))) != Found::Nothing
}

fn head(host: &str, path: &str) -> Head {
    let fields = [("Host", host), ("User-Agent", "bench/1"), ("Accept", "*/*")];
    Head::compose("GET", host, path, &fields).expect("a canonical path")
}

fn with_header(tier: &str) -> Head {
    let fields = [("User-Agent", "bench/1"), ("Accept", "*/*"), ("X-Tier", tier)];
    Head::compose("GET", "shop.example.com", "/", &fields).expect("a canonical path")
}

fn table(rules: impl IntoIterator<Item = RouteMatch>) -> RouteTable {
    let routes: Vec<Route> = rules
        .into_iter()
        .enumerate()
        .map(|(position, rule)| Route {
            name: RouteName::new(&format!("route-{position:05}")),
            target: Target::Pool(PoolName::new("pool")),
            matches: vec![rule],
            priority: 0,
            path: PathPolicy { encoded_slash: EncodedSlash::Refuse, merge_slashes: true },
            timeouts: RouteTimeouts {
                response: Duration::from_secs(60),
                idle: Duration::from_secs(300),
                tunnel: Duration::from_secs(3600),
                total: Limit::Unlimited,
            },
            body_bytes: None,
            upgrade: Vec::new(),
            retry: RetryPolicy {
                retries: 1,
                on_reset: true,
                on_timeout: false,
                on_status: Vec::new(),
            },
            request: None,
            response: None,
            compression: None,
        })
        .collect();
    RouteTable::build(&[ListenerName::new("web")], &routes)
}

criterion_group!(benches, grow, mixes);
criterion_main!(benches);
