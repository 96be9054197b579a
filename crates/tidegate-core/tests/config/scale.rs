//! Large files: the work grows with the file, not with its square.
//!
//! No clock is read here; each of these takes minutes, not seconds, if pairs of routes are compared
//! one by one or hints are sought without a bound.

use std::fmt::Write as _;

use crate::disk::{load_text, say};

const ROUTES: usize = 10_000;

/// A file with many routes, each with the conditions that `write` gives it.
fn many(conditions: impl Fn(usize) -> String) -> String {
    let mut text = "[listener.web]\naddress = \"127.0.0.1:80\"\n\
                    [pool.app]\nservers = \"127.0.0.1:81\"\n"
        .to_owned();
    for number in 0..ROUTES {
        let conditions = conditions(number);
        write!(text, "[route.r{number}]\npool = \"app\"\n{conditions}\n").expect("a string");
    }
    text
}

#[test]
fn ten_thousand_routes_apart_by_path_load() {
    let loaded = load_text(&many(|n| format!("match.path_prefix = \"/service-{n}\"")));
    assert_eq!(say(&loaded.diagnostics), "");
    assert_eq!(loaded.config.map(|config| config.routes.len()), Some(ROUTES));
}

#[test]
fn ten_thousand_routes_apart_by_a_header_load() {
    let loaded = load_text(&many(|n| format!("match.header = {{ tenant = \"t{n}\" }}")));
    assert_eq!(say(&loaded.diagnostics), "");
}

#[test]
fn ten_thousand_routes_apart_by_client_load_and_nested_networks_tie() {
    let client = |n: usize| format!("match.client = \"10.{}.{}.0/24\"", n / 256, n % 256);
    assert_eq!(say(&load_text(&many(client)).diagnostics), "");
    let nested =
        |n: usize| if n == 7 { "match.client = \"10.1.0.0/16\"".into() } else { client(n) };
    assert_eq!(load_text(&many(nested)).diagnostics.len(), 256);
}

#[test]
fn ten_thousand_routes_that_all_tie_are_each_reported_once() {
    let loaded = load_text(&many(|_| String::new()));
    assert_eq!(loaded.diagnostics.len(), ROUTES - 1);
}

#[test]
fn ten_thousand_misspelled_pools_are_all_reported() {
    let text =
        many(|n| format!("match.path = \"/{n}\"")).replace("pool = \"app\"", "pool = \"apq\"");
    assert_eq!(load_text(&text).diagnostics.len(), ROUTES);
}
