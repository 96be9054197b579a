//! Whether a request comes from where it says: the defence against web pages.
//!
//! A page can make its reader's browser send requests to this machine, and can give its own name
//! the address 127.0.0.1. What it cannot do is choose the `Host` and `Origin` that the browser
//! writes. So `Host` must be a name of this machine as only a local caller would use it, and
//! `Origin`, which browsers add to every request that could change something, must be the same
//! place.

use std::net::IpAddr;

use axum::http::HeaderMap;
use axum::http::header::{HOST, ORIGIN};
use tidegate_core::http::head::{address_of, host_of};

use crate::server::Address;

/// Why a request is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Doubt {
    /// There is no single `Host`.
    NoHost,
    /// `Host` names another machine.
    ForeignHost,
    /// `Origin` is another place than `Host`.
    ForeignOrigin,
}

impl Doubt {
    pub(super) const fn message(self) -> &'static str {
        match self {
            Self::NoHost => "a request must have exactly one Host",
            Self::ForeignHost => "Host is not a local name of this machine",
            Self::ForeignOrigin => "Origin is not the place that Host names",
        }
    }
}

/// Checks the fields of a request to a listener at `bound`.
pub(super) fn check(headers: &HeaderMap, bound: Option<&Address>) -> Result<(), Doubt> {
    let host = only(headers, HOST.as_str()).ok_or(Doubt::NoHost)?;
    if !is_local(host, bound) {
        return Err(Doubt::ForeignHost);
    }
    if !headers.contains_key(ORIGIN) {
        return Ok(());
    }
    let origin = only(headers, ORIGIN.as_str()).ok_or(Doubt::ForeignOrigin)?;
    let place = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
    match place {
        Some(place) if place.eq_ignore_ascii_case(host) => Ok(()),
        _ => Err(Doubt::ForeignOrigin),
    }
}

/// The value of a field that must be there once.
fn only<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().ok(),
        _ => None,
    }
}

fn is_local(authority: &str, bound: Option<&Address>) -> bool {
    let host = host_of(authority);
    if host.eq_ignore_ascii_case("localhost") {
        return true;
    }
    let Some(address) = address_of(host) else { return false };
    address.to_canonical().is_loopback() || Some(address) == own(bound)
}

fn own(bound: Option<&Address>) -> Option<IpAddr> {
    match bound? {
        Address::Tcp(address) => Some(address.ip()),
        Address::Unix(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderName;

    use super::*;

    #[track_caller]
    fn assert_check(fields: &[(&str, &str)], expected: Result<(), Doubt>) {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            let name = HeaderName::try_from(*name).expect("a name");
            headers.append(name, value.parse().expect("a value"));
        }
        let bound = Address::Tcp("127.0.0.1:9900".parse().expect("an address"));
        assert_eq!(check(&headers, Some(&bound)), expected, "{fields:?}");
    }

    #[test]
    fn local_names_are_believed() {
        for host in ["localhost", "LOCALHOST:9900", "127.0.0.1:9900", "127.8.9.1", "[::1]:9900"] {
            assert_check(&[("host", host)], Ok(()));
        }
    }

    #[test]
    fn names_that_could_be_rebound_are_not() {
        for host in [
            "evil.example",
            "localhost.evil.example",
            "10.0.0.1",
            "127.0.0.1.evil.example",
            "",
            "[::2]",
        ] {
            assert_check(&[("host", host)], Err(Doubt::ForeignHost));
        }
        assert_check(&[], Err(Doubt::NoHost));
        assert_check(&[("host", "localhost"), ("host", "localhost")], Err(Doubt::NoHost));
    }

    #[test]
    fn an_origin_must_be_the_host() {
        let host = ("host", "localhost:9900");
        assert_check(&[host, ("origin", "http://localhost:9900")], Ok(()));
        for origin in ["http://evil.example", "null", "http://localhost:3000", "localhost:9900", ""]
        {
            assert_check(&[host, ("origin", origin)], Err(Doubt::ForeignOrigin));
        }
        let twice =
            [host, ("origin", "http://localhost:9900"), ("origin", "http://localhost:9900")];
        assert_check(&twice, Err(Doubt::ForeignOrigin));
    }
}
