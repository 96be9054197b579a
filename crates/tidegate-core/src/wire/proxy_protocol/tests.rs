//! Headers byte by byte; that what is written reads as it was; that pieces change nothing.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use proptest::prelude::*;

use super::HeaderError::{
    Address, Checksum, Command, Extension, Family, Length, Line, LineEnd, LineTooLong, Port,
    Signature, Version,
};
use super::*;
use crate::model::pool::ProxyVersion::{V1, V2};

const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";
/// Two addresses and ports of IPv4.
const BLOCK: &[u8] = &[192, 0, 2, 1, 198, 51, 100, 2, 0xdc, 0x04, 0x01, 0xbb];

fn proxied(source: &str, destination: &str) -> Header {
    let [source, destination] =
        [source, destination].map(|text| text.parse().expect("tests use addresses"));
    Header::Proxied { source, destination }
}

/// A header of version 2 whose length is that of its block.
fn binary(command: u8, family: u8, block: &[u8]) -> Vec<u8> {
    let length = u16::try_from(block.len()).expect("short").to_be_bytes();
    [SIGNATURE, &[command, family], &length, block].concat()
}

/// A PROXY over TCP of IPv4 with these extensions.
fn extended(extensions: &[u8]) -> Vec<u8> {
    binary(0x21, 0x11, &[BLOCK, extensions].concat())
}

/// Reads the bytes in growing pieces, each as long as was asked for.
fn read_as_asked(bytes: &[u8]) -> Result<Reading, HeaderError> {
    let mut length = 0;
    loop {
        match read(&bytes[..length])? {
            Reading::More(missing) if length + missing.get() <= bytes.len() => {
                length += missing.get();
            }
            reading => return Ok(reading),
        }
    }
}

#[track_caller]
fn check(bytes: &[u8], expected: Header) {
    let whole = Reading::Whole { header: expected, length: bytes.len() };
    assert_eq!(read(bytes), Ok(whole), "{}", bytes.escape_ascii());
    assert_eq!(read(&[bytes, b"GET / HTTP/1.1\r\n\r\n"].concat()), Ok(whole), "more follows");
    assert_eq!(read_as_asked(bytes), Ok(whole), "no byte too many is asked for");
}

#[track_caller]
fn check_error(bytes: &[u8], error: HeaderError) {
    assert_eq!(read(bytes), Err(error), "{}", bytes.escape_ascii());
}

#[test]
fn lines_say_who_connected_to_what() {
    for (line, source, destination) in [
        ("TCP4 192.0.2.1 198.51.100.2 56324 443", "192.0.2.1:56324", "198.51.100.2:443"),
        ("TCP4 0.0.0.0 255.255.255.255 0 65535", "0.0.0.0:0", "255.255.255.255:65535"),
        ("TCP6 2001:db8::1 ::1 1 2", "[2001:db8::1]:1", "[::1]:2"),
        ("TCP6 2001:DB8:0:0:0:0:0:1 ::ffff:1.2.3.4 1 2", "[2001:db8::1]:1", "[::ffff:1.2.3.4]:2"),
    ] {
        check(format!("PROXY {line}\r\n").as_bytes(), proxied(source, destination));
    }
    check(b"PROXY UNKNOWN\r\n", Header::Local);
    check(b"PROXY UNKNOWN ffff::1 whatever\0 it says\r\n", Header::Local);
    let longest = format!("PROXY UNKNOWN {}\r\n", "a".repeat(91));
    assert_eq!(longest.len(), V1_LENGTH_MAX);
    check(longest.as_bytes(), Header::Local);
}

#[test]
fn a_line_that_is_not_one_is_refused() {
    for (line, error) in [
        ("PROXY UNKNOWNS\r\n", Family),
        ("PROXY unknown\r\n", Family),
        ("PROXY TCP5 1.2.3.4 5.6.7.8 1 2\r\n", Family),
        ("PROXY UDP4 1.2.3.4 5.6.7.8 1 2\r\n", Family),
        ("PROXY tcp4 1.2.3.4 5.6.7.8 1 2\r\n", Family),
        ("PROXY  TCP4 1.2.3.4 5.6.7.8 1 2\r\n", Family),
        ("PROXY TCP4\t1.2.3.4 5.6.7.8 1 2\r\n", Family),
        ("PROXY TCP4 1.2.3.4 5.6.7.8 1\r\n", Line),
        ("PROXY TCP4 1.2.3.4 5.6.7.8 1 2 \r\n", Line),
        ("PROXY TCP4 1.2.3.4 5.6.7.8 1 2 3\r\n", Line),
        ("PROXY TCP4  1.2.3.4 5.6.7.8 1 2\r\n", Line),
        ("PROXY TCP4 1.2.3.4  5.6.7.8 1\r\n", Port),
        ("PROXY TCP4 1.2.3 5.6.7.8 1 2\r\n", Address),
        ("PROXY TCP4 01.2.3.4 5.6.7.8 1 2\r\n", Address),
        ("PROXY TCP4 1.2.3.256 5.6.7.8 1 2\r\n", Address),
        ("PROXY TCP4 ::1 ::2 1 2\r\n", Address),
        ("PROXY TCP6 1.2.3.4 5.6.7.8 1 2\r\n", Address),
        ("PROXY TCP6 ::1 5.6.7.8 1 2\r\n", Address),
        ("PROXY TCP6 [::1] ::2 1 2\r\n", Address),
        ("PROXY TCP6 fe80::1%eth0 ::2 1 2\r\n", Address),
        ("PROXY TCP6 ::1::2 ::2 1 2\r\n", Address),
        ("PROXY TCP4 1.2.3.4 5.6.7.8 +1 2\r\n", Port),
        ("PROXY TCP4 1.2.3.4 5.6.7.8 01 2\r\n", Port),
        ("PROXY TCP4 1.2.3.4 5.6.7.8 1 65536\r\n", Port),
        ("PROXY TCP4 1.2.3.4 5.6.7.8 -1 2\r\n", Port),
        ("PROXY TCP4 1.2.3.4 5.6.7.8 0x1 2\r\n", Port),
        ("PROXY TCP4 1.2.3.4 5.6.7.8 1 \r\n", Port),
        ("PROXY TCP4 1.2.3.4 5.6.7.8 1 2\n", LineEnd),
        ("PROXY TCP4 1.2.3.4 5.6.7.8 1 2\rG", LineEnd),
        ("PROXY UNKNOWN\n\r\n", LineEnd),
        ("PROXY UNKNOWN a\rb\r\n", LineEnd),
        ("proxy UNKNOWN\r\n", Signature),
        ("PROXYUNKNOWN\r\n", Signature),
        ("GET / HTTP/1.1\r\n\r\n", Signature),
        ("\u{16}\u{3}\u{1}", Signature),
    ] {
        check_error(line.as_bytes(), error);
    }
    check_error(b"PROXY TCP4 1.2.3.\xff 5.6.7.8 1 2\r\n", Line);
    check_error(format!("PROXY UNKNOWN {}\r\n", "a".repeat(92)).as_bytes(), LineTooLong);
    check_error(format!("PROXY UNKNOWN {}", "a".repeat(92)).as_bytes(), LineTooLong);
}

#[test]
fn binary_headers_say_who_connected_to_what() {
    check(&extended(&[]), proxied("192.0.2.1:56324", "198.51.100.2:443"));
    let one = Ipv6Addr::LOCALHOST.octets();
    let block = [&one[..], &one, &[0, 1, 0, 2]].concat();
    check(&binary(0x21, 0x21, &block), proxied("[::1]:1", "[::1]:2"));
}

#[test]
fn m2_local_keeps_the_addresses_of_the_socket_whatever_stands_behind_it() {
    for family in [0, 0x11, 0x21, 0x31, 0xff] {
        check(&binary(0x20, family, &[]), Header::Local);
        check(&binary(0x20, family, BLOCK), Header::Local);
        check(&binary(0x20, family, &[0xff; 300]), Header::Local);
    }
}

#[test]
fn m2_an_unknown_family_version_or_command_is_refused() {
    for family in [0, 0x01, 0x10, 0x12, 0x20, 0x22, 0x31, 0x32, 0x41, 0xff] {
        check_error(&binary(0x21, family, &[0; 216]), Family);
    }
    for (command, error) in [(0x22, Command), (0x2f, Command), (0x11, Version), (0x31, Version)] {
        check_error(&binary(command, 0x11, BLOCK), error);
        check_error(&[SIGNATURE, &[command]].concat(), error);
    }
    check_error(b"\r\n\r\n\0\r\nQUIT\r", Signature);
}

#[test]
fn m2_a_length_holds_the_addresses_and_is_bounded() {
    for length in 0..12 {
        check_error(&binary(0x21, 0x11, &BLOCK[..length]), Length);
    }
    check_error(&binary(0x21, 0x21, &[0; 35]), Length);
    let longest = V2_LENGTH_MAX - 16;
    check(&binary(0x20, 0, &vec![0; longest]), Header::Local);
    check_error(&binary(0x20, 0, &vec![0; longest + 1])[..16], Length);
}

#[test]
fn m2_extensions_fill_their_space_exactly() {
    let known = proxied("192.0.2.1:56324", "198.51.100.2:443");
    let good: [&[u8]; 6] = [
        &[0x04, 0, 0],
        &[0x04, 0, 2, 1, 2],
        &[0x01, 0, 2, b'h', b'2', 0x02, 0, 1, b'a'],
        &[0xea, 0, 1, 1, 0xff, 0, 0],
        &[0x20, 0, 5, 7, 0, 0, 0, 0],
        &[0x20, 0, 9, 7, 0, 0, 0, 0, 0x21, 0, 1, b'3'],
    ];
    for extensions in good {
        check(&extended(extensions), known);
    }
    let bad: [&[u8]; 10] = [
        &[0],
        &[0x04, 0],
        &[0x04, 0, 1],
        &[0x04, 0, 3, 1, 2],
        &[0x04, 0xff, 0xff, 1],
        &[0x04, 0, 0, 9],
        // Within an extension: too short for its own bytes, and over its end.
        &[0x20, 0, 4, 7, 0, 0, 0],
        &[0x20, 0, 8, 7, 0, 0, 0, 0, 0x21, 0, 1, b'3'],
        &[0x20, 0, 9, 7, 0, 0, 0, 0, 0x21, 0, 2, b'3', 0x04, 0, 0],
        &[0x20, 0, 6, 7, 0, 0, 0, 0, 0x21],
    ];
    for extensions in bad {
        check_error(&extended(extensions), Extension);
    }
}

#[test]
fn m2_a_checksum_is_held_against_the_header() {
    let with =
        |sum: u32| extended(&[&[0x04, 0, 1, 9, 0x03, 0, 4], &sum.to_be_bytes()[..]].concat());
    let right = reference_crc32c(&with(0));
    check(&with(right), proxied("192.0.2.1:56324", "198.51.100.2:443"));
    for bit in 0..32 {
        check_error(&with(right ^ 1 << bit), Checksum);
    }
    check_error(&extended(&[0x03, 0, 3, 0, 0, 0]), Extension);
    // RFC 3720, appendix B.4.
    assert_eq!(reference_crc32c(&[0; 32]), 0x8a91_36aa);
}

/// The sum by division of the bits as they come, where `v2` divides by reflected bytes.
fn reference_crc32c(bytes: &[u8]) -> u32 {
    let mut rest = u32::MAX;
    for byte in bytes {
        for bit in 0..8 {
            let carried = (rest >> 31) ^ u32::from(byte >> bit & 1);
            rest = rest << 1 ^ if carried == 1 { 0x1edc_6f41 } else { 0 };
        }
    }
    !rest.reverse_bits()
}

#[test]
fn headers_are_written_in_one_family() {
    let text = |header: Header| String::from_utf8(header.to_bytes(V1)).expect("text");
    let ends = proxied("192.0.2.1:56324", "198.51.100.2:443");
    assert_eq!(text(ends), "PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\r\n");
    assert_eq!(ends.to_bytes(V2), extended(&[]));
    assert_eq!(text(Header::Local), "PROXY UNKNOWN\r\n");
    assert_eq!(Header::Local.to_bytes(V2), binary(0x20, 0, &[]));
    let mixed = proxied("192.0.2.1:1", "[2001:db8::1]:2");
    assert_eq!(text(mixed), "PROXY TCP6 ::ffff:192.0.2.1 2001:db8::1 1 2\r\n");
    let mapped = proxied("[::ffff:192.0.2.1]:1", "[2001:db8::1]:2");
    assert_eq!(mixed.to_bytes(V2), mapped.to_bytes(V2));
}

fn ends() -> impl Strategy<Value = Header> {
    let v4 = || any::<(Ipv4Addr, u16)>().prop_map(|(ip, port)| (IpAddr::from(ip), port).into());
    let v6 = || any::<(Ipv6Addr, u16)>().prop_map(|(ip, port)| (IpAddr::from(ip), port).into());
    let pair = |(source, destination)| Header::Proxied { source, destination };
    prop_oneof![(v4(), v4()).prop_map(pair), (v6(), v6()).prop_map(pair), Just(Header::Local)]
}

/// Bytes that come near a header.
fn hostile() -> impl Strategy<Value = Vec<u8>> {
    let byte =
        || prop_oneof![prop::sample::select(&b"\0\x01\x03\x04\x20\r\n 01.:"[..]), any::<u8>()];
    let bytes = move |most| prop::collection::vec(byte(), 0..most);
    let binary = (prop::sample::select(&[0x20u8, 0x21][..]), bytes(80), 0u16..80);
    prop_oneof![
        bytes(40),
        bytes(130).prop_map(|rest| [b"PROXY TCP4 1.2.3.4 ", &rest[..]].concat()),
        binary.prop_map(|(command, rest, length)| {
            [SIGNATURE, &[command, 0x11], &length.to_be_bytes(), BLOCK, &rest].concat()
        }),
    ]
}

proptest! {
    #[test]
    fn what_is_written_reads_as_it_was(
        header in ends(),
        version in prop::sample::select(&[V1, V2][..]),
    ) {
        let bytes = header.to_bytes(version);
        let whole = Reading::Whole { header, length: bytes.len() };
        prop_assert_eq!(read(&bytes), Ok(whole));
        prop_assert_eq!(read_as_asked(&bytes), Ok(whole));
    }

    #[test]
    fn pieces_change_nothing(bytes in hostile()) {
        let whole = read(&bytes);
        for length in 0..bytes.len() {
            match read(&bytes[..length]) {
                Ok(Reading::More(missing)) => {
                    if let Ok(Reading::Whole { length: end, .. }) = whole {
                        prop_assert!(length + missing.get() <= end, "asks beyond the header");
                    }
                }
                decided => prop_assert_eq!(decided, whole, "after {} bytes", length),
            }
        }
    }
}
