//! Requests that are edited on their way to a server.

use proptest::prelude::*;

use super::super::request::name_server;
use super::*;
use crate::http::edit::{ChangeError, is_value};
use crate::http::path::PathError;

#[track_caller]
fn edited(route: &str, lines: &str) -> Result<Head, EditError> {
    let config = config(route);
    let mut head = head(lines);
    let (mut editor, mut reply) = (Editor::default(), ReplyHead::default());
    let prepared = prepare(&config.routes[0], &mut head, &FACTS, &mut editor, &mut reply)?;
    assert!(matches!(prepared, Prepared::Forward(pool) if pool.as_str() == "shop"));
    Ok(head)
}

const REQUEST: &str = "GET /api/v1/x?a=1&b=2&a=3 HTTP/1.1\nHost: Shop.Example:8080\n\
                       X-Many: 1\nx-many: 2\nCookie: uid=7; uid=8\nX-Debug: y";

#[test]
fn each_variable_says_what_the_client_asked_for() {
    for (value, expected) in [
        ("{host}", "shop.example"),
        ("{path}", "/api/v1/x"),
        ("{query}", "a=1&b=2&a=3"),
        ("{scheme}://{host}{path}?{query}", "https://shop.example/api/v1/x?a=1&b=2&a=3"),
        ("{method}", "GET"),
        ("{client}", "192.0.2.1"),
        ("{request_id}", "0000000000000abc"),
        ("{listener}/{route}:{port}", "web/all:8443"),
        ("{header:x-many}", "1, 2"),
        ("{header:x-none}-", "-"),
        ("{cookie:uid}", "7"),
        ("{query:a}", "1"),
        ("{{{host}}}", "{shop.example}"),
        ("{header:x-debug}", "y"),
    ] {
        // Edits of path, host and fields do not change what variables say.
        let route = format!(
            "request = {{ strip_prefix = \"/api\", host = \"inner\", \
             remove_header = [\"x-debug\"], set_header = {{ x-out = {value:?}, x-many = \"\" }} }}"
        );
        let head = edited(&route, REQUEST).expect("edits that can be made");
        assert_eq!(head.values("x-out").map(text).collect::<Vec<_>>(), [expected], "{value}");
        assert_eq!((head.path(), head.host()), ("/v1/x", "inner"));
        assert!(head.values("x-debug").next().is_none() && head.values("x-many").next().is_none());
    }
}

#[test]
fn a_value_that_comes_out_empty_removes_the_field() {
    let route = "request.set_header = { x-many = \"{header:x-none}\", x-debug = \"{query:b}\" }";
    let head = edited(route, REQUEST).expect("edits that can be made");
    assert_eq!(head.values("x-many").count(), 0);
    assert_eq!(head.values("x-debug").map(text).collect::<Vec<_>>(), ["2"]);
}

#[test]
fn the_path_is_stripped_and_then_rewritten() {
    for (edits, path, expected) in [
        ("strip_prefix = \"/api\"", "/api/x", "/x"),
        ("strip_prefix = \"/api\"", "/apix", "/apix"),
        ("rewrite = { regex = '^/v1/(.*)', to = '/v2/$1' }", "/v1/a/b", "/v2/a/b"),
        ("rewrite = { regex = '^/v1/(.*)', to = '/v2/$1' }", "/x/v1/a", "/x/v1/a"),
        ("rewrite = { regex = '/v1(/.*)?', to = '/v2$1' }", "/v1", "/v2"),
        ("rewrite = { regex = '/(.)/(.)', to = '/$2/${1}x' }", "/a/b", "/b/ax"),
        ("rewrite = { regex = '/(?P<id>\\d+)', to = '/item/${id}' }", "/42", "/item/42"),
        ("rewrite = { regex = '/a(/.*)', to = '$1' }", "/a/b", "/b"),
        ("strip_prefix = '/a', rewrite = { regex = '/b', to = '/c' }", "/a/b", "/c"),
    ] {
        let lines = format!("GET {path}?q=%41 HTTP/1.1\nHost: a");
        let head = edited(&format!("request = {{ {edits} }}"), &lines).expect(path);
        assert_eq!((head.path(), head.query()), (expected, Some("q=%41")), "{edits}");
    }
    let head = edited("request.strip_prefix = \"/api\"", "OPTIONS * HTTP/1.1\nHost: a");
    assert_eq!(head.expect("it is no path").path(), "*");
}

#[test]
fn a_rewrite_never_puts_together_what_a_client_could_not_send() {
    for (regex, to, path, error) in [
        ("/(.*)x(.*)", "/$1$2", "/.x./b", ChangeError::Path(PathError::Root)),
        ("/a/(.*)x(.*)", "/a/$1$2", "/a/.x.", ChangeError::NotCanonical),
        ("/(.*)25(.*)", "/$1$2", "/%2561", ChangeError::NotCanonical),
        ("/(.*)", "$1", "/a", ChangeError::Path(PathError::Relative)),
        ("/(.*)", "$1", "/", ChangeError::NotCanonical),
    ] {
        let route = format!("request.rewrite = {{ regex = '{regex}', to = '{to}' }}");
        let lines = format!("GET {path} HTTP/1.1\nHost: a");
        let refused = edited(&route, &lines).expect_err(path);
        assert_eq!(refused, EditError::Change(error), "{regex} {path}");
    }
}

#[test]
fn the_host_is_the_client_s_or_the_server_s_or_another() {
    let named = |route: &str| {
        let config = config(route);
        let mut head = edited(route, "GET / HTTP/1.1\nHost: a").expect("a host");
        for server in ["10.0.0.1:80", "10.0.0.2:9000", "[::1]:9000"] {
            name_server(&config.routes[0], &mut head, server).expect("an address");
        }
        head.authority().to_owned()
    };
    assert_eq!(named(""), "a");
    assert_eq!(named("request.host = \"pass\""), "a");
    assert_eq!(named("request.host = \"server\""), "[::1]:9000");
    assert_eq!(named("request.host = \"Inner:8080\""), "inner:8080");
}

#[test]
fn what_a_variable_brings_is_checked_when_it_is_set() {
    // A codec that let these through would not make them a field here either.
    let config = config("request.set_header = { x-out = \"a{header:x-in}\" }");
    let (mut editor, mut reply) = (Editor::default(), ReplyHead::default());
    for value in ["\r\nx-admin: 1", "\n", "\0", "\x7f"] {
        let mut head = Head::compose("GET", "a", "/", &[("x-in", value)]).expect("a path");
        let refused = prepare(&config.routes[0], &mut head, &FACTS, &mut editor, &mut reply);
        assert_eq!(refused, Err(EditError::Change(ChangeError::Value)), "H10: {value:?}");
        assert_eq!(head.values("x-out").count(), 0);
    }
    let long = "a".repeat(EditError::VALUE_BYTES_MAX);
    let mut head = Head::compose("GET", "a", "/", &[("x-in", &long)]).expect("a path");
    let refused = prepare(&config.routes[0], &mut head, &FACTS, &mut editor, &mut reply);
    assert_eq!(refused, Err(EditError::TooLong));
}

#[test]
fn a_route_without_edits_holds_none() {
    let config = config("request = { host = \"pass\" }\nresponse = {}");
    assert!(config.routes[0].request.is_none() && config.routes[0].response.is_none());
}

proptest! {
    #[test]
    fn what_is_rendered_is_a_field_value_or_refused(
        value in prop::collection::vec(any::<u8>(), 0..20),
        query in "[ -~\\r\\n\\x00]{0,20}",
    ) {
        let config = config("request.set_header = { x-out = \"{header:x-in}{query}{cookie:c}\" }");
        let (mut editor, mut reply) = (Editor::default(), ReplyHead::default());
        let value = text(&value);
        let target = format!("/?{query}");
        let fields = [("x-in", value.as_str()), ("cookie", &format!("c={value}"))];
        let mut head = Head::compose("GET", "a", &target, &fields).expect("a path");
        let prepared = prepare(&config.routes[0], &mut head, &FACTS, &mut editor, &mut reply);
        let out: Vec<&[u8]> = head.values("x-out").collect();
        prop_assert!(out.len() <= 1 && out.iter().all(|value| is_value(value)));
        prop_assert!(prepared.is_ok() || out.is_empty());
    }
}
