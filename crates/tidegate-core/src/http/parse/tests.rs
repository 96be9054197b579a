//! Heads, held against a naive reading of their lines, and against themselves once written and read
//! again.

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use super::super::forwarded::Forwarding;
use super::super::scan::Scan;
use super::super::write::{self, BodyFraming, Persistence, ReplyOptions, RequestOptions};
use super::*;
use crate::http::scheme::Scheme;

const FIELDS: usize = 100;

fn parse(bytes: &[u8]) -> Result<Head, RequestError> {
    let mut head = Head::default();
    request(bytes, FIELDS, Scheme::Http, &mut head).map(|()| head)
}

fn parse_reply(bytes: &[u8], to_head: bool) -> Result<ReplyHead, ReplyError> {
    let mut head = ReplyHead::default();
    reply(bytes, FIELDS, to_head, &mut head).map(|()| head)
}

/// What a server gets of a request, from a node called `n` whose peer is not trusted.
fn written(head: &Head, merge_slashes: bool) -> Vec<u8> {
    let forwarding = Forwarding {
        peer: [192, 0, 2, 1].into(),
        trusted: false,
        scheme: Scheme::Http,
        node: "n",
        request_id: Some(7),
        certificate: b"",
        client_header: None,
    };
    let options = RequestOptions {
        framing: BodyFraming::AsReceived,
        merge_slashes,
        upgrade: false,
        fallback_host: "pool",
    };
    let mut out = Vec::new();
    write::request(head, &forwarding, options, &mut out);
    out
}

fn written_reply(head: &ReplyHead, framing: BodyFraming) -> Vec<u8> {
    let options =
        ReplyOptions { framing, persistence: Persistence::Default, date: b"today", more: b"" };
    let mut out = Vec::new();
    write::reply(head, options, &mut out);
    out
}

/// Whether the bytes are one whole head and nothing behind it, as any reader of ours sees it.
fn is_one_head(bytes: &[u8]) -> bool {
    Scan::default().advance(bytes, bytes.len()) == Ok(Some(bytes.len()))
}

type Lines<'a> = (&'a [u8], Vec<(&'a [u8], &'a [u8])>);

/// The start line and the fields, read as a child would.
fn lines_of(bytes: &[u8]) -> Option<Lines<'_>> {
    let mut rest = bytes.strip_prefix(b"\r\n").unwrap_or(bytes);
    let mut lines = std::iter::from_fn(move || {
        let end = rest.windows(2).position(|pair| pair == b"\r\n")?;
        let line = &rest[..end];
        rest = &rest[end + 2..];
        Some(line)
    });
    let start = lines.next()?;
    let fields = lines.take_while(|line| !line.is_empty()).map(|line| {
        let colon = line.iter().position(|byte| *byte == b':')?;
        Some((&line[..colon], line[colon + 1..].trim_ascii()))
    });
    Some((start, fields.collect::<Option<_>>()?))
}

fn words(words: &'static [&'static str]) -> impl Strategy<Value = &'static str> {
    proptest::sample::select(words)
}

/// Field lines: mostly harmless, with everything among them that the proxy knows by name.
fn field_lines() -> impl Strategy<Value = Vec<u8>> {
    let harmless = (
        words(&[
            "Accept",
            "x-a",
            "X-B",
            "Cookie",
            "Authorization",
            "Via",
            "Date",
            "X_C",
            "Proxy",
            "!~",
        ]),
        words(&[":", ": ", ":\t ", ":  "]),
        proptest::collection::vec(
            prop_oneof![9 => b'a'..=b'z', 1 => Just(b' '), 1 => Just(b','), 1 => 0x80u8..],
            0..12,
        ),
        words(&["", " ", "\t"]),
    )
        .prop_map(|(name, colon, value, end)| {
            [name.as_bytes(), colon.as_bytes(), &value, end.as_bytes(), b"\r\n"].concat()
        });
    let known = words(&[
        "Content-Length: 5",
        "content-length:18446744073709551615",
        "Content-Length: 0",
        "Content-Length: 05",
        "Transfer-Encoding: chunked",
        "transfer-encoding: Chunked ",
        "Transfer-Encoding: gzip",
        "Transfer_Encoding: chunked",
        "Connection: close",
        "Connection: x-a, keep-alive",
        "Connection: host,via",
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Expect: 100-continue",
        "Expect: x",
        "TE: trailers",
        "Keep-Alive: 5",
        "X-Forwarded-For: 10.0.0.1",
        "X-Forwarded-Proto: https",
        "Forwarded: for=a",
        "X-Real-IP: 10.0.0.1",
        "X-Request-Id: 5",
        "Host: b",
        "X-Original-URL: /b",
        "X: y\r\n z",
        "X : y",
        ": y",
        "X",
    ])
    .prop_map(|line| format!("{line}\r\n").into_bytes());
    proptest::collection::vec(prop_oneof![3 => harmless, 1 => known], 0..8)
        .prop_map(|lines| lines.concat())
}

fn request_bytes() -> impl Strategy<Value = Vec<u8>> {
    (
        words(&["", "", "", "\r\n"]),
        words(&["GET", "GET", "POST", "OPTIONS", "CONNECT", "x-!", "G(T", ""]),
        prop_oneof![
            3 => words(&[
                "/", "/a/b?c=%2e&d", "*", "http://A.example:80/x//y?", "https://b", "a:80",
                "/a/../b//c",
            ]),
            1 => words(&[
                "/%2f", "/%41%e2%82%ac", "/%", "/..", "/a#b", "http:///", "/caf\u{e9}?\u{e9}", "",
                "//;/.",
            ]),
        ],
        words(&["HTTP/1.1", "HTTP/1.1", "HTTP/1.1", "HTTP/1.0", "HTTP/1.2", "HTTP/1.1 "]),
        words(&[
            "Host: shop.example\r\n",
            "Host: Shop.Example.\r\n",
            "host:a:8080\r\n",
            "Host: [::A]\r\n",
            "",
        ]),
        field_lines(),
    )
        .prop_map(|(empty, method, target, version, host, fields)| {
            let start = format!("{empty}{method} {target} {version}\r\n{host}");
            [start.as_bytes(), &fields, b"\r\n"].concat()
        })
}

fn reply_bytes() -> impl Strategy<Value = Vec<u8>> {
    (
        words(&["HTTP/1.1", "HTTP/1.1", "HTTP/1.1", "HTTP/1.0", "HTTP/2"]),
        words(&[
            "200", "200", "404", "100", "103", "101", "204", "304", "999", "099", "20", "2000",
        ]),
        words(&[" OK", " ", "", " Not\tat all"]),
        field_lines(),
    )
        .prop_map(|(version, status, reason, fields)| {
            let start = format!("{version} {status}{reason}\r\n");
            [start.as_bytes(), &fields, b"\r\n"].concat()
        })
}

/// Bytes that are like these, but for one.
fn damaged(bytes: impl Strategy<Value = Vec<u8>>) -> impl Strategy<Value = Vec<u8>> {
    let odd = prop_oneof![any::<u8>(), proptest::sample::select(b"\0\r\n\t :,;/%\x7f".as_slice())];
    (bytes, any::<prop::sample::Index>(), odd).prop_map(|(mut bytes, at, byte)| {
        let at = at.index(bytes.len());
        bytes[at] = byte;
        bytes
    })
}

/// Holds that what was accepted can be read in one way only: as it was, line by line.
fn check_reading(bytes: &[u8], head: &Head) -> Result<(), TestCaseError> {
    let Some((start, fields)) = lines_of(bytes) else {
        return Err(TestCaseError::fail("accepted, though a line is no field"));
    };
    let line = format!("{} {} {}", head.method(), head.target(), head.version().as_str());
    prop_assert_eq!(start, line.as_bytes());
    let ours: Vec<_> = head.fields().map(|field| (field.name, field.value)).collect();
    prop_assert_eq!(&ours, &fields);
    let named = |name: &'static str| head.values(name).collect::<Vec<_>>();
    let (length, coding) = (named("content-length"), named("transfer-encoding"));
    match head.body() {
        BodyLength::Chunked => {
            prop_assert!(length.is_empty() && coding.len() == 1);
            prop_assert!(coding[0].eq_ignore_ascii_case(b"chunked"));
        }
        BodyLength::Exact(bytes) => {
            prop_assert!(coding.is_empty());
            prop_assert!(length == [bytes.to_string().as_bytes()]);
        }
        BodyLength::Empty => prop_assert!(coding.is_empty() && length.iter().all(|n| *n == b"0")),
        BodyLength::UntilEnd => return Err(TestCaseError::fail("no request ends by closing")),
    }
    prop_assert!(named("host").len() <= 1);
    Ok(())
}

/// The plain fields that go on: those that no Connection field takes out.
fn lasting(head: &Head) -> Vec<(Vec<u8>, Vec<u8>)> {
    let options: Vec<Vec<u8>> = head
        .values("connection")
        .flat_map(|value| value.split(|byte| *byte == b','))
        .map(|word| word.trim_ascii().to_ascii_lowercase())
        .collect();
    head.fields()
        .filter(|field| FieldKind::of(field.name) == FieldKind::Plain)
        .filter(|field| {
            FieldKind::is_protected(field.name)
                || !options.contains(&field.name.to_ascii_lowercase())
        })
        .map(|field| (field.name.to_vec(), field.value.to_vec()))
        .collect()
}

fn check_again(head: &Head, merge_slashes: bool) -> Result<(), TestCaseError> {
    let out = written(head, merge_slashes);
    prop_assert!(is_one_head(&out), "{}", String::from_utf8_lossy(&out));
    let again = parse(&out);
    prop_assert!(again.is_ok(), "{again:?} for {}", String::from_utf8_lossy(&out));
    let again = again.expect("just looked");
    prop_assert_eq!(again.method(), head.method());
    prop_assert_eq!(again.path(), head.path());
    let slashes = if merge_slashes { head.path() } else { head.path_unmerged() };
    prop_assert_eq!(again.path_unmerged(), slashes);
    prop_assert_eq!(again.path_encodes_slash(), head.path_encodes_slash());
    prop_assert_eq!(again.query(), head.query());
    let host = if head.authority().is_empty() { "pool" } else { head.authority() };
    prop_assert_eq!(again.authority(), host);
    prop_assert_eq!(again.body(), head.body());
    prop_assert_eq!(again.expects_continue(), head.expects_continue());
    prop_assert_eq!(lasting(&again), lasting(head));
    prop_assert!(again.values("x-forwarded-for").eq([b"192.0.2.1"]));
    prop_assert!(again.values("connection").next().is_none());
    prop_assert!(again.fields().all(|field| !field.name.contains(&b'_')));
    Ok(())
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(
        bytes in proptest::collection::vec(any::<u8>(), 0..200),
        to_head in any::<bool>(),
    ) {
        let _ = (parse(&bytes), parse_reply(&bytes, to_head));
    }

    #[test]
    fn what_is_accepted_reads_the_same_line_by_line(
        bytes in prop_oneof![request_bytes(), damaged(request_bytes())],
    ) {
        // A parser is only ever given what the scan found to be one head.
        if is_one_head(&bytes) && let Ok(head) = parse(&bytes) {
            check_reading(&bytes, &head)?;
        }
    }

    #[test]
    fn what_is_written_reads_as_what_was_read(
        bytes in prop_oneof![request_bytes(), damaged(request_bytes())],
        merge_slashes in any::<bool>(),
    ) {
        // CONNECT never goes on, and its target is no path.
        let head = is_one_head(&bytes).then(|| parse(&bytes)).and_then(Result::ok);
        if let Some(head) = head.filter(|head| head.method() != "CONNECT") {
            check_again(&head, merge_slashes)?;
        }
    }

    #[test]
    fn a_written_response_reads_as_what_was_read(
        bytes in prop_oneof![reply_bytes(), damaged(reply_bytes())],
        to_head in any::<bool>(),
    ) {
        let reply = is_one_head(&bytes).then(|| parse_reply(&bytes, to_head)).and_then(Result::ok);
        let Some(reply) = reply else { return Ok(()) };
        let framings = match reply.body() {
            BodyLength::UntilEnd => vec![(BodyFraming::Chunked, BodyLength::Chunked)],
            BodyLength::Chunked => vec![(BodyFraming::Close, BodyLength::UntilEnd)],
            _ => Vec::new(),
        };
        let as_received = std::iter::once((BodyFraming::AsReceived, reply.body()));
        for (framing, body) in as_received.chain(framings) {
            let out = written_reply(&reply, framing);
            prop_assert!(is_one_head(&out), "{}", String::from_utf8_lossy(&out));
            let again = parse_reply(&out, to_head);
            prop_assert!(again.is_ok(), "{again:?} for {}", String::from_utf8_lossy(&out));
            let again = again.expect("just looked");
            prop_assert_eq!((again.status(), again.body()), (reply.status(), body));
            prop_assert!(again.values("connection").next().is_none());
        }
    }
}

/// Properties of what is accepted say nothing when nothing is.
#[test]
fn the_generators_make_heads_that_are_accepted() {
    let mut runner = TestRunner::deterministic();
    let mut draw = |accepted: &dyn Fn(&mut TestRunner) -> bool| {
        (0..1000).filter(|_| accepted(&mut runner)).count()
    };
    let requests = draw(&|runner| {
        let bytes = request_bytes().new_tree(runner).expect("no filter").current();
        parse(&bytes).is_ok()
    });
    let replies = draw(&|runner| {
        let bytes = reply_bytes().new_tree(runner).expect("no filter").current();
        parse_reply(&bytes, false).is_ok()
    });
    assert!(requests > 100 && replies > 100, "{requests} requests and {replies} responses of 1000");
}

#[test]
fn a_head_says_which_fault_it_has() {
    let error = |bytes: &str| parse(bytes.as_bytes()).map(|_| ()).expect_err("it is refused");
    let fields = |lines: &str| error(&format!("GET / HTTP/1.1\r\nHost: a\r\n{lines}\r\n"));
    assert_eq!(error("GET  / HTTP/1.1\r\nHost: a\r\n\r\n"), RequestError::RequestLine);
    assert_eq!(error("GET /  HTTP/1.1\r\nHost: a\r\n\r\n"), RequestError::RequestLine);
    assert_eq!(error("GET / HTTP/1.2\r\nHost: a\r\n\r\n"), RequestError::Version);
    assert_eq!(error("GET / HTTP/2\r\nHost: a\r\n\r\n"), RequestError::Version);
    assert_eq!(error("GET / HTTP/1.1\r\n\r\n"), RequestError::Host);
    assert_eq!(error("GET * HTTP/1.1\r\nHost: a\r\n\r\n"), RequestError::Target);
    assert_eq!(error("GET /.. HTTP/1.1\r\nHost: a\r\n\r\n"), RequestError::Path(PathError::Root));
    assert_eq!(fields("X: a\r\n b\r\n"), RequestError::Field);
    assert_eq!(fields(&"X: a\r\n".repeat(FIELDS)), RequestError::TooManyFields);
    assert_eq!(fields("Content_Length: 5\r\n"), RequestError::FramingAlias);
    assert_eq!(fields("Expect: x\r\nExpect: 100-continue\r\n"), RequestError::Expectation);
    let both = "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n";
    assert_eq!(fields(both), RequestError::Framing(FramingError::Ambiguous));
}

#[test]
fn connection_options_are_told_apart() {
    let options = |value: &str| {
        let bytes = format!("GET / HTTP/1.1\r\nHost: a\r\nConnection: {value}\r\n\r\n");
        parse(bytes.as_bytes()).expect("a good head").connection()
    };
    assert_eq!(options(""), Connection::default());
    assert_eq!(options("Close"), Connection { close: true, ..Connection::default() });
    let both = Connection { keep_alive: true, upgrade: true, ..Connection::default() };
    assert_eq!(options(",keep-alive , UPGRADE,"), both);
    assert_eq!(options("x-own"), Connection { nominates: true, ..Connection::default() });
    let protected =
        Connection { nominates: true, nominates_protected: true, ..Connection::default() };
    for name in ["host", "Via", "X-Forwarded-For", "COOKIE", "content-length", "x-own, date"] {
        assert_eq!(options(name), protected, "{name}");
    }
}
