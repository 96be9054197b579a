//! The index against the linear reference, over small alphabets, so that routes collide, overlap
//! and fail late.

use std::net::IpAddr;
use std::sync::LazyLock;

use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use regex::Regex;

use super::super::body::BodyView;
use super::super::table::{Found, RouteRequest, RouteTable};
use super::{body_condition, listeners, reference, regex, route};
use crate::http::head::{BodyLength, Head};
use crate::model::body::BodyCondition;
use crate::model::ids::{ListenerIndex, ListenerName};
use crate::model::route::{HostPattern, PathPattern, Route, RouteMatch, ValuePattern};

const HOSTS: [&str; 8] = ["x", "a.x", "b.x", "b.a.x", "c.b.a.x", "aa.x", ".x", "y"];
const SUFFIXES: [&str; 4] = [".x", ".a.x", ".b.a.x", ".y"];
const PATHS: [&str; 10] =
    ["/", "/a", "/a/", "/a/b", "/a/b/", "/a/b/c", "/ab", "/b", "/a//b", "/a%2Fb"];
const PREFIXES: [&str; 5] = ["", "/a", "/a/b", "/ab", "/a/b/c"];
const METHODS: [&str; 3] = ["GET", "POST", "get"];
const NAMES: [&str; 2] = ["h", "k"];
const VALUES: [&str; 4] = ["1", "2", "", "12"];
const CLIENTS: [&str; 4] = ["10.1.0.1", "10.2.0.1", "192.0.2.1", "2001:db8::1"];
const NETWORKS: [&str; 4] = ["10.0.0.0/8", "10.1.0.0/16", "2001:db8::/32", "0.0.0.0/0"];

const POINTERS: [&str; 4] = ["", "/a", "/a/0", "/b"];
const BODY_VALUES: [&str; 5] = ["x", "1", "true", "~x|y", "y"];
const BODIES: [&str; 10] = [
    "\"x\"",
    "{\"a\":\"x\"}",
    "{\"a\":1.0,\"b\":\"y\"}",
    "{\"a\":[\"y\"],\"b\":true}",
    "{\"a\":{\"0\":\"x\"}}",
    "{\"a\":\"x\",\"a\":\"x\"}",
    "{\"a\":\"x\"",
    "{\"a\":\"x\"} 1",
    "{\"b\":[{\"a\":\"x\"},{\"a\":\"x\"}],\"a\":null}",
    "",
];

// Compiled once: compiling would be most of a run.
static PATH_REGEXES: LazyLock<Vec<Regex>> =
    LazyLock::new(|| ["/a.*", ".*b", "/[ab]", "/.*/.*"].map(regex).into());
static VALUE_REGEXES: LazyLock<Vec<Regex>> = LazyLock::new(|| ["1.*", "[12]"].map(regex).into());

fn host_pattern() -> impl Strategy<Value = HostPattern> {
    prop_oneof![
        select(&HOSTS[..]).prop_map(|host| HostPattern::Exact(host.to_owned())),
        select(&SUFFIXES[..]).prop_map(|suffix| HostPattern::Wildcard(suffix.to_owned())),
    ]
}

fn path_pattern() -> impl Strategy<Value = PathPattern> {
    prop_oneof![
        select(&PATHS[..6]).prop_map(|path| PathPattern::Exact(path.to_owned())),
        select(&PREFIXES[..]).prop_map(|prefix| PathPattern::Prefix(prefix.to_owned())),
        (0..PATH_REGEXES.len()).prop_map(|at| PathPattern::Regex(PATH_REGEXES[at].clone())),
    ]
}

fn value_pattern() -> impl Strategy<Value = ValuePattern> {
    prop_oneof![
        2 => select(&VALUES[..]).prop_map(|value| ValuePattern::Exact(value.to_owned())),
        1 => (0..VALUE_REGEXES.len()).prop_map(|at| ValuePattern::Regex(VALUE_REGEXES[at].clone())),
        1 => Just(ValuePattern::Present),
        1 => Just(ValuePattern::Absent),
    ]
}

fn conditions() -> impl Strategy<Value = Vec<(String, ValuePattern)>> {
    let condition = (select(&NAMES[..]), value_pattern());
    prop_oneof![
        3 => Just(Vec::new()),
        1 => prop::collection::vec(condition.prop_map(|(name, p)| (name.to_owned(), p)), 1..3),
    ]
}

fn body_conditions() -> impl Strategy<Value = Vec<BodyCondition>> {
    let condition = (select(&POINTERS[..]), select(&BODY_VALUES[..]));
    let condition = condition.prop_map(|(at, value)| body_condition(&format!("{at}={value}")));
    prop_oneof![3 => Just(Vec::new()), 1 => prop::collection::vec(condition, 1..3)]
}

/// Mostly nothing, now and then some of `words`.
fn few(words: &'static [&'static str]) -> impl Strategy<Value = Vec<&'static str>> {
    prop_oneof![3 => Just(Vec::new()), 1 => subsequence(words, 1..=2)]
}

fn leaf() -> impl Strategy<Value = RouteMatch> {
    let place = (
        few(&["web", "api"]),
        prop::collection::vec(host_pattern(), 0..3),
        prop::collection::vec(path_pattern(), 0..3),
    );
    let values = (conditions(), conditions(), conditions());
    let rest = (few(&METHODS), few(&NETWORKS), values, body_conditions(), select(vec![8, 100]));
    (place, rest).prop_map(|((listeners, hosts, paths), rest)| RouteMatch {
        listeners: listeners.into_iter().map(ListenerName::new).collect(),
        hosts,
        paths,
        methods: rest.0.into_iter().map(str::to_owned).collect(),
        clients: rest.1.iter().map(|network| network.parse().expect("a network")).collect(),
        headers: rest.2.0,
        cookies: rest.2.1,
        query: rest.2.2,
        body: rest.3,
        body_prefix: rest.4,
        not: None,
    })
}

fn rule() -> impl Strategy<Value = RouteMatch> {
    (leaf(), prop::option::weighted(0.2, (leaf(), prop::option::weighted(0.3, leaf())))).prop_map(
        |(rule, not)| {
            let not = not.map(|(not, inner)| RouteMatch { not: inner.map(Box::new), ..not });
            RouteMatch { not: not.map(Box::new), ..rule }
        },
    )
}

fn routes() -> impl Strategy<Value = Vec<Route>> {
    let one = (prop::collection::vec(rule(), 1..3), 0..3i32);
    prop::collection::vec(one, 0..14).prop_map(|routes| {
        let named = routes.into_iter().enumerate().map(|(position, (matches, priority))| {
            // Names that do not sort as they stand, so that a tie broken by place would show.
            let name = format!("r{}", position * 5 % 14);
            Route { priority, ..route(&name, matches) }
        });
        named.collect()
    })
}

fn field_list() -> impl Strategy<Value = Vec<(&'static str, &'static str)>> {
    prop::collection::vec((select(&NAMES[..]), select(&VALUES[..])), 0..4)
}

fn head() -> impl Strategy<Value = Head> {
    let line = (select(&METHODS[..]), select(&HOSTS[..]), select(&PATHS[..]));
    let json = prop::bool::weighted(0.8);
    (line, field_list(), field_list(), field_list(), json).prop_map(
        |((method, host, path), fields, cookies, query, json)| {
            let join = |pairs: Vec<(&str, &str)>, separator: &str| {
                let pairs: Vec<String> =
                    pairs.iter().map(|(name, value)| format!("{name}={value}")).collect();
                pairs.join(separator)
            };
            let (cookies, query) = (join(cookies, "; "), join(query, "&"));
            let kind = ("Content-Type", if json { "application/json" } else { "text/plain" });
            let more = [("Cookie", cookies.as_str()), kind];
            let fields: Vec<_> = fields.into_iter().chain(more).collect();
            let target = format!("{path}?{query}");
            let mut head = Head::compose(method, host, &target, &fields)
                .expect("the alphabet holds canonical paths only");
            head.set_body(BodyLength::Chunked);
            head
        },
    )
}

type Asked = (usize, Head, &'static str, &'static str);

fn check(routes: &[Route], requests: &[Asked]) -> Result<(), TestCaseError> {
    let table = RouteTable::build(&listeners(), routes);
    for (listener, head, client, body) in requests {
        let client: IpAddr = client.parse().expect("an address");
        let request = RouteRequest { listener: ListenerIndex::new(*listener), head, client };
        let expected = reference::find(&listeners(), routes, &request, Some(body));
        let view = BodyView::Whole(body.as_bytes());
        prop_assert_eq!(table.find_with_body(&request, view), expected);
        let bodiless = reference::find(&listeners(), routes, &request, None);
        prop_assert_eq!(table.find_with_body(&request, BodyView::TooLarge), bodiless);
        match table.find(&request) {
            // What is said without the body holds whatever it is.
            Found::Route(route) => prop_assert_eq!(Some(route), expected),
            Found::Nothing => prop_assert_eq!(None, expected),
            Found::NeedsBody(bytes) => prop_assert!(bytes == 8 || bytes == 100),
        }
        let steps = table.explain(&request, view);
        prop_assert_eq!(steps.last().and_then(|step| step.taken()), expected);
        let taken = steps.iter().filter(|step| step.taken().is_some()).count();
        prop_assert_eq!(taken, usize::from(expected.is_some()));
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 2_000,
        failure_persistence: None,
        ..Default::default()
    })]

    #[test]
    fn the_index_answers_as_a_walk_through_all_routes_would(
        routes in routes(),
        requests in prop::collection::vec(
            (0..2usize, head(), select(&CLIENTS[..]), select(&BODIES[..])),
            1..5,
        ),
    ) {
        check(&routes, &requests)?;
    }
}
