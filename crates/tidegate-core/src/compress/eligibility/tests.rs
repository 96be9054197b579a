//! One response a line, and why it stays as it is.

use super::*;
use crate::http::parse;
use crate::http::scheme::Scheme;
use crate::model::compression::{Coding, Level, Levels, MediaPattern, Subtype};
use crate::model::ratio::Ratio;

fn policy() -> Compression {
    let level = |coding| Level::cheapest(coding);
    let pattern = |kind: &str, subtype| MediaPattern { kind: kind.to_owned(), subtype };
    Compression {
        codings: Coding::ALL.to_vec(),
        types: vec![
            pattern("text", Subtype::Any),
            pattern("application", Subtype::Exact("json".to_owned())),
            pattern("application", Subtype::Suffix("+json".to_owned())),
        ],
        bytes_min: 100,
        levels: Levels {
            zstd: level(Coding::Zstd),
            br: level(Coding::Br),
            gzip: level(Coding::Gzip),
        },
        cpu_ceiling: Ratio::new(0.5).expect("a ratio"),
    }
}

#[track_caller]
fn judge(policy: &Compression, request: &str, reply: &str, fields: &str) -> Result<(), Unfit> {
    let mut head = Head::default();
    let request = format!("{request}Host: a\r\n\r\n");
    parse::request(request.as_bytes(), 100, Scheme::Http, &mut head).expect("a request");
    let mut answer = ReplyHead::default();
    let reply = format!("HTTP/1.1 {reply} x\r\n{fields}\r\n");
    let to_head = head.method() == "HEAD";
    parse::reply(reply.as_bytes(), 100, to_head, &mut answer).expect("a response");
    eligible(policy, &head, &answer)
}

const GET: &str = "GET / HTTP/1.1\r\n";
const HTML: &str = "Content-Type: text/html; charset=utf-8\r\nContent-Length: 100\r\n";

#[track_caller]
fn check(reply: &str, fields: &str, expected: Result<(), Unfit>) {
    assert_eq!(judge(&policy(), GET, reply, fields), expected, "{reply} {fields}");
}

#[test]
fn statuses_with_a_whole_body_are_eligible() {
    for status in ["200", "201", "203", "301", "403", "404", "500", "503"] {
        check(status, HTML, Ok(()));
    }
    for status in ["205", "206", "226", "304"] {
        check(status, HTML, Err(Unfit::Status));
    }
    check("204", "Content-Type: text/html\r\n", Err(Unfit::Status));
    let part = format!("{HTML}Content-Range: bytes 0-99/200\r\n");
    check("200", &part, Err(Unfit::Status));
    check("416", "Content-Range: bytes */9\r\nContent-Length: 200\r\n", Err(Unfit::Status));
}

#[test]
fn types_are_matched_without_parameters_and_in_any_case() {
    let typed = |kind: &str| format!("Content-Type: {kind}\r\nContent-Length: 100\r\n");
    for kind in [
        "text/plain",
        "TEXT/CSS",
        "text/html;charset=x",
        "text/event-stream",
        "application/json",
        "application/ld+json",
        "Application/Vnd.Api+JSON ; v=1",
    ] {
        check("200", &typed(kind), Ok(()));
    }
    for kind in [
        "image/png",
        "application/jsonp",
        "application/+json",
        "application/xml",
        "text/",
        "text",
        "/html",
        "",
        "textual/html",
    ] {
        check("200", &typed(kind), Err(Unfit::Type));
    }
    check("200", "Content-Length: 100\r\n", Err(Unfit::Type));
    check("200", &format!("{HTML}Content-Type: text/css\r\n"), Err(Unfit::Type));
}

#[test]
fn grpc_is_left_alone_whatever_the_types_say() {
    let mut all = policy();
    all.types = vec![MediaPattern { kind: "application".to_owned(), subtype: Subtype::Any }];
    for (kind, expected) in [
        ("application/grpc", Err(Unfit::Type)),
        ("application/GRPC+proto", Err(Unfit::Type)),
        ("application/grpc-web-text; x", Err(Unfit::Type)),
        ("application/grpcish", Ok(())),
        ("application/grp", Ok(())),
    ] {
        let fields = format!("Content-Type: {kind}\r\nContent-Length: 100\r\n");
        assert_eq!(judge(&all, GET, "200", &fields), expected, "{kind}");
    }
}

#[test]
fn what_is_encoded_signed_or_not_to_be_changed_stays() {
    let with = |field: &str| format!("{HTML}{field}\r\n");
    check("200", &with("Content-Encoding: gzip"), Err(Unfit::Encoded));
    check("200", &with("Content-Encoding: identity, x"), Err(Unfit::Encoded));
    check("200", &with("Content-Encoding: Identity"), Ok(()));
    check("200", &with("Content-Encoding:"), Ok(()));
    check("200", &with("Cache-Control: max-age=1, No-Transform"), Err(Unfit::NoTransform));
    check("200", &with("Cache-Control: x-no-transform"), Ok(()));
    check("200", &with("Content-Digest: sha-256=:x=:"), Err(Unfit::Digest));
    let asked = "GET / HTTP/1.1\r\nCache-Control: no-transform\r\n";
    assert_eq!(judge(&policy(), asked, "200", HTML), Err(Unfit::NoTransform));
}

#[test]
fn small_bodies_stay_where_the_length_is_known() {
    let text = "Content-Type: text/plain\r\n";
    for (framing, expected) in [
        ("Content-Length: 99\r\n", Err(Unfit::Small)),
        ("Content-Length: 0\r\n", Err(Unfit::Small)),
        ("Content-Length: 100\r\n", Ok(())),
        ("Transfer-Encoding: chunked\r\n", Ok(())),
        ("", Ok(())),
    ] {
        check("200", &format!("{text}{framing}"), expected);
    }
    let mut any = policy();
    any.bytes_min = 0;
    let empty = format!("{text}Content-Length: 0\r\n");
    assert_eq!(judge(&any, GET, "200", &empty), Err(Unfit::Small));
}

#[test]
fn an_answer_to_head_is_judged_like_that_to_get() {
    let head = |fields: &str| judge(&policy(), "HEAD / HTTP/1.1\r\n", "200", fields);
    assert_eq!(head(HTML), Ok(()));
    assert_eq!(head("Content-Type: text/plain\r\nContent-Length: 9\r\n"), Err(Unfit::Small));
    assert_eq!(head("Content-Type: text/plain\r\n"), Ok(()));
}

#[test]
fn an_old_client_gets_lengths() {
    assert_eq!(judge(&policy(), "GET / HTTP/1.0\r\n", "200", HTML), Err(Unfit::Version));
}
