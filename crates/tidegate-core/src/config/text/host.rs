//! Hosts: those that a route takes, and the one that a check names.

use std::net::{IpAddr, Ipv6Addr};

use super::fault::{Fault, Format};
use crate::model::route::HostPattern;

/// A host to match.
pub(crate) static HOST: Format = Format {
    name: "a host to match",
    expected: "a host without port, such as \"shop.example.com\" or \"*.example.com\"",
    example: "*.example.com",
    pattern: Some(r"^(\*\.)?[A-Za-z0-9_.-]+$|^\[[0-9A-Fa-f:.]+\]$"),
    unit: None,
    check: |text| host(text).map(drop),
};

/// The Host header of a check.
pub(crate) static AUTHORITY: Format = Format {
    name: "a host",
    expected: "a host, with a port if need be, such as \"shop.example.com\"",
    example: "shop.example.com",
    pattern: Some(r"^([A-Za-z0-9_.-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]+)?$"),
    unit: None,
    check: |text| authority(text).map(drop),
};

/// The name of a server in its certificate.
pub(crate) static SERVER_NAME: Format = Format {
    name: "a name that a certificate can hold",
    expected: "a host or an IP address, such as \"shop.internal\"",
    example: "shop.internal",
    pattern: Some(r"^([A-Za-z0-9_.-]+|[0-9A-Fa-f:.]+)$"),
    unit: None,
    check: |text| server_name(text).map(drop),
};

/// The domain of a cookie.
pub(crate) static COOKIE_DOMAIN: Format = Format {
    name: "the domain of a cookie",
    expected: "a domain without a leading dot, such as \"example.com\"",
    example: "example.com",
    pattern: Some(r"^[A-Za-z0-9_.-]+$"),
    unit: None,
    check: |text| cookie_domain(text).map(drop),
};

/// A host or a wildcard, in lower case.
pub(crate) fn host(text: &str) -> Result<HostPattern, Fault> {
    match text.strip_prefix("*.") {
        Some(suffix) => named(suffix).map(|suffix| HostPattern::Wildcard(format!(".{suffix}"))),
        None => exact(text).map(HostPattern::Exact),
    }
}

pub(crate) fn authority(text: &str) -> Result<String, Fault> {
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (text, None),
    };
    exact(host)?;
    let fits = port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port != 0));
    if fits { Ok(text.to_owned()) } else { Err(Fault::default()) }
}

/// A host in lower case, or an address in its shortest form.
pub(crate) fn server_name(text: &str) -> Result<String, Fault> {
    text.parse::<IpAddr>().map(|address| address.to_string()).or_else(|_| named(text))
}

pub(crate) fn cookie_domain(text: &str) -> Result<String, Fault> {
    named(text).map_err(|fault| {
        let bare = text.trim_start_matches(['*', '.']).to_ascii_lowercase();
        if is_host(&bare) { Fault::default().nearest(Some(bare)) } else { fault }
    })
}

fn exact(text: &str) -> Result<String, Fault> {
    match text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(inner) => {
            let address: Ipv6Addr = inner.parse().map_err(|_| Fault::default())?;
            Ok(format!("[{address}]"))
        }
        None => named(text),
    }
}

fn named(text: &str) -> Result<String, Fault> {
    if !text.is_ascii() {
        return Err(Fault::because(format!("\"{text}\" is not in its ASCII form (xn--)")));
    }
    let lower = text.to_ascii_lowercase();
    if is_host(&lower) {
        return Ok(lower);
    }
    // A scheme, a port, a path and a trailing dot are what is most often too much.
    let bare = lower.split_once("://").map_or(lower.as_str(), |(_, rest)| rest);
    let bare = bare.split(['/', ':', '?']).next().unwrap_or("").trim_end_matches('.');
    Err(Fault::default().nearest(is_host(bare).then_some(bare)))
}

/// Labels of 1 to 63 letters, digits, `-` and `_`, 253 bytes in all (RFC 1035, section 2.3.4).
fn is_host(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    text.len() <= 253
        && text.split('.').all(|label| (1..=63).contains(&label.len()) && label.bytes().all(fits))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_lose_their_case_and_wildcards_their_star() {
        assert_eq!(host("Shop.Example.COM"), Ok(HostPattern::Exact("shop.example.com".into())));
        assert_eq!(host("*.example.com"), Ok(HostPattern::Wildcard(".example.com".into())));
        assert_eq!(host("[0:0::1]"), Ok(HostPattern::Exact("[::1]".into())));
    }

    #[test]
    fn the_name_of_a_server_is_a_host_or_an_address() {
        assert_eq!(server_name("Shop.Internal"), Ok("shop.internal".to_owned()));
        assert_eq!(server_name("0:0::1"), Ok("::1".to_owned()));
        assert_eq!(server_name("10.0.0.1"), Ok("10.0.0.1".to_owned()));
        let fault = server_name("https://shop.internal:443").expect_err("a URL");
        assert_eq!(fault.nearest.as_deref(), Some("shop.internal"));
        assert!(server_name("*.internal").is_err());
    }

    #[test]
    fn what_is_no_host_is_refused_with_the_host_in_it() {
        for (text, nearest) in [
            ("shop.example.com:80", Some("shop.example.com")),
            ("https://Shop.example.com/x", Some("shop.example.com")),
            ("example.com.", Some("example.com")),
            ("*", None),
            ("a.*.com", None),
            ("", None),
            ("a..b", None),
            ("straße.de", None),
        ] {
            assert_eq!(host(text).expect_err(text).nearest.as_deref(), nearest, "{text}");
        }
    }
}
