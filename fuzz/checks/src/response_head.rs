//! A response head from arbitrary bytes: parsed, written for each kind of client, and parsed again.
//!
//! What a client is told must be what was understood, and be framed in exactly one way, whatever
//! became of the framing that the server chose.

use tidegate_core::http::field_kind::FieldKind;
use tidegate_core::http::head::{BodyLength, Version};
use tidegate_core::http::parse;
use tidegate_core::http::reply::ReplyHead;
use tidegate_core::http::scan::Scan;
use tidegate_core::http::write::{self, BodyFraming, Persistence, ReplyOptions};

use crate::plain::{PlainFraming, PlainHead, text};

const DATE: &[u8] = b"Sun, 06 Nov 1994 08:49:37 GMT";
const HEAD_BYTES_MAX: usize = 64 * 1024;
const FIELDS_MAX: usize = 100;
/// Written heads gain the proxy's own fields.
const FIELDS_MAX_WRITTEN: usize = 104;

/// Runs the check.
pub fn run(data: &[u8]) {
    let mut scan = Scan::default();
    let Ok(Some(length)) = scan.advance(data, HEAD_BYTES_MAX) else { return };
    for to_head in [false, true] {
        let mut reply = ReplyHead::default();
        if parse::reply(&data[..length], FIELDS_MAX, to_head, &mut reply).is_err() {
            continue;
        }
        check_accepted(&reply, &data[scan.skipped()..length], to_head);
        for client in [Version::Http10, Version::Http11] {
            check_written(&reply, client, to_head);
        }
    }
}

fn check_accepted(reply: &ReplyHead, bytes: &[u8], to_head: bool) {
    let plain = PlainHead::read(bytes);
    let start = format!("{} {}", reply.version().as_str(), reply.status());
    assert!(plain.start.starts_with(start.as_bytes()), "the status line is read in one way");
    let fields: Vec<_> = reply.fields().map(|field| (field.name, field.value)).collect();
    assert_eq!(fields, plain.fields, "fields are read in one way");
    let bodiless = to_head || matches!(reply.status(), 100..=199 | 204 | 304);
    match (plain.framing(), reply.body()) {
        (_, BodyLength::Empty) if bodiless => {}
        (PlainFraming::Length(b"0"), BodyLength::Empty) => {}
        (PlainFraming::Length(length), BodyLength::Exact(bytes)) => {
            assert_eq!(length, bytes.to_string().as_bytes());
        }
        (PlainFraming::Chunked, BodyLength::Chunked)
        | (PlainFraming::None, BodyLength::UntilEnd) => {}
        other => panic!("the body is read in two ways: {other:?}"),
    }
}

/// How the relay frames a body for a client.
fn frame(body: BodyLength, client: Version) -> (BodyFraming, BodyLength) {
    match (body, client) {
        (BodyLength::UntilEnd, Version::Http11) => (BodyFraming::Chunked, BodyLength::Chunked),
        (BodyLength::UntilEnd | BodyLength::Chunked, Version::Http10) => {
            (BodyFraming::Close, BodyLength::UntilEnd)
        }
        (body, _) => (BodyFraming::AsReceived, body),
    }
}

fn check_written(reply: &ReplyHead, client: Version, to_head: bool) {
    let (framing, expected) = frame(reply.body(), client);
    let switches = reply.status() == 101 && reply.connection().upgrade;
    let persistence = match client {
        _ if switches => Persistence::Upgrade,
        Version::Http10 => Persistence::KeepAlive,
        Version::Http11 if framing == BodyFraming::Chunked => Persistence::Close,
        Version::Http11 | Version::Http2 => Persistence::Default,
    };
    let mut out = Vec::new();
    write::reply(reply, ReplyOptions { framing, persistence, date: DATE, more: b"" }, &mut out);
    let plain = PlainHead::read(&out);
    let mut again = ReplyHead::default();
    if let Err(error) = parse::reply(&out, FIELDS_MAX_WRITTEN, to_head, &mut again) {
        panic!("what is written is refused, {error}: {}", text(&out));
    }
    assert_eq!(again.status(), reply.status());
    assert_eq!(again.version(), Version::Http11);
    assert_eq!(again.body(), expected);
    if framing != BodyFraming::AsReceived {
        let chunked = framing == BodyFraming::Chunked;
        let written = if chunked { PlainFraming::Chunked } else { PlainFraming::None };
        assert_eq!(plain.framing(), written);
    }
    assert!(plain.values("transfer-encoding").all(|coding| coding == b"chunked"), "in one form");
    check_hop_fields(reply, &again, persistence);
    check_end_to_end(reply, &again);
}

/// What belongs to one hop is this hop's own.
fn check_hop_fields(reply: &ReplyHead, again: &ReplyHead, persistence: Persistence) {
    let connection = again.connection();
    assert!(!connection.nominates_protected);
    assert_eq!(connection.close, persistence == Persistence::Close);
    assert_eq!(connection.keep_alive, persistence == Persistence::KeepAlive);
    assert_eq!(connection.upgrade, persistence == Persistence::Upgrade);
    let upgrades = |reply: &ReplyHead| reply.values("upgrade").map(text).collect::<Vec<_>>();
    let expected = if connection.upgrade { upgrades(reply) } else { Vec::new() };
    assert_eq!(upgrades(again), expected);
    let kinds = [FieldKind::HopByHop, FieldKind::FramingAlias];
    assert!(!again.fields().any(|field| kinds.contains(&FieldKind::of(field.name))));
}

fn check_end_to_end(reply: &ReplyHead, again: &ReplyHead) {
    let passes = |name: &[u8]| passes(reply, name);
    let of = |reply: &ReplyHead| {
        let fields = reply.fields().filter(|field| passes(field.name));
        fields.map(|field| (text(field.name), text(field.value))).collect::<Vec<_>>()
    };
    let (sent, mut came) = (of(reply), of(again));
    if !reply.is_interim() && reply.values("date").next().is_none() {
        assert_eq!(came.pop(), Some(("Date".to_owned(), text(DATE))), "a Date is added");
    }
    assert_eq!(sent, came, "end-to-end fields pass, all and alone");
}

/// Whether a field is the business of server and client alone.
fn passes(reply: &ReplyHead, name: &[u8]) -> bool {
    let nominated = reply.values("connection").any(|value| {
        value.split(|byte| *byte == b',').any(|word| word.trim_ascii().eq_ignore_ascii_case(name))
    });
    let hop = matches!(
        FieldKind::of(name),
        FieldKind::Connection
            | FieldKind::HopByHop
            | FieldKind::Upgrade
            | FieldKind::ContentLength
            | FieldKind::TransferEncoding
            | FieldKind::FramingAlias
    );
    !hop && (!nominated || FieldKind::is_protected(name))
}
