//! Whom a request is believed to come from, and what it says of itself.

use std::net::Ipv4Addr;

use ipnet::IpNet;
use proptest::prelude::*;

use super::*;
use crate::http::scheme::Scheme;
use crate::model::ids::ListenerName;
use crate::model::listener::{ListenerLimits, Progress};
use crate::model::ratio::Limit;
use crate::time::Duration;

fn listener(trusted: &[&str], client_header: Option<&str>) -> Listener {
    let limits = ListenerLimits {
        handshake_timeout: Duration::from_secs(1),
        header_timeout: Duration::from_secs(1),
        header_bytes: 1024,
        header_fields: 10,
        body_bytes: Limit::Unlimited,
        idle_timeout: Duration::from_secs(1),
        body_progress: Progress { rate: 0, window: Duration::from_secs(1) },
        max_age: Duration::from_secs(1),
        connections: Limit::Unlimited,
        connections_per_client: Limit::Unlimited,
    };
    let networks = trusted.iter().map(|network| network.parse::<IpNet>().expect("a network"));
    Listener {
        name: ListenerName::new("web"),
        addresses: Vec::new(),
        trusted_proxies: networks.collect(),
        proxy_protocol: false,
        client_header: client_header.map(str::to_owned),
        redirect: None,
        tls: None,
        limits,
    }
}

fn head(fields: &[(&str, &str)]) -> Head {
    Head::compose("GET", "a", "/", fields).expect("a path")
}

fn client(fields: &[(&str, &str)], peer: &str, listener: &Listener) -> String {
    client_address(&head(fields), peer.parse().expect("an address"), listener).to_string()
}

#[test]
fn the_walk_goes_from_right_to_left_past_those_who_are_trusted() {
    let web = listener(&["10.0.0.0/8", "fd00::/8"], None);
    for (values, expected) in [
        (&["1.1.1.1"][..], "1.1.1.1"),
        (&["1.1.1.1, 2.2.2.2"], "2.2.2.2"),
        (&["1.1.1.1, 2.2.2.2, 10.0.0.2"], "2.2.2.2"),
        (&["1.1.1.1", "2.2.2.2", "10.0.0.2"], "2.2.2.2"),
        (&["1.1.1.1, 2.2.2.2", "fd00::1, 10.0.0.2"], "2.2.2.2"),
        (&["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
        (&["1.1.1.1, x, 10.0.0.2"], "10.0.0.2"),
        (&["1.1.1.1, x"], "10.0.0.1"),
        (&["1.1.1.1,"], "10.0.0.1"),
        (&["1.1.1.1", ""], "10.0.0.1"),
        (&[" 1.1.1.1\t,\t10.0.0.2 "], "1.1.1.1"),
        (&["[2001:db8::1]"], "2001:db8::1"),
        (&["2001:db8::1, ::ffff:10.0.0.2"], "2001:db8::1"),
        (&["::ffff:1.1.1.1"], "1.1.1.1"),
        (&[], "10.0.0.1"),
    ] {
        let fields: Vec<_> = values.iter().map(|value| ("X-Forwarded-For", *value)).collect();
        assert_eq!(client(&fields, "10.0.0.1", &web), expected, "{values:?}");
        assert_eq!(client(&fields, "3.3.3.3", &web), "3.3.3.3", "a stranger's {values:?}");
        assert_eq!(client(&fields, "::ffff:3.3.3.3", &web), "3.3.3.3", "a stranger's {values:?}");
    }
}

#[test]
fn a_header_of_the_proxy_s_own_must_name_one_address() {
    let web = listener(&["10.0.0.0/8"], Some("cf-ip"));
    assert_eq!(client(&[("CF-IP", "1.1.1.1")], "10.0.0.1", &web), "1.1.1.1");
    assert_eq!(client(&[("CF-IP", "1.1.1.1")], "3.3.3.3", &web), "3.3.3.3");
    assert_eq!(client(&[("X-Forwarded-For", "1.1.1.1")], "10.0.0.1", &web), "10.0.0.1");
    for values in [&["1.1.1.1", "1.1.1.1"][..], &["1.1.1.1, 2.2.2.2"], &["x"], &[""], &[]] {
        let fields: Vec<_> = values.iter().map(|value| ("CF-IP", *value)).collect();
        assert_eq!(client(&fields, "10.0.0.1", &web), "10.0.0.1", "{values:?}");
    }
}

proptest! {
    /// Whatever a stranger writes in front, the first address from the right that is not trusted is
    /// the one.
    #[test]
    fn nothing_in_front_of_the_client_matters(
        forged in "[ -~]{0,40}",
        address in any::<[u8; 4]>(),
        behind in proptest::collection::vec(any::<[u8; 3]>(), 0..4),
    ) {
        let web = listener(&["10.0.0.0/8"], None);
        let address = Ipv4Addr::from(address);
        prop_assume!(!web.trusts(address.into()));
        let proxies: String = behind.iter().map(|[a, b, c]| format!(", 10.{a}.{b}.{c}")).collect();
        let value = format!("{forged}, {address}{proxies}");
        let found = client(&[("X-Forwarded-For", &value)], "10.0.0.1", &web);
        prop_assert_eq!(found, address.to_string());
    }

    #[test]
    fn addresses_are_written_as_everybody_writes_them(v4 in any::<[u8; 4]>(), v6 in any::<u128>()) {
        for address in [IpAddr::from(v4), IpAddr::V6(v6.into())] {
            let mut out = Vec::new();
            write_address(address, &mut out);
            prop_assert_eq!(String::from_utf8(out).expect("ASCII"), address.to_string());
        }
    }
}

#[test]
fn the_element_of_an_ipv6_peer_is_quoted() {
    let forwarding = Forwarding {
        peer: "2001:db8::1".parse().expect("an address"),
        trusted: false,
        scheme: Scheme::Https,
        node: "n",
        request_id: None,
        certificate: b"",
        client_header: None,
    };
    let mut out = Vec::new();
    forwarding.write(&head(&[]), &mut out);
    let out = String::from_utf8(out).expect("ASCII");
    assert!(out.contains("Forwarded: for=\"[2001:db8::1]\";host=\"a\";proto=https\r\n"), "{out}");
    assert!(out.contains("X-Forwarded-For: 2001:db8::1\r\n"), "{out}");
}

#[test]
fn only_a_node_s_own_name_makes_a_loop() {
    for (via, expected) in [
        ("1.1 n", true),
        ("1.0 a, 1.1 n", true),
        ("1.1 n (x), 1.1 b", true),
        ("HTTP/1.1\tn", true),
        ("1.1  n", true),
        ("1.1 nn", false),
        ("1.1 N", false),
        ("n", false),
        ("1.1 a (n)", false),
        ("1.1", false),
        ("", false),
    ] {
        assert_eq!(has_passed(&head(&[("Via", via)]), "n"), expected, "{via:?}");
    }
}

#[test]
fn a_request_id_is_short_and_plain() {
    let long = "a".repeat(64);
    let longer = "a".repeat(65);
    for (id, expected) in [
        ("a", true),
        ("A-b_9", true),
        (long.as_str(), true),
        (&longer, false),
        ("", false),
        ("a b", false),
        ("a.b", false),
    ] {
        assert_eq!(carries_request_id(&head(&[("X-Request-Id", id)])), expected, "{id:?}");
    }
    assert!(!carries_request_id(&head(&[("X-Request-Id", "a"), ("x-request-id", "a")])));
    assert!(!carries_request_id(&head(&[])));
}
