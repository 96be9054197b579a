//! What an authority is told that certificates are asked of: hosts, where it is, whom to write to.

use std::net::IpAddr;

use super::fault::{Fault, Format};
use super::host;
use crate::model::route::HostPattern;

/// A host to have a certificate for.
pub(crate) static DOMAIN: Format = Format {
    name: "a host",
    expected: "a host, such as \"shop.example.com\"",
    example: "shop.example.com",
    pattern: Some(r"^[A-Za-z0-9.-]+$"),
    unit: None,
    check: |text| domain(text).map(drop),
};

/// Where an authority is.
pub(crate) static DIRECTORY: Format = Format {
    name: "the URL of a directory",
    expected: "the URL of an ACME directory, with https",
    example: "https://ca.example.com/acme/directory",
    pattern: Some(r"^https://[!-~]+$"),
    unit: None,
    check: |text| directory(text).map(drop),
};

/// Whom to write to.
pub(crate) static EMAIL: Format = Format {
    name: "an email address",
    expected: "an email address, such as \"ops@example.com\"",
    example: "ops@example.com",
    pattern: Some("^[!-~]+@[!-~]+$"),
    unit: None,
    check: |text| email(text).map(drop),
};

/// In lower case. Authorities give none for addresses without more ado, and none for all hosts of a
/// domain unless its DNS says so, which cannot be changed from here.
pub(crate) fn domain(text: &str) -> Result<String, Fault> {
    if text.parse::<IpAddr>().is_ok() {
        return Err(Fault::because(format!("\"{text}\" is an address, not a host")));
    }
    match host::host(text)? {
        HostPattern::Wildcard(_) => Err(Fault::because(
            "a wildcard needs the DNS-01 challenge, which is not spoken: name each host, or have \
             the certificate in a file",
        )),
        HostPattern::Exact(host) if host.contains(['_', '[']) => Err(Fault::default()),
        HostPattern::Exact(host) => Ok(host),
    }
}

/// As it is written: authorities compare nothing, but what is kept is found by it.
pub(crate) fn directory(text: &str) -> Result<String, Fault> {
    let Some(rest) = text.strip_prefix("https://") else {
        let secure = text.strip_prefix("http://").map(|rest| format!("https://{rest}"));
        return Err(Fault::default().nearest(secure));
    };
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    host::authority(authority).map_err(|_| Fault::default())?;
    let fits = path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#');
    if fits { Ok(text.to_owned()) } else { Err(Fault::default()) }
}

/// One mailbox, without what would make several of it or give it fields (RFC 8555, section 7.3).
pub(crate) fn email(text: &str) -> Result<String, Fault> {
    let bare = text.strip_prefix("mailto:");
    let fits = |part: &str| {
        let odd = |byte: u8| !byte.is_ascii_graphic() || b"@,?<>:\"".contains(&byte);
        !part.is_empty() && !part.bytes().any(odd)
    };
    match text.rsplit_once('@') {
        Some((local, domain)) if fits(local) && fits(domain) => Ok(text.to_owned()),
        _ => Err(Fault::default().nearest(bare)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_named_one_by_one() {
        assert_eq!(domain("Shop.Example.com").as_deref(), Ok("shop.example.com"));
        for text in ["*.example.com", "10.0.0.1", "::1", "[::1]", "a_b.example", "", "a:443"] {
            assert!(domain(text).is_err(), "{text}");
        }
        let message = domain("*.example.com").expect_err("a wildcard").message;
        assert!(message.is_some_and(|message| message.contains("DNS-01")));
    }

    #[test]
    fn a_directory_is_reached_by_https_alone() {
        for text in ["https://ca.example/dir", "https://10.0.0.1:14000/dir?a=b", "https://[::1]/"] {
            assert_eq!(directory(text).as_deref(), Ok(text));
        }
        for text in ["http://ca.example/dir", "ca.example", "https://", "https://u@ca.example/"] {
            assert!(directory(text).is_err(), "{text}");
        }
        assert!(directory("https://ca.example/a b").is_err());
        let fault = directory("http://ca.example/dir").expect_err("in the clear");
        assert_eq!(fault.nearest.as_deref(), Some("https://ca.example/dir"));
    }

    #[test]
    fn an_email_is_one_mailbox() {
        assert_eq!(email("ops@example.com").as_deref(), Ok("ops@example.com"));
        for text in ["ops", "@", "a@", "@b", "a@b,c@d", "a@b?subject=x", "a b@c"] {
            assert!(email(text).is_err(), "{text}");
        }
        let fault = email("mailto:ops@example.com").expect_err("a URL");
        assert_eq!(fault.nearest.as_deref(), Some("ops@example.com"));
    }
}
