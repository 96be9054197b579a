//! An authority from arbitrary bytes.
//!
//! What is accepted has one canonical form, which is its own; its host holds nothing but what a
//! host may hold, and nobody could split host and port in another way.

use std::net::Ipv6Addr;

use tidegate_core::http::authority::examine;
use tidegate_core::http::head::host_of;
use tidegate_core::http::scheme::Scheme;

use crate::plain::text;

/// Runs the check.
pub fn run(data: &[u8]) {
    check(data, Scheme::Http);
    check(data, Scheme::Https);
}

fn check(data: &[u8], scheme: Scheme) {
    let Some(form) = examine(data, scheme) else { return };
    let canonical = data[..form.length].to_ascii_lowercase();
    assert_eq!(form.canonical, canonical == data, "the flag tells: {}", text(data));
    let again = examine(&canonical, scheme).expect("canonical form is an authority");
    assert!(again.canonical && again.length == canonical.len(), "it is its own: {}", text(data));

    let authority = std::str::from_utf8(&canonical).expect("an authority is ASCII");
    let host = host_of(authority);
    check_host(host);
    let (port, default) = (&authority[host.len()..], format!(":{}", scheme.default_port()));
    if !port.is_empty() {
        let number: u16 = port.strip_prefix(':').and_then(|n| n.parse().ok()).expect("a port");
        assert_ne!(port, default, "the default port is left out");
        assert!(u32::from(number) <= 65535);
    }
    // Case, a trailing dot and the default port are all that may be lost.
    let lost = &data[form.length..];
    let may_go = matches!(lost, b"" | b"." | b":") || lost == default.as_bytes();
    assert!(may_go, "lost: {}", text(lost));
}

fn check_host(host: &str) {
    assert!(!host.is_empty());
    if let Some(inner) = host.strip_prefix('[') {
        let inner = inner.strip_suffix(']').expect("brackets close");
        assert!(inner.parse::<Ipv6Addr>().is_ok(), "brackets hold an address: {host}");
        return;
    }
    let tame =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-._~".contains(&byte);
    assert!(host.bytes().all(tame), "a host: {host}");
}
