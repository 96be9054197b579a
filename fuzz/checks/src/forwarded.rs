//! The fields that tell who asked, with arbitrary values, from a peer that is trusted or not.
//!
//! The first byte chooses who the peer is and whom the listener trusts; the rest are field lines.
//! What a stranger claims is never believed and never passed on. What a trusted proxy says leads to
//! the address that a plain walk from the right finds.

use std::net::IpAddr;
use std::path::Path;
use std::sync::LazyLock;

use tidegate_core::config::load::{Text, load};
use tidegate_core::http::forwarded::{Forwarding, carries_request_id, client_address, has_passed};
use tidegate_core::http::head::Head;
use tidegate_core::http::parse;
use tidegate_core::http::scheme::Scheme;
use tidegate_core::http::write::{self, BodyFraming, RequestOptions};
use tidegate_core::model::listener::Listener;

use crate::plain::{PlainHead, text};

const NODE: &str = "n0de";
const FIELDS_MAX: usize = 100;
/// The families that a stranger's word in must not pass.
const CLAIMS: [&str; 7] = [
    "x-forwarded-for",
    "x-forwarded-proto",
    "x-forwarded-host",
    "x-forwarded-port",
    "forwarded",
    "x-real-ip",
    "x-client",
];

/// Listeners that trust nobody, a network, and a network by a header of its own.
static LISTENERS: LazyLock<Vec<Listener>> = LazyLock::new(|| {
    let text = "version = 1\n\
        [listener.a]\naddress = \"127.0.0.1:1\"\n\
        [listener.b]\naddress = \"127.0.0.1:2\"\n\
        trusted_proxies = [\"10.0.0.0/8\", \"2001:db8::/32\"]\n\
        [listener.c]\naddress = \"127.0.0.1:3\"\n\
        trusted_proxies = [\"10.0.0.0/8\", \"2001:db8::/32\"]\nclient_header = \"X-Client\"\n\
        [route.all]\npool = \"app\"\n[pool.app]\nservers = [\"127.0.0.1:4\"]\n";
    let loaded = load(Path::new("fuzz.toml"), &mut Text(text));
    loaded.config.unwrap_or_else(|| panic!("{:?}", loaded.diagnostics)).listeners
});

static PEERS: LazyLock<[IpAddr; 4]> = LazyLock::new(|| {
    ["10.1.2.3", "192.0.2.7", "::ffff:10.1.2.3", "2001:db8::7"]
        .map(|peer| peer.parse().expect("an address"))
});

/// Runs the check.
pub fn run(data: &[u8]) {
    let Some((choice, fields)) = data.split_first() else { return };
    let listener = &LISTENERS[usize::from(choice >> 4) % LISTENERS.len()];
    let peer = PEERS[usize::from(choice & 3)];
    let bytes = [b"GET / HTTP/1.1\r\nHost: shop\r\n", fields, b"\r\n\r\n"].concat();
    let mut head = Head::default();
    if parse::request(&bytes, FIELDS_MAX, Scheme::Http, &mut head).is_err() {
        return;
    }
    let trusted = listener.trusts(peer);
    let believed = if trusted { claimed(&head, peer, listener) } else { peer.to_canonical() };
    assert_eq!(client_address(&head, peer, listener), believed, "{}", text(&bytes));
    check_written(&head, peer, listener);
}

/// The client's address as a plain walk over what a trusted peer says finds it.
fn claimed(head: &Head, peer: IpAddr, listener: &Listener) -> IpAddr {
    let peer = peer.to_canonical();
    let address = |element: &str| -> Option<IpAddr> {
        let element = element.trim_matches([' ', '\t', '\n', '\u{c}', '\r']);
        element.trim_start_matches('[').trim_end_matches(']').parse().ok()
    };
    let texts = |name| {
        let values = head.values(name).map(|value| String::from_utf8_lossy(value).into_owned());
        values.collect::<Vec<_>>()
    };
    if listener.client_header.is_some() {
        return match &texts("x-client")[..] {
            [one] => address(one).unwrap_or(peer),
            _ => peer,
        };
    }
    let list = texts("x-forwarded-for").join(",");
    let mut client = peer;
    for element in list.rsplit(',').filter(|_| !list.is_empty()) {
        let Some(address) = address(element) else { break };
        client = address.to_canonical();
        if !listener.trusts(client) {
            break;
        }
    }
    client
}

fn check_written(head: &Head, peer: IpAddr, listener: &Listener) {
    let trusted = listener.trusts(peer);
    let keeps_id = trusted && carries_request_id(head);
    let forwarding = Forwarding {
        peer,
        trusted,
        scheme: Scheme::Http,
        node: NODE,
        request_id: (!keeps_id).then_some(7),
        certificate: b"",
        client_header: listener.client_header.as_deref(),
    };
    let options = RequestOptions {
        framing: BodyFraming::AsReceived,
        merge_slashes: true,
        upgrade: false,
        fallback_host: "x",
    };
    let mut out = Vec::new();
    write::request(head, &forwarding, options, &mut out);
    let plain = PlainHead::read(&out);
    let one = |name: &str| {
        let mut values = plain.values(name);
        let value = values.next().map(text).unwrap_or_else(|| panic!("{name} is missing"));
        assert!(values.next().is_none(), "{name} is repeated: {}", text(&out));
        value
    };
    let last = |list: String| list.rsplit(", ").next().unwrap_or_default().to_owned();
    assert_eq!(last(one("x-forwarded-for")), peer.to_string(), "this hop's word is the last");
    assert!(last(one("forwarded")).starts_with("for="), "this hop's word is the last");
    let id = one("x-request-id");
    assert!((1..=64).contains(&id.len()) && !id.contains([' ', ',', '\\']), "an id: {id}");
    let mut again = Head::default();
    parse::request(&out, FIELDS_MAX + 20, Scheme::Http, &mut again)
        .expect("what is written is a head");
    assert!(has_passed(&again, NODE), "a loop would be seen");
    if !trusted {
        check_stranger(&plain, peer, listener);
    }
}

/// A stranger's claims are gone, and this hop's own stand alone.
fn check_stranger(plain: &PlainHead<'_>, peer: IpAddr, listener: &Listener) {
    for claim in CLAIMS {
        let values: Vec<String> = plain.values(claim).map(text).collect();
        let element = match peer {
            IpAddr::V4(peer) => format!("for={peer};host=\\\"shop\\\";proto=http"),
            IpAddr::V6(peer) => format!("for=\\\"[{peer}]\\\";host=\\\"shop\\\";proto=http"),
        };
        let own = match claim {
            "x-forwarded-for" => vec![peer.to_string()],
            "x-forwarded-proto" => vec!["http".to_owned()],
            "x-forwarded-host" => vec!["shop".to_owned()],
            "forwarded" => vec![element],
            "x-client" if listener.client_header.is_none() => continue,
            _ => Vec::new(),
        };
        assert_eq!(values, own, "{claim}");
    }
}
