//! Routing by values of a JSON body.

use super::*;
use crate::http::head::BodyLength;

const TYPE: (&str, &str) = ("Content-Type", "application/json; charset=utf-8");

fn post(fields: &[(&str, &str)], body: BodyLength) -> Head {
    let mut head = head("POST a/", fields);
    head.set_body(body);
    head
}

fn json() -> Head {
    post(&[TYPE], BodyLength::Chunked)
}

/// The name of the route that takes a request with this body, or `-`.
fn with_body<'t>(table: &'t RouteTable, head: &Head, body: BodyView<'_>) -> &'t str {
    table.find_with_body(&request(head), body).map_or("-", |route| table.name(route).as_str())
}

#[track_caller]
fn assert_routes(table: &RouteTable, cases: &[(&str, &str)]) {
    for (body, expected) in cases {
        let view = BodyView::Whole(body.as_bytes());
        assert_eq!(with_body(table, &json(), view), *expected, "{body}");
    }
}

#[test]
fn a_value_of_the_body_chooses_the_route() {
    let table = table(&[
        "bulk: body:/order/type=bulk",
        "vip: body:/tags/1=~v.*",
        "paid: body:/paid=true body:/price=5",
        "rest:",
    ]);
    assert_routes(
        &table,
        &[
            (r#"{"order":{"type":"bulk"}}"#, "bulk"),
            (r#"{"order":{"type":"\u0062ulk"}}"#, "bulk"),
            (r#"{"\u006frder":{"type":"bulk"}}"#, "bulk"),
            (r#"{"order":{"type":"bulky"}}"#, "rest"),
            (r#"{"order":"bulk"}"#, "rest"),
            (r#"{"order":{"type":["bulk"]}}"#, "rest"),
            (r#"{"order":{"type":null}}"#, "rest"),
            (r#"{"x":{"order":{"type":"bulk"}}}"#, "rest"),
            (r#"{"tags":["a","vip"]}"#, "vip"),
            (r#"{"tags":{"1":"vip"}}"#, "vip"),
            (r#"{"tags":["vip"]}"#, "rest"),
            (r#"{"paid":true,"price":5.0}"#, "paid"),
            (r#"{"price":50e-1,"paid":true}"#, "paid"),
            (r#"{"paid":true,"price":"5"}"#, "rest"),
            (r#"{"paid":"true","price":5}"#, "rest"),
            ("[]", "rest"),
        ],
    );
}

#[test]
fn a_body_that_is_not_what_it_should_be_satisfies_nothing() {
    let table = table(&["bulk: body:/type=bulk", "rest:"]);
    let good = r#"{"type":"bulk"}"#;
    assert_routes(
        &table,
        &[
            (good, "bulk"),
            (" {\"type\":\"bulk\"}\r\n", "bulk"),
            ("", "rest"),
            (r#"{"type":"bulk""#, "rest"),
            (r#"{"type":"bulk"} x"#, "rest"),
            (r#"{"type":"bulk"}{}"#, "rest"),
            (r#"{"type":"bulk",}"#, "rest"),
            ("{'type':'bulk'}", "rest"),
            ("\u{feff}{\"type\":\"bulk\"}", "rest"),
            ("{\"type\":\"bulk\",\"x\":\"\u{1}\"}", "rest"),
            // A key that stands twice: servers differ on which one counts.
            (r#"{"type":"bulk","type":"bulk"}"#, "rest"),
            (r#"{"type":"bulk","\u0074ype":"x"}"#, "rest"),
            (r#"{"type":"bulk","x":1,"x":2}"#, "bulk"),
        ],
    );
    for view in [BodyView::TooLarge, BodyView::Unread, BodyView::Whole(b"{\"type\":\"\xff\"}")] {
        assert_eq!(with_body(&table, &json(), view), "rest");
    }
    for fields in [
        &[][..],
        &[("Content-Type", "text/plain")],
        &[("Content-Type", "application/jsonp")],
        &[TYPE, TYPE],
        &[TYPE, ("Content-Encoding", "gzip")],
    ] {
        let head = post(fields, BodyLength::Chunked);
        assert_eq!(with_body(&table, &head, BodyView::Whole(good.as_bytes())), "rest");
        assert_eq!(taken(&table, &request(&head)), "rest", "it is not even read: {fields:?}");
    }
    let head = post(&[("content-type", "application/Vnd.x+JSON")], BodyLength::Chunked);
    assert_eq!(with_body(&table, &head, BodyView::Whole(good.as_bytes())), "bulk");
}

#[test]
fn doubt_below_a_repeated_key_stays_with_what_is_below_it() {
    let table = table(&["in: body:/a/b=1", "out: body:/c=1", "rest:"]);
    assert_routes(
        &table,
        &[
            (r#"{"a":{"b":1}}"#, "in"),
            (r#"{"a":{"b":1},"a":{}}"#, "rest"),
            (r#"{"a":{},"a":{"b":1}}"#, "rest"),
            (r#"{"a":{"b":1,"b":2}}"#, "rest"),
            (r#"{"a":{"b":1},"a":2,"c":1}"#, "out"),
        ],
    );
}

#[test]
fn nesting_is_bounded_wherever_it_is() {
    let table = table(&["deep: body:/type=bulk", "rest:"]);
    let nested = |depth: usize| {
        let (open, close) = ("[".repeat(depth), "]".repeat(depth));
        format!("{{\"x\":{open}{close},\"type\":\"bulk\"}}")
    };
    let mut wide = self::table(&["deep: body:/type=bulk prefix:65536", "rest:"]);
    let find = |table: &RouteTable, depth: usize| {
        let body = nested(depth);
        with_body(table, &json(), BodyView::Whole(body.as_bytes())).to_owned()
    };
    assert_eq!(find(&wide, 100), "deep");
    assert_eq!(find(&wide, 30_000), "rest");
    assert_eq!(find(&table, 100), "rest", "longer than its prefix");
    wide = self::table(&["whole: body:=x", "rest:"]);
    assert_eq!(with_body(&wide, &json(), BodyView::Whole(b"\"x\"")), "whole");
}

#[test]
fn a_body_is_asked_for_only_where_it_can_decide() {
    let table = table(&[
        "exact: path:/exact",
        "small: under:/b body:/t=1 prefix:10",
        "large: under:/b body:/t=1 body:/u=1 prefix:50",
        "get: method:GET under:/b",
    ]);
    let needs = |line: &str, fields: &[(&str, &str)], body| {
        let mut head = head(line, fields);
        head.set_body(body);
        match table.find(&request(&head)) {
            Found::NeedsBody(bytes) => bytes.to_string(),
            Found::Route(route) => table.name(route).to_string(),
            Found::Nothing => "-".to_owned(),
        }
    };
    let chunked = BodyLength::Chunked;
    assert_eq!(needs("POST a/exact", &[TYPE], chunked), "exact");
    assert_eq!(needs("POST a/b", &[TYPE], chunked), "50");
    assert_eq!(needs("GET a/b", &[TYPE], chunked), "get", "a method ranks before a body");
    assert_eq!(needs("POST a/b", &[], chunked), "-");
    assert_eq!(needs("POST a/b", &[TYPE], BodyLength::Empty), "-");
    assert_eq!(needs("POST a/b", &[TYPE], BodyLength::Exact(50)), "50");
    assert_eq!(needs("POST a/b", &[TYPE], BodyLength::Exact(10)), "50");
    assert_eq!(needs("POST a/b", &[TYPE], BodyLength::Exact(51)), "-");
    assert_eq!(needs("POST a/c", &[TYPE], chunked), "-");
}

#[test]
fn explain_names_the_condition_on_the_body() {
    let table = table(&["bulk: body:/type=bulk", "rest:"]);
    let head = json();
    let told = |body| {
        let steps = table.explain(&request(&head), body);
        steps.iter().map(ToString::to_string).collect::<String>()
    };
    let failed = "any listener, any host, any path:\n  \
                  bulk: does not hold: body \"/type\" = \"bulk\"\n  rest: taken";
    assert_eq!(told(BodyView::Unread), failed);
    assert_eq!(told(BodyView::Whole(b"{}")), failed);
    assert!(told(BodyView::Whole(b"{\"type\":\"bulk\"}")).ends_with("  bulk: taken"));
}
