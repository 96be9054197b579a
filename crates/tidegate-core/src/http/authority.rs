//! What may stand in a Host field (RFC 9110, section 7.2): a host, and a port after a colon.

use super::scheme::Scheme;

/// What an authority looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Form {
    /// Whether it is in canonical form already: lower case, no trailing dot, no default port.
    pub canonical: bool,
    /// The bytes that canonical form keeps, from the start.
    pub length: usize,
}

/// Examines an authority; `None` when it is empty, or anything but a host with an optional port.
///
/// The default port is that of the scheme (RFC 9110, section 4.2.3). A trailing dot goes only when
/// no port follows it: before a port it is refused, as too odd to be meant, and so are two dots at
/// the end.
#[must_use]
pub fn examine(authority: &[u8], scheme: Scheme) -> Option<Form> {
    let (host, port) = split(authority)?;
    let lower = match host {
        [b'[', inner @ .., b']'] => {
            std::str::from_utf8(inner).ok()?.parse::<std::net::Ipv6Addr>().ok()?;
            !inner.iter().any(u8::is_ascii_uppercase)
        }
        _ => name_is_lower(host)?,
    };
    let dotted = host.ends_with(b".");
    let dropped_port = port.is_some_and(|port| match scheme {
        Scheme::Http => matches!(port, b"" | b"80"),
        Scheme::Https => matches!(port, b"" | b"443"),
    });
    let length = match port {
        Some(_) if dotted => return None,
        _ if host.ends_with(b"..") => return None,
        Some(_) if !dropped_port => authority.len(),
        _ => host.len() - usize::from(dotted),
    };
    (length > 0).then_some(Form { canonical: lower && length == authority.len(), length })
}

/// Splits the port off. `None` for a port that is not a number up to 65535.
fn split(authority: &[u8]) -> Option<(&[u8], Option<&[u8]>)> {
    let colon = match authority.iter().rposition(|byte| *byte == b']') {
        Some(bracket) if bracket + 1 == authority.len() => None,
        Some(bracket) if authority[bracket + 1] == b':' => Some(bracket + 1),
        Some(_) => return None,
        None => memchr::memchr(b':', authority),
    };
    let Some(colon) = colon else { return Some((authority, None)) };
    let port = &authority[colon + 1..];
    let number = port.iter().try_fold(0u32, |number, digit| {
        let digit = digit.checked_sub(b'0').filter(|digit| *digit < 10)?;
        Some(number * 10 + u32::from(digit)).filter(|number| *number <= 65535)
    });
    number.map(|_| (&authority[..colon], Some(port)))
}

/// Whether a host name is in lower case; `None` when a byte may not stand in one.
fn name_is_lower(host: &[u8]) -> Option<bool> {
    if host.is_empty() {
        return None;
    }
    host.iter().try_fold(true, |lower, byte| match byte {
        b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => Some(lower),
        b'A'..=b'Z' => Some(false),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(authority: &str, expected: Option<&str>) {
        check_over(Scheme::Http, authority, expected);
    }

    #[track_caller]
    fn check_over(scheme: Scheme, authority: &str, expected: Option<&str>) {
        let form = examine(authority.as_bytes(), scheme);
        let canonical = form.map(|form| authority[..form.length].to_ascii_lowercase());
        assert_eq!(canonical.as_deref(), expected, "{authority:?}");
        if let Some(form) = form {
            assert_eq!(form.canonical, canonical.as_deref() == Some(authority), "{authority:?}");
        }
    }

    #[test]
    fn hosts_come_out_in_one_form() {
        check("shop.example.com", Some("shop.example.com"));
        check("Shop.Example.COM.", Some("shop.example.com"));
        check("shop:80", Some("shop"));
        check("shop:", Some("shop"));
        check("shop:8080", Some("shop:8080"));
        check("[::1]:80", Some("[::1]"));
        check("[::A]:81", Some("[::a]:81"));
        check("10.0.0.1", Some("10.0.0.1"));
    }

    #[test]
    fn the_default_port_is_that_of_the_scheme() {
        check("shop:443", Some("shop:443"));
        check_over(Scheme::Https, "Shop:443", Some("shop"));
        check_over(Scheme::Https, "[::1]:443", Some("[::1]"));
        check_over(Scheme::Https, "shop:", Some("shop"));
        check_over(Scheme::Https, "shop:80", Some("shop:80"));
        check_over(Scheme::Https, "shop.:443", None);
    }

    #[test]
    fn what_is_not_a_host_is_refused() {
        for bad in [
            "",
            ".",
            ":80",
            "a,b",
            "a/b",
            "user@host",
            "a b",
            "a:b",
            "a:99999",
            "[::1",
            "[::1]x",
            "[zz]",
            "a:1:2",
            "h\u{e9}",
            "a?b",
            "a#b",
            "a..:80.",
            "a.:80",
            "a%2eb",
            "a..",
            "..",
        ] {
            check(bad, None);
        }
    }
}
