//! Whether a request came over a connection that was meant for another host (RFC 9110, section
//! 15.5.20).
//!
//! A client may use one connection for all hosts that its certificate covers, and decides that by
//! itself. Two things must not come of it: that a host is served over a connection on which another
//! certificate was shown than its own, and that what a client proved for one host counts for the
//! next. The client asks again over a connection of its own.

/// What is known of a request's host and of the connection that it came over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Direction<'a> {
    /// The host of the request, in lower case.
    pub host: &'a str,
    /// The host that the connection was opened for, in lower case, if the client named one.
    pub server_name: Option<&'a str>,
    /// Whether the certificate that was shown is for the host.
    pub covered: bool,
    /// Whether some certificate of the listener is for the host.
    pub known: bool,
    /// Whether clients are asked for certificates.
    pub asks_for_certificate: bool,
}

/// Whether the request is refused with 421. A host that no certificate is for is served: its client
/// was content with the default.
#[must_use]
pub fn is_misdirected(direction: &Direction<'_>) -> bool {
    let Direction { host, server_name, covered, known, asks_for_certificate } = *direction;
    if server_name.is_some_and(|name| name == host) {
        return false;
    }
    (asks_for_certificate && server_name.is_some()) || (!covered && known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(server_name: Option<&str>, flags: [bool; 3], misdirected: bool) {
        let [covered, known, asks_for_certificate] = flags;
        let host = "a.example";
        let direction = Direction { host, server_name, covered, known, asks_for_certificate };
        assert_eq!(is_misdirected(&direction), misdirected, "{direction:?}");
    }

    /// Security case E7.
    #[test]
    fn a_host_is_served_under_its_own_certificate() {
        check(Some("a.example"), [true, true, false], false);
        // Two hosts of one certificate may share a connection.
        check(Some("b.example"), [true, true, false], false);
        check(Some("b.example"), [false, true, false], true);
        check(None, [false, true, false], true);
        // No certificate is for it: the default was shown, and is all there is.
        check(Some("b.example"), [false, false, false], false);
        check(None, [false, false, false], false);
    }

    /// Security case G2.
    #[test]
    fn what_a_client_proved_counts_for_one_host() {
        check(Some("a.example"), [true, true, true], false);
        check(Some("b.example"), [true, true, true], true);
        check(Some("b.example"), [false, false, true], true);
        check(None, [true, true, true], false);
    }
}
