//! A request head from arbitrary bytes: found, parsed, written for a server, and parsed again.
//!
//! The end of a head must not depend on how its bytes came. A head that is accepted must read the
//! same when it is read the plain way. What is written for a server must mean to its parser what
//! was understood here: the same method, path, query, host, body and end-to-end fields, no more and
//! no fewer.

use std::net::{IpAddr, Ipv4Addr};

use tidegate_core::http::field_kind::FieldKind;
use tidegate_core::http::forwarded::{Forwarding, has_passed};
use tidegate_core::http::head::{BodyLength, Head, Version};
use tidegate_core::http::parse;
use tidegate_core::http::scan::{Scan, ScanError};
use tidegate_core::http::scheme::Scheme;
use tidegate_core::http::write::{self, BodyFraming, RequestOptions};

use crate::plain::{PlainFraming, PlainHead, text};

const NODE: &str = "n0de";
const FALLBACK_HOST: &str = "fallback";
const FIELDS_MAX: usize = 100;
/// Written heads gain the proxy's own fields.
const FIELDS_MAX_WRITTEN: usize = 120;

/// Runs the check.
pub fn run(data: &[u8]) {
    let short = find_end(data, 64);
    let long = find_end(data, 64 * 1024);
    if let Ok(Some(end)) = short {
        assert_eq!(long, short, "a head within both limits ends at one place");
        assert!(end.length <= 64, "a limit is kept");
    }
    let Ok(Some(end)) = long else { return };
    let mut head = Head::default();
    if parse::request(&data[..end.length], FIELDS_MAX, Scheme::Http, &mut head).is_err() {
        return;
    }
    check_accepted(&head, &data[end.skipped..end.length]);
    if head.method() == "CONNECT" {
        return;
    }
    for trusted in [false, true] {
        check_written(&head, &Hop { trusted, merge_slashes: !trusted });
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct End {
    length: usize,
    skipped: usize,
}

/// Where the head ends; the same whether its bytes come at once, one by one, or in two pieces.
fn find_end(data: &[u8], limit: usize) -> Result<Option<End>, ScanError> {
    let whole = scan(data, &mut std::iter::once(data.len()), limit);
    let single = scan(data, &mut (1..=data.len()), limit);
    let halves = scan(data, &mut [data.len() / 2, data.len()].into_iter(), limit);
    // Which error is told may depend on what came together, whether there is one must not.
    for other in [single, halves] {
        assert_eq!(whole.ok(), other.ok(), "the end depends on the pieces: {}", text(data));
    }
    whole
}

fn scan(
    data: &[u8],
    pieces: &mut dyn Iterator<Item = usize>,
    limit: usize,
) -> Result<Option<End>, ScanError> {
    let mut scan = Scan::default();
    for piece in pieces {
        if let Some(length) = scan.advance(&data[..piece], limit)? {
            return Ok(Some(End { length, skipped: scan.skipped() }));
        }
    }
    Ok(None)
}

/// What was understood is what a plain reading gives.
fn check_accepted(head: &Head, bytes: &[u8]) {
    let plain = PlainHead::read(bytes);
    let start = format!("{} {} {}", head.method(), head.target(), head.version().as_str());
    assert_eq!(text(plain.start), text(start.as_bytes()), "the request line is read in one way");
    let fields: Vec<_> = head.fields().map(|field| (field.name, field.value)).collect();
    assert_eq!(fields, plain.fields, "fields are read in one way");
    match (plain.framing(), head.body()) {
        (PlainFraming::None | PlainFraming::Length(b"0"), BodyLength::Empty) => {}
        (PlainFraming::Length(length), BodyLength::Exact(bytes)) => {
            assert_eq!(length, bytes.to_string().as_bytes());
        }
        (PlainFraming::Chunked, BodyLength::Chunked) => {}
        other => panic!("the body is read in two ways: {other:?}"),
    }
}

/// How the head goes on.
#[derive(Clone, Copy, Debug)]
struct Hop {
    trusted: bool,
    merge_slashes: bool,
}

impl Hop {
    const CLIENT_HEADER: &str = "x-client";

    fn forwarding(&self) -> Forwarding<'static> {
        Forwarding {
            peer: IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7)),
            trusted: self.trusted,
            scheme: Scheme::Http,
            node: NODE,
            request_id: Some(7),
            certificate: b"",
            client_header: Some(Self::CLIENT_HEADER),
        }
    }
}

fn check_written(head: &Head, hop: &Hop) {
    let upgrade = head.connection().upgrade && head.version() == Version::Http11;
    let options = RequestOptions {
        framing: BodyFraming::AsReceived,
        merge_slashes: hop.merge_slashes,
        upgrade,
        fallback_host: FALLBACK_HOST,
    };
    let mut out = Vec::new();
    write::request(head, &hop.forwarding(), options, &mut out);
    let plain = PlainHead::read(&out);
    let mut again = Head::default();
    if let Err(error) = parse::request(&out, FIELDS_MAX_WRITTEN, Scheme::Http, &mut again) {
        panic!("what is written is refused, {error}: {}", text(&out));
    }
    check_meaning(head, &again, hop);
    check_hop_fields(head, &again, &plain, upgrade);
    let passes = |name: &[u8]| passes(head, name, hop);
    let sent = head.fields().filter(|field| passes(field.name));
    let mut came: Vec<_> = again.fields().filter(|field| passes(field.name)).collect();
    assert_eq!(came.pop().map(|last| last.value), Some(&b"1.1 n0de"[..]), "Via is the last");
    let pair = |field: tidegate_core::http::head::Field<'_>| (text(field.name), text(field.value));
    assert!(sent.map(pair).eq(came.into_iter().map(pair)), "end-to-end fields pass, all and alone");
}

fn check_meaning(head: &Head, again: &Head, hop: &Hop) {
    let path = if hop.merge_slashes { head.path() } else { head.path_unmerged() };
    let authority = if head.authority().is_empty() { FALLBACK_HOST } else { head.authority() };
    assert_eq!(again.method(), head.method());
    assert_eq!(again.version(), Version::Http11);
    assert_eq!(again.path(), head.path());
    assert_eq!(again.path_unmerged(), path);
    // One that was resolved away is told of here alone.
    assert!(head.path_encodes_slash() || !again.path_encodes_slash());
    assert_eq!(again.query(), head.query());
    assert_eq!(again.authority(), authority);
    assert_eq!(again.body(), head.body());
    assert_eq!(again.expects_continue(), head.expects_continue());
    assert!(has_passed(again, NODE), "a loop would be seen");
}

/// What belongs to one hop is this hop's own, and framing can be read in one way.
fn check_hop_fields(head: &Head, again: &Head, plain: &PlainHead<'_>, upgrade: bool) {
    let connection = again.connection();
    assert!(!connection.close && !connection.keep_alive && !connection.nominates_protected);
    assert_eq!(connection.upgrade, upgrade);
    let upgrades = |head: &Head| head.values("upgrade").map(text).collect::<Vec<_>>();
    assert_eq!(upgrades(again), if upgrade { upgrades(head) } else { Vec::new() });
    for field in again.fields() {
        let never = matches!(
            FieldKind::of(field.name),
            FieldKind::HopByHop
                | FieldKind::Stripped
                | FieldKind::Underscored
                | FieldKind::FramingAlias
        );
        assert!(!never, "a field that must not go on: {}", text(field.name));
    }
    let framed = !matches!(plain.framing(), PlainFraming::None | PlainFraming::Length(b"0"));
    assert_eq!(framed, head.body() != BodyLength::Empty);
    assert!(plain.values("transfer-encoding").all(|coding| coding == b"chunked"), "in one form");
}

/// Whether a field is the business of client and server alone.
fn passes(head: &Head, name: &[u8], hop: &Hop) -> bool {
    let nominated = head.values("connection").any(|value| {
        value.split(|byte| *byte == b',').any(|word| word.trim_ascii().eq_ignore_ascii_case(name))
    });
    let claims_client = name.eq_ignore_ascii_case(Hop::CLIENT_HEADER.as_bytes());
    FieldKind::of(name).is_plain()
        && (!nominated || FieldKind::is_protected(name))
        && (hop.trusted || !claims_client)
}
