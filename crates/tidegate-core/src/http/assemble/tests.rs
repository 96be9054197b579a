//! HTTP/2 messages in, the one head out: cases by the id that docs/security-cases.md gives them.

use super::super::forwarded::Forwarding;
use super::super::write::{self, BodyFraming, RequestOptions};
use super::*;
use crate::http::scheme::Scheme;

const LIMITS: HeadLimits = HeadLimits { bytes: 4096, fields: 16 };
const GET: RequestParts<'_> = RequestParts {
    scheme: Scheme::Https,
    method: "GET",
    authority: Some("shop.example"),
    path: "/a?b=1",
    websocket_key: None,
    ended: true,
};

fn assemble(
    parts: RequestParts<'_>,
    fields: &[(&str, &str)],
) -> Result<(Head, String), AssembleError> {
    let mut head = Head::default();
    let bytes = || fields.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes()));
    request(parts, bytes, LIMITS, &mut head)?;
    let forwarding = Forwarding {
        peer: [192, 0, 2, 1].into(),
        trusted: false,
        scheme: Scheme::Https,
        node: "node",
        request_id: None,
        client_header: None,
        certificate: &[],
    };
    let framing = match head.body() {
        BodyLength::UntilEnd => BodyFraming::Chunked,
        _ => BodyFraming::AsReceived,
    };
    let options = RequestOptions {
        framing,
        merge_slashes: true,
        upgrade: head.connection().upgrade,
        fallback_host: "pool",
    };
    let mut out = Vec::new();
    write::request(&head, &forwarding, options, &mut out);
    Ok((head, String::from_utf8(out).expect("written from text")))
}

#[track_caller]
fn refuse(parts: RequestParts<'_>, fields: &[(&str, &str)], expected: AssembleError) {
    assert_eq!(assemble(parts, fields).map(|(_, text)| text), Err(expected), "{fields:?}");
}

#[test]
fn a_request_becomes_the_one_that_http_1_would_have_carried() {
    let fields = [("accept", "*/*"), ("te", "trailers"), ("x-a", "1")];
    let (head, text) = assemble(GET, &fields).expect("well formed");
    assert_eq!((head.host(), head.path(), head.query()), ("shop.example", "/a", Some("b=1")));
    assert!(text.starts_with("GET /a?b=1 HTTP/1.1\r\nHost: shop.example\r\naccept: */*\r\nx-a: 1"));
    assert!(!text.contains("te:") && text.contains("Via: 2 node\r\n"), "{text}");
}

#[test]
fn a_body_of_unknown_length_is_chunked_for_http_1() {
    let parts = RequestParts { method: "POST", ended: false, ..GET };
    let (head, text) = assemble(parts, &[]).expect("well formed");
    assert_eq!(head.body(), BodyLength::UntilEnd);
    assert!(text.contains("Transfer-Encoding: chunked\r\n"));
    let (head, text) = assemble(parts, &[("content-length", "5")]).expect("well formed");
    assert_eq!(head.body(), BodyLength::Exact(5));
    assert!(text.contains("content-length: 5\r\n") && !text.contains("chunked"));
}

#[test]
fn e8_the_crumbs_of_a_cookie_become_one_field() {
    let fields = [("cookie", "a=1"), ("x-a", "1"), ("cookie", "b=2"), ("cookie", "c=3")];
    let (head, text) = assemble(GET, &fields).expect("well formed");
    assert_eq!(head.cookies("b").collect::<Vec<_>>(), [b"2"]);
    assert!(text.contains("cookie: a=1; b=2; c=3\r\n"), "{text}");
    assert_eq!(text.matches("cookie").count(), 1);
}

#[test]
fn d4_crumbs_are_limited_in_number() {
    let crumbs = vec![("cookie", "a"); CRUMBS_MAX + 1];
    refuse(GET, &crumbs, RequestError::TooManyFields.into());
    assert!(assemble(GET, &crumbs[1..]).is_ok());
}

#[test]
fn the_limits_are_those_of_http_1() {
    let fields = vec![("x-a", "1"); LIMITS.fields + 1];
    refuse(GET, &fields, RequestError::TooManyFields.into());
    assert!(assemble(GET, &fields[1..]).is_ok());
    let long = "v".repeat(LIMITS.bytes);
    let too_long = |in_start_line| RequestError::from(ScanError::TooLong { in_start_line }).into();
    refuse(GET, &[("x-a", &long)], too_long(false));
    let path = format!("/{long}");
    refuse(RequestParts { path: &path, ..GET }, &[], too_long(true));
}

#[test]
fn e2_fields_of_a_connection_are_malformed() {
    let names = ["connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"];
    for name in names {
        refuse(GET, &[(name, "x")], AssembleError::Malformed);
    }
    refuse(GET, &[("te", "gzip")], AssembleError::Malformed);
}

#[test]
fn e3_e4_bytes_that_http_1_would_read_otherwise_are_malformed() {
    for value in ["a\r\nx: y", "a\nb", "a\0", " a", "a ", "\ta", "a\t", "\x7f"] {
        refuse(GET, &[("x-a", value)], AssembleError::Malformed);
    }
    for name in ["", "X-A", "x a", "x:a", "x\t", "x\r\n", ":path"] {
        refuse(GET, &[(name, "1")], AssembleError::Malformed);
    }
}

#[test]
fn e6_host_and_authority_must_name_the_same() {
    assert!(assemble(GET, &[("host", "SHOP.example:443")]).is_ok());
    refuse(GET, &[("host", "other.example")], RequestError::Host.into());
    refuse(GET, &[("host", "shop.example"), ("host", "shop.example")], RequestError::Host.into());
    let anonymous = RequestParts { authority: None, ..GET };
    refuse(anonymous, &[], RequestError::Host.into());
    let (head, _) = assemble(anonymous, &[("host", "shop.example")]).expect("named");
    assert_eq!(head.host(), "shop.example");
}

#[test]
fn a_path_is_a_path() {
    for path in ["a", "http://x/", "/a#b", "*"] {
        refuse(RequestParts { path, ..GET }, &[], RequestError::Target.into());
    }
    let options = RequestParts { method: "OPTIONS", path: "*", ..GET };
    assert_eq!(assemble(options, &[]).expect("well formed").0.path(), "*");
}

#[test]
fn an_extended_connect_becomes_a_handshake() {
    let key = "dGhlIHNhbXBsZSBub25jZQ==";
    let parts = RequestParts { method: "CONNECT", websocket_key: Some(key), ended: false, ..GET };
    let (head, text) = assemble(parts, &[("sec-websocket-version", "13")]).expect("well formed");
    assert_eq!((head.method(), head.body()), ("GET", BodyLength::Empty));
    for line in ["upgrade: websocket\r\n", "Connection: upgrade\r\n", &format!("key: {key}\r\n")] {
        assert!(text.contains(line), "{line:?} in {text}");
    }
}

#[test]
fn a_response_lasts_until_its_stream_ends() {
    let mut head = ReplyHead::default();
    let fields: [(&[u8], &[u8]); 2] = [(b"content-length", b"5"), (b"date", b"today")];
    reply(200, fields.into_iter(), false, LIMITS, &mut head).expect("well formed");
    assert_eq!((head.body(), head.status()), (BodyLength::UntilEnd, 200));
    reply(200, fields.into_iter(), true, LIMITS, &mut head).expect("well formed");
    assert_eq!(head.body(), BodyLength::Empty);
    let forbidden = reply(204, fields.into_iter(), true, LIMITS, &mut head);
    assert_eq!(forbidden, Err(ReplyError::ForbiddenBody));
}

#[test]
fn trailers_are_filtered_and_read_again() {
    let fields: [(&[u8], &[u8]); 4] = [
        (b"grpc-status", b"0"),
        (b"content-length", b"3"),
        (b"set-cookie", b"a=1"),
        (b"grpc-message", b"fine: really"),
    ];
    let lines = trailers(fields.into_iter());
    assert_eq!(lines, b"grpc-status: 0\r\ngrpc-message: fine: really\r\n\r\n");
    assert!(fields_of(&lines).eq([fields[0], fields[3]]));
    assert!(trailers(fields[1..3].iter().copied()).is_empty());
}
