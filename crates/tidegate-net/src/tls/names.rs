//! Names as certificates and clients give them.
//!
//! A name in a certificate is believed by people and by programs that compare it in their own way,
//! so one with bytes that no host name has is refused rather than interpreted: a NUL has ended
//! names early before.

/// Whether `name` is a host name of letters, digits and hyphens (RFC 1123, section 2.1), in which
/// the first label may be `*`.
pub(super) fn is_certificate_name(name: &str) -> bool {
    is_host_name(name.strip_prefix("*.").unwrap_or(name))
}

fn is_host_name(name: &str) -> bool {
    name.len() <= 253 && name.split('.').all(is_label)
}

fn is_label(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && !label.starts_with('-')
        && !label.ends_with('-')
}

/// A host as it is compared: in lower case, without the dot of the root.
pub(super) fn canonical(host: &str) -> String {
    host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase()
}

/// What stands behind the first label: `b.c` of `a.b.c`.
pub(super) fn parent(host: &str) -> Option<&str> {
    host.split_once('.').map(|(_, parent)| parent)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Security case G5.
    #[test]
    fn names_with_odd_bytes_are_no_names() {
        for name in ["example.com", "*.example.com", "xn--bcher-kva.example", "a-1.b", "localhost"]
        {
            assert!(is_certificate_name(name), "{name}");
        }
        for name in [
            "",
            "a..b",
            "good.example\0.evil.example",
            "a b.example",
            "a\n.example",
            "b\u{fc}cher.example",
            "-a.example",
            "a-.example",
            "*",
            "a.*.example",
            "f*.example",
            "*.*.example",
            "a_b.example",
            "a/b.example",
        ] {
            assert!(!is_certificate_name(name), "{name:?}");
        }
        assert!(!is_certificate_name(&format!("{}.example", "a".repeat(64))));
    }
}
