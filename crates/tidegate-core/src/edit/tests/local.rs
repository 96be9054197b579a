//! Answers without a server, and responses that are edited.

use super::*;
use crate::http::scheme::Scheme;

/// What a route answers by itself: status, fields, body.
#[track_caller]
fn answer(route: &str, lines: &str) -> Result<(u16, String, String), EditError> {
    let config = config(route);
    let mut head = head(lines);
    let (mut editor, mut reply) = (Editor::default(), ReplyHead::default());
    match prepare(&config.routes[0], &mut head, &FACTS, &mut editor, &mut reply)? {
        Prepared::Answer(body) => Ok((reply.status(), fields(&reply), text(body))),
        Prepared::Forward(pool) => panic!("it went to {pool}"),
    }
}

#[test]
fn a_redirect_names_a_url() {
    for (redirect, target, location) in [
        ("to = \"https://{host}{path}\"", "/a//b?q=1", "https://shop.example/a/b?q=1"),
        ("to = \"https://{host}{path}?x=1\"", "/a?q=1", "https://shop.example/a?x=1"),
        ("to = \"/new?{query}\"", "/a?q=%0d", "/new?q=%0d"),
        ("to = \"{path}/\"", "//evil.example", "/evil.example/"),
        ("to = \"{scheme}://b:{port}/{query:next}\"", "/?next=%2F", "https://b:8443/%2F?next=%2F"),
    ] {
        let lines = format!("GET {target} HTTP/1.1\nHost: Shop.Example:80");
        let (status, fields, body) =
            answer(&format!("redirect = {{ {redirect} }}"), &lines).expect(target);
        let expected = (308, format!("location: {location}\n"), String::new());
        assert_eq!((status, fields, body), expected, "{redirect}");
    }
}

#[test]
fn a_redirect_sends_to_the_edited_path() {
    let route = "redirect = { to = \"/new{path}\", status = 301 }\nrequest.strip_prefix = \"/old\"";
    let (status, fields, _) = answer(route, "GET /old/x?q HTTP/1.1\nHost: a").expect("a redirect");
    assert_eq!((status, fields.as_str()), (301, "location: /new/x?q\n"));
}

#[test]
fn a_redirect_that_is_no_url_is_refused() {
    let lost = answer("redirect.to = \"https://{host}/\"", "GET / HTTP/1.0");
    assert_eq!(lost, Err(EditError::Location), "it would go to a host without a name");
    let odd = answer("redirect.to = \"/{header:x-to}\"", "GET / HTTP/1.1\nHost: a\nX-To: a b");
    assert_eq!(odd, Err(EditError::Location));
    for next in ["/evil.example", "\\\\evil.example"] {
        let lines = format!("GET /?next={next} HTTP/1.1\nHost: a");
        let astray = answer("redirect.to = \"/{query:next}\"", &lines);
        assert_eq!(astray, Err(EditError::Location), "{next}");
    }
}

#[test]
fn a_fixed_answer_stands_as_it_is() {
    let route = "respond = { status = 403, body = '{\"no\":\"{host}\"}', \
                 type = \"application/json\" }\n\
                 response.set_header = { x-id = \"{request_id}-{status}\" }";
    let expected = "content-type: application/json\nx-id: 0000000000000abc-403\n".to_owned();
    let given = answer(route, "GET / HTTP/1.1\nHost: a").expect("an answer");
    assert_eq!(given, (403, expected, "{\"no\":\"{host}\"}".to_owned()));
    let empty = answer("respond.status = 204", "GET / HTTP/1.1\nHost: a").expect("an answer");
    assert_eq!(empty, (204, String::new(), String::new()));
}

#[test]
fn a_response_is_edited() {
    let route = "[route.all.response]\n\
                 hsts = { max_age = \"2y\", include_subdomains = true, \
                 preload = true }\n\
                 remove_header = [\"server\"]\n\
                 set_header = { x-frame-options = \"DENY\", x-where = \"{path}\", x-gone = \"\" }";
    let config = config(route);
    let head = head("GET /a HTTP/1.1\nHost: a");
    let mut editor = Editor::default();
    let edit = |facts: &Facts<'_>, editor: &mut Editor| {
        let mut reply = server("Server: s\nX-Frame-Options: SAMEORIGIN\nx-gone: 1\nA: b\n");
        reply::apply(&config.routes[0], &head, facts, editor, &mut reply).expect("edits");
        fields(&reply)
    };
    let plain = "A: b\nx-frame-options: DENY\nx-where: /a\n";
    let hsts = "strict-transport-security: max-age=63072000; includeSubDomains; preload\n";
    assert_eq!(edit(&FACTS, &mut editor), format!("{plain}{hsts}"));
    let http = Facts { scheme: Scheme::Http, ..FACTS };
    assert_eq!(edit(&http, &mut editor), plain, "RFC 6797, section 7.2");
}

#[test]
fn an_interim_response_stays_as_it_is() {
    let config = config("response.set_header = { x = \"y\" }");
    let mut reply = ReplyHead::default();
    parse::reply(b"HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\n", 9, false, &mut reply)
        .expect("a head");
    let head = head("GET / HTTP/1.1\nHost: a");
    reply::apply(&config.routes[0], &head, &FACTS, &mut Editor::default(), &mut reply)
        .expect("nothing to do");
    assert_eq!(fields(&reply), "Link: a\n");
}

#[test]
fn an_error_page_is_the_route_s_or_the_pool_s() {
    let config = config("response = { error_page = { 503 = \"file:sorry.html\" }, hsts = \"1h\" }");
    let head = head("GET / HTTP/1.1\nHost: a");
    let pool = &config.pools[0].error_pages;
    let page = |status, pool| {
        let (mut editor, mut reply) = (Editor::default(), ReplyHead::default());
        let room = (&mut editor, &mut reply);
        let body = answers::error((&config.routes[0], pool), status, &head, &FACTS, room)?;
        let body = text(body);
        Some((reply.status(), fields(&reply), body))
    };
    let fields = |kind: &str| {
        format!(
            "content-type: {kind}; charset=utf-8\ncache-control: no-store\n\
             strict-transport-security: max-age=3600\n"
        )
    };
    let own = (503, fields("text/html"), "<p>sorry.html".to_owned());
    assert_eq!(page(503, Some(pool)), Some(own));
    let of_pool = (502, fields("text/plain"), "<p>pool.txt".to_owned());
    assert_eq!(page(502, Some(pool)), Some(of_pool));
    assert_eq!(page(502, None), None, "it did not get as far as a pool");
    assert_eq!(page(504, Some(pool)), None);
}
