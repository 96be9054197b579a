//! Routing by example: which of a few routes takes a request, and why.

mod body;
mod property;
mod reference;

use std::net::IpAddr;

use regex::Regex;

use super::body::BodyView;
use super::explain::{PathStep, Verdict};
use super::table::{Found, RouteRequest, RouteTable};
use crate::http::head::Head;
use crate::model::body::{BodyCondition, BodyValue, JsonPointer};
use crate::model::ids::{ListenerIndex, ListenerName, PoolName, RouteIndex, RouteName};
use crate::model::ratio::Limit;
use crate::model::route::{
    EncodedSlash, HostPattern, PathPattern, PathPolicy, RetryPolicy, Route, RouteMatch,
    RouteTimeouts, Target, ValuePattern,
};
use crate::time::Duration;

/// A route of this name that takes what one of the matches takes.
fn route(name: &str, matches: Vec<RouteMatch>) -> Route {
    Route {
        name: RouteName::new(name),
        target: Target::Pool(PoolName::new("pool")),
        matches,
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
        retry: RetryPolicy { retries: 1, on_reset: true, on_timeout: false, on_status: Vec::new() },
        request: None,
        response: None,
        compression: None,
    }
}

/// A match from words: `listener:web`, `host:*.example.com`, `path:/a`, `under:/a`, `regex:/a.*`,
/// `method:GET`, `client:10.0.0.0/8`, and `header:name=value`, `cookie:…` or `query:…`, where the
/// value may be `~regex`, `true` or `false`; `body:/pointer=value` and `prefix:BYTES`. Words
/// after `not` are of the negated match.
fn rule(words: &str) -> RouteMatch {
    let (words, not) = match words.split_once("not ") {
        Some((words, not)) => (words, Some(Box::new(rule(not)))),
        None => (words, None),
    };
    let mut rule = RouteMatch { not, body_prefix: 100, ..RouteMatch::default() };
    for word in words.split_whitespace() {
        let (key, text) = word.split_once(':').expect("a word is key:value");
        match key {
            "listener" => rule.listeners.push(ListenerName::new(text)),
            "host" => rule.hosts.push(host(text)),
            "path" => rule.paths.push(PathPattern::Exact(text.to_owned())),
            "under" => rule.paths.push(PathPattern::Prefix(text.trim_end_matches('/').to_owned())),
            "regex" => rule.paths.push(PathPattern::Regex(regex(text))),
            "method" => rule.methods.push(text.to_owned()),
            "client" => rule.clients.push(text.parse().expect("a network")),
            "header" => rule.headers.push(condition(text)),
            "cookie" => rule.cookies.push(condition(text)),
            "query" => rule.query.push(condition(text)),
            "body" => rule.body.push(body_condition(text)),
            "prefix" => rule.body_prefix = text.parse().expect("bytes"),
            _ => panic!("unknown word {word}"),
        }
    }
    rule
}

fn host(text: &str) -> HostPattern {
    match text.strip_prefix('*') {
        Some(suffix) => HostPattern::Wildcard(suffix.to_owned()),
        None => HostPattern::Exact(text.to_owned()),
    }
}

fn condition(text: &str) -> (String, ValuePattern) {
    let (name, value) = text.split_once('=').expect("a condition is name=value");
    let pattern = match value {
        "true" => ValuePattern::Present,
        "false" => ValuePattern::Absent,
        _ => match value.strip_prefix('~') {
            Some(pattern) => ValuePattern::Regex(regex(pattern)),
            None => ValuePattern::Exact(value.to_owned()),
        },
    };
    (name.to_owned(), pattern)
}

/// `/pointer=value`, where the value may be `~regex`, a number, `true` or `false`.
fn body_condition(text: &str) -> BodyCondition {
    let (pointer, value) = text.split_once('=').expect("a condition is pointer=value");
    let value = match (value.strip_prefix('~'), value.parse(), value.parse()) {
        (Some(pattern), ..) => BodyValue::Regex(regex(pattern)),
        (_, Ok(number), _) => BodyValue::Number(number),
        (_, _, Ok(flag)) => BodyValue::Flag(flag),
        _ => BodyValue::Exact(value.to_owned()),
    };
    let tokens = pointer.split('/').skip(1).map(str::to_owned).collect();
    BodyCondition { pointer: JsonPointer { text: pointer.to_owned(), tokens }, value }
}

fn regex(pattern: &str) -> Regex {
    Regex::new(&format!("^(?:{pattern})$")).expect("a regex")
}

/// A table from `name: words` lines; several lines with one name are alternatives. Listeners: web,
/// api.
fn table(lines: &[&str]) -> RouteTable {
    let mut routes: Vec<Route> = Vec::new();
    for line in lines {
        let (name, words) = line.split_once(':').expect("a line is name: words");
        match routes.iter_mut().find(|route| route.name.as_str() == name) {
            Some(route) => route.matches.push(rule(words)),
            None => routes.push(route(name, vec![rule(words)])),
        }
    }
    RouteTable::build(&listeners(), &routes)
}

fn listeners() -> [ListenerName; 2] {
    [ListenerName::new("web"), ListenerName::new("api")]
}

/// A request at listener `web` from 192.0.2.1: `GET host/path`.
fn head(line: &str, fields: &[(&str, &str)]) -> Head {
    let (method, url) = line.split_once(' ').expect("a line is METHOD host/path");
    let slash = url.find('/').unwrap_or(url.len());
    Head::compose(method, &url[..slash], &url[slash..], fields).expect("a canonical path")
}

fn request(head: &Head) -> RouteRequest<'_> {
    RouteRequest { listener: ListenerIndex::new(0), head, client: IpAddr::from([192, 0, 2, 1]) }
}

/// The name of the route that takes the request, or `-`.
fn taken<'t>(table: &'t RouteTable, request: &RouteRequest<'_>) -> &'t str {
    match table.find(request) {
        Found::Route(route) => table.name(route).as_str(),
        Found::NeedsBody(_) => "?",
        Found::Nothing => "-",
    }
}

fn assert_taken(table: &RouteTable, cases: &[(&str, &str)]) {
    for (line, expected) in cases {
        let head = head(line, &[]);
        assert_eq!(taken(table, &request(&head)), *expected, "{line}");
    }
}

#[test]
fn an_empty_table_takes_nothing_and_a_bare_route_everything() {
    assert_taken(&table(&[]), &[("GET a/", "-")]);
    assert_taken(&table(&["all:"]), &[("GET a/b?c", "all"), ("GET [::1]/", "all")]);
}

#[test]
fn the_more_specific_host_wins() {
    let table = table(&[
        "any:",
        "com: host:*.com",
        "example: host:*.example.com",
        "deep: host:*.b.example.com",
        "exact: host:a.example.com",
    ]);
    assert_taken(
        &table,
        &[
            ("GET a.example.com/", "exact"),
            ("GET A.Example.COM:8443/", "exact"),
            ("GET c.example.com/", "example"),
            ("GET x.y.example.com/", "example"),
            ("GET a.b.example.com/", "deep"),
            ("GET b.example.com/", "example"),
            ("GET example.com/", "com"),
            ("GET badexample.com/", "com"),
            ("GET com/", "any"),
            ("GET .com/", "any"),
            ("GET example.org/", "any"),
            ("GET 192.0.2.7/", "any"),
        ],
    );
}

#[test]
fn the_more_specific_path_wins() {
    let table = table(&[
        "any:",
        "root: under:/",
        "regex: regex:/item/[0-9]+",
        "api: under:/api",
        "deep: under:/api/v1/",
        "exact: path:/api/v1",
    ]);
    assert_taken(
        &table,
        &[
            ("GET a/api/v1", "exact"),
            ("GET a/api/v1/", "deep"),
            ("GET a/api/v1/x/y", "deep"),
            ("GET a/api/v10", "api"),
            ("GET a/api", "api"),
            ("GET a/apix", "root"),
            ("GET a/API", "root"),
            ("GET a/item/7", "root"),
            ("GET a", "root"),
        ],
    );
    let asterisk = Head::compose("OPTIONS", "a", "*", &[]).expect("the asterisk form");
    assert_eq!(taken(&table, &request(&asterisk)), "any", "it is no path under the root");
}

#[test]
fn a_regex_ranks_after_prefixes_and_before_any_path() {
    let table = table(&["any:", "item: regex:/item/[0-9]+", "under: under:/item/1"]);
    assert_taken(
        &table,
        &[
            ("GET a/item/1", "under"),
            ("GET a/item/12", "item"),
            ("GET a/item/12/x", "any"),
            ("GET a/x/item/12", "any"),
        ],
    );
}

#[test]
fn a_host_outranks_every_path_and_a_listener_every_host() {
    let table = table(&["path: path:/a", "host: host:*.x", "listener: listener:web under:/a"]);
    assert_taken(&table, &[("GET h.x/a", "listener"), ("GET h.x/b", "host"), ("GET h.y/b", "-")]);
    let head = head("GET h.x/a", &[]);
    let api = RouteRequest { listener: ListenerIndex::new(1), ..request(&head) };
    assert_eq!(taken(&table, &api), "host");
}

#[test]
fn a_method_outranks_other_conditions_and_their_number_the_priority() {
    let mut routes: Vec<Route> = [
        ("plain", ""),
        ("tier", "header:x-tier=gold"),
        ("both", "header:x-tier=gold query:v=2"),
        ("post", "method:POST"),
    ]
    .map(|(name, words)| route(name, vec![rule(words)]))
    .into();
    routes.push(Route { priority: 5, ..route("urgent", vec![rule("")]) });
    let table = RouteTable::build(&listeners(), &routes);
    let gold = [("X-Tier", "gold")];
    for (line, fields, expected) in [
        ("POST a/?v=2", &gold[..], "post"),
        ("GET a/?v=2", &gold[..], "both"),
        ("GET a/?v=3", &gold[..], "tier"),
        ("GET a/?v=2", &[][..], "urgent"),
        ("post a/", &[][..], "urgent"),
    ] {
        assert_eq!(taken(&table, &request(&head(line, fields))), expected, "{line}");
    }
}

#[test]
fn a_bucket_whose_entries_all_fail_is_left_for_the_next() {
    let table = table(&[
        "listener: listener:web host:a.x path:/p method:PUT",
        "exact: host:a.x path:/p/q method:POST",
        "deep: host:a.x under:/p/q header:x=1",
        "shallow: host:a.x under:/p query:v=1",
        "regex: host:a.x regex:/p.* cookie:c=1",
        "rest: host:a.x client:10.0.0.0/8",
        "wild: host:*.x path:/p/q header:y=1",
        "last: host:*.x method:GET",
        "any: under:/p",
    ]);
    for (line, fields, expected) in [
        ("POST a.x/p/q?v=1", &[("x", "1")][..], "exact"),
        ("GET a.x/p/q?v=1", &[("x", "1")][..], "deep"),
        ("GET a.x/p/q?v=1", &[][..], "shallow"),
        ("GET a.x/p/q", &[("cookie", "c=1")][..], "regex"),
        ("GET a.x/p/q", &[("y", "1")][..], "wild"),
        ("GET a.x/p/q", &[][..], "last"),
        ("PUT a.x/p/q", &[][..], "any"),
        ("PUT a.x/q", &[][..], "-"),
    ] {
        assert_eq!(taken(&table, &request(&head(line, fields))), expected, "{line} {fields:?}");
    }
}

#[test]
fn equal_matches_are_ordered_by_name_not_by_place() {
    assert_taken(&table(&["b: under:/a", "a: under:/a"]), &[("GET h/a", "a")]);
}

#[test]
fn every_value_of_a_repeated_header_is_tested_and_doubt_refuses() {
    let grants = table(&["gold: header:x-tier=gold"]);
    let denies = table(&["open: not header:x-role=admin"]);
    let values = |name: &'static str, values: &[&'static str]| {
        values.iter().map(|value| (name, *value)).collect::<Vec<_>>()
    };
    for (sent, granted) in [
        (&["gold"][..], "gold"),
        (&["gold", "gold"][..], "gold"),
        (&["gold", "free"][..], "-"),
        (&["free", "gold"][..], "-"),
        (&[][..], "-"),
    ] {
        let head = head("GET a/", &values("X-Tier", sent));
        assert_eq!(taken(&grants, &request(&head)), granted, "H8: {sent:?}");
    }
    for (sent, left) in [
        (&["guest"][..], "open"),
        (&[][..], "open"),
        (&["admin"][..], "-"),
        (&["guest", "admin"][..], "-"),
        (&["admin", "guest"][..], "-"),
    ] {
        let head = head("GET a/", &values("x-role", sent));
        assert_eq!(taken(&denies, &request(&head)), left, "H8: {sent:?}");
    }
}

#[test]
fn conditions_test_presence_absence_and_regexes() {
    let table = table(&[
        "present: under:/1 header:x=true",
        "absent: under:/2 header:x=false",
        "regex: under:/3 header:x=~v[0-9]",
        "cookie: under:/4 cookie:c=~a.*",
        "query: under:/5 query:q=%41",
    ]);
    for (line, fields, expected) in [
        ("GET a/1", &[("X", "")][..], "present"),
        ("GET a/1", &[][..], "-"),
        ("GET a/2", &[][..], "absent"),
        ("GET a/2", &[("x", "")][..], "-"),
        ("GET a/3", &[("x", "v1")][..], "regex"),
        ("GET a/3", &[("x", "v1"), ("x", "v12")][..], "-"),
        ("GET a/4", &[("cookie", "b=1; c=abc; c=b")][..], "cookie"),
        ("GET a/4", &[("cookie", "c=b; c=abc")][..], "-"),
        // I8: the first value, as it stands; `;` separates nothing.
        ("GET a/5?q=%41&q=x", &[][..], "query"),
        ("GET a/5?q=x&q=%41", &[][..], "-"),
        ("GET a/5?q=A", &[][..], "-"),
        ("GET a/5?p=1;q=%41", &[][..], "-"),
    ] {
        assert_eq!(taken(&table, &request(&head(line, fields))), expected, "{line} {fields:?}");
    }
}

#[test]
fn not_takes_out_what_its_match_takes() {
    let table = table(&[
        "open: under:/api not under:/api/internal path:/api/secret",
        "post: under:/w not listener:web method:POST method:PUT",
        "else:",
    ]);
    assert_taken(
        &table,
        &[
            ("GET a/api/x", "open"),
            ("GET a/api/internal/x", "else"),
            ("GET a/api/secret", "else"),
            ("GET a/api/internals", "open"),
            ("GET a/w", "post"),
            ("PUT a/w", "else"),
        ],
    );
    let head = head("PUT a/w", &[]);
    let api = RouteRequest { listener: ListenerIndex::new(1), ..request(&head) };
    assert_eq!(taken(&table, &api), "post");
}

#[test]
fn the_client_is_matched_by_network() {
    let table = table(&["lan: client:10.0.0.0/8 client:2001:db8::/32", "else:"]);
    let head = head("GET a/", &[]);
    for (client, expected) in
        [("10.9.8.7", "lan"), ("11.0.0.1", "else"), ("2001:db8::1", "lan"), ("::1", "else")]
    {
        let client = client.parse().expect("an address");
        assert_eq!(taken(&table, &RouteRequest { client, ..request(&head) }), expected, "{client}");
    }
}

#[test]
fn alternatives_of_one_route_are_searched_like_routes() {
    let table = table(&["one: host:a.x path:/1", "one: host:*.x under:/2", "two: host:a.x"]);
    assert_taken(
        &table,
        &[("GET a.x/1", "one"), ("GET a.x/2", "two"), ("GET b.x/2", "one"), ("GET b.x/1", "-")],
    );
}

#[test]
fn an_unknown_listener_takes_nothing() {
    assert_taken(&table(&["lost: listener:nowhere"]), &[("GET a/", "-")]);
    let all = table(&["all:"]);
    let head = head("GET a/", &[]);
    let beyond = RouteRequest { listener: ListenerIndex::new(9), ..request(&head) };
    assert_eq!(taken(&all, &beyond), "all");
}

#[test]
fn explain_tells_each_step_of_the_search() {
    let table = table(&[
        "gold: listener:web host:a.x under:/p/q header:x-tier=gold",
        "post: host:*.x under:/p method:POST method:PUT",
        "not: host:*.x under:/p not header:x-beta=true client:192.0.2.0/24",
        "item: regex:/p/.*",
        "all: under:/",
    ]);
    let head = head("GET a.x/p/q", &[("x-beta", "1")]);
    let steps = table.explain(&request(&head), BodyView::Unread);
    let text: Vec<String> = steps.iter().map(ToString::to_string).collect();
    assert_eq!(
        text,
        [
            "listener web, host a.x, path under /p/q:\n  \
             gold: does not hold: header x-tier = \"gold\"",
            "any listener, host *.x, path under /p:\n  post: does not hold: method POST or PUT\n  \
             not: does not hold: not (client in 192.0.2.0/24 and header x-beta present)",
            "any listener, any host, path under /:\n  all: taken",
        ]
    );
    assert_eq!(steps[2].taken(), Some(RouteIndex::new(4)));
    assert_eq!(steps[2].path, PathStep::Prefix("/".to_owned()));
    assert_eq!(steps[2].trials[0].verdict, Verdict::Taken);
}
