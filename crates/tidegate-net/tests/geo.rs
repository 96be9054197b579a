//! Countries of addresses, from a database of a few networks.
//!
//! The database is written here, after the MaxMind DB file format specification 2.0: a tree of bits
//! with a node for each, then data, then what the file says of itself. It is kept in `tests/data`,
//! where tests of other crates find it; `UPDATE_EXPECT=1` writes it anew.

use std::net::{IpAddr, Ipv6Addr};
use std::path::Path;

use tidegate_core::model::audience::Country;
use tidegate_net::geo::{Countries, GeoError};

/// What the database knows, in 128 bits: an IPv4 address stands below `::/96`.
const NETWORKS: [(&str, u8, &str); 4] = [
    ("::1.2.3.0", 120, "CN"),
    ("::203.0.113.0", 120, "DE"),
    ("2001:db8::", 32, "DE"),
    ("2001:db9::", 32, "somewhere"),
];

#[derive(Clone, Copy)]
enum Record {
    Nothing,
    Node(usize),
    Data(usize),
}

/// A value: a control byte with type and size, and what it is made of.
fn value(kind: u8, size: usize, content: &[u8]) -> Vec<u8> {
    let size = u8::try_from(size).expect("short").min(28);
    let mut bytes = if kind < 8 { vec![kind << 5 | size] } else { vec![size, kind - 7] };
    bytes.extend(content);
    bytes
}

fn text(text: &str) -> Vec<u8> {
    value(2, text.len(), text.as_bytes())
}

fn number(kind: u8, number: u32) -> Vec<u8> {
    let bytes = number.to_be_bytes();
    let bytes = &bytes[bytes.iter().take_while(|byte| **byte == 0).count()..];
    value(kind, bytes.len(), bytes)
}

fn map(entries: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let content: Vec<u8> =
        entries.iter().flat_map(|(key, v)| [text(key), v.clone()]).flatten().collect();
    value(7, entries.len(), &content)
}

fn database(kind: &str) -> Vec<u8> {
    let (mut nodes, mut data) = (vec![[Record::Nothing; 2]], Vec::new());
    for (network, length, country) in NETWORKS {
        let bits = u128::from(network.parse::<Ipv6Addr>().expect("an address"));
        let bit = |place: u8| usize::from(bits >> (127 - place) & 1 == 1);
        let mut node = 0;
        for place in 0..length - 1 {
            node = match nodes[node][bit(place)] {
                Record::Node(next) => next,
                _ => {
                    let next = nodes.len();
                    nodes[node][bit(place)] = Record::Node(next);
                    nodes.push([Record::Nothing; 2]);
                    next
                }
            };
        }
        nodes[node][bit(length - 1)] = Record::Data(data.len());
        data.extend(map(&[("country", map(&[("iso_code", text(country))]))]));
    }
    let count = nodes.len();
    let mut file = Vec::new();
    for record in nodes.into_iter().flatten() {
        let record = match record {
            Record::Nothing => count,
            Record::Node(node) => node,
            Record::Data(place) => count + 16 + place,
        };
        file.extend(&u32::try_from(record).expect("small").to_be_bytes()[1..]);
    }
    file.extend([0; 16]);
    file.extend(data);
    file.extend(b"\xab\xcd\xefMaxMind.com");
    file.extend(map(&[
        ("binary_format_major_version", number(5, 2)),
        ("binary_format_minor_version", number(5, 0)),
        ("build_epoch", number(9, 1_700_000_000)),
        ("database_type", text(kind)),
        ("description", map(&[("en", text("a few networks"))])),
        ("ip_version", number(5, 6)),
        ("languages", value(11, 0, &[])),
        ("node_count", number(6, u32::try_from(count).expect("small"))),
        ("record_size", number(5, 24)),
    ]));
    file
}

#[test]
fn the_database_of_other_tests_is_this_one() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/country.mmdb");
    let written = database("Test-Country");
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(&file, &written).expect("the directory is writable");
    }
    assert_eq!(std::fs::read(&file).expect("it is part of the repository"), written);
}

#[test]
fn an_address_is_in_the_country_of_its_network() {
    let countries = Countries::new(database("Test-Country")).expect("a database");
    for (address, country) in [
        ("1.2.3.4", Some("CN")),
        ("1.2.4.4", None),
        ("203.0.113.255", Some("DE")),
        ("::ffff:203.0.113.1", Some("DE")),
        ("2001:db8:1::1", Some("DE")),
        ("2001:db9::1", None),
        ("::1", None),
        ("127.0.0.1", None),
    ] {
        let found = countries.country(address.parse::<IpAddr>().expect("an address"));
        assert_eq!(found, country.and_then(Country::parse), "{address}");
    }
}

#[test]
fn what_is_no_database_of_countries_is_told_apart() {
    let said = |bytes: Vec<u8>| Countries::new(bytes).expect_err("it is none").to_string();
    assert!(said(Vec::new()).starts_with("this is no MaxMind database"));
    assert!(said(b"-----BEGIN CERTIFICATE-----".to_vec()).starts_with("this is no MaxMind"));
    let whole = database("Test-Country");
    assert!(said(whole[..whole.len() - 40].to_vec()).starts_with("this is no MaxMind database"));
    let other = Countries::new(database("Test-ASN")).expect_err("it is of networks");
    assert!(matches!(other, GeoError::NoCountries(kind) if kind == "Test-ASN"));
}

#[test]
fn a_database_is_the_same_as_long_as_nobody_has_built_another() {
    let (one, mut another) = (database("Test-Country"), database("Test-Country"));
    let epoch = 1_700_000_000_u32.to_be_bytes();
    let place = another.windows(4).rposition(|part| part == epoch).expect("it is written");
    another[place + 3] += 1;
    let countries = |bytes| Countries::new(bytes).expect("a database");
    assert!(countries(one.clone()).is_same(&countries(one.clone())));
    assert!(!countries(one).is_same(&countries(another)));
}
