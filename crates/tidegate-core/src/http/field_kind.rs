//! What a proxy has to know of a header field, told from its name alone and once a message.
//!
//! Most fields are [`FieldKind::Plain`] and pass unread. The rest frame the message, speak to this
//! hop only, or claim something that only a trusted peer may claim. The length picks the few
//! candidates to compare with.

/// The part a field plays for a proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldKind {
    /// Passes unread.
    Plain,
    /// `Host`.
    Host,
    /// `Content-Length`.
    ContentLength,
    /// `Transfer-Encoding`.
    TransferEncoding,
    /// `Connection`.
    Connection,
    /// `Upgrade`.
    Upgrade,
    /// `Expect`.
    Expect,
    /// Meant for one hop: `Keep-Alive`, `Proxy-Connection`, `TE`, `HTTP2-Settings`.
    HopByHop,
    /// `X-Forwarded-For`.
    ForwardedFor,
    /// `X-Forwarded-Proto`.
    ForwardedProto,
    /// `X-Forwarded-Host`.
    ForwardedHost,
    /// `Forwarded` (RFC 7239).
    Forwarded,
    /// The rest of the family: other `X-Forwarded-*`, `X-Real-IP`.
    ForwardedOther,
    /// Says who a client is by its certificate: `Client-Cert`, `Client-Cert-Chain` (RFC 9440),
    /// `X-Client-Cert-*`. Only this hop knows.
    ClientCertificate,
    /// `X-Request-Id`.
    RequestId,
    /// `Via`.
    Via,
    /// `Date`.
    Date,
    /// Never forwarded: `Proxy` (httpoxy), `X-Original-URL`, `X-Rewrite-URL` and the method
    /// overrides.
    Stripped,
    /// Holds an underscore, which some servers read as a hyphen: never forwarded.
    Underscored,
    /// Reads as a framing field once its non-letters are gone: the message is refused.
    FramingAlias,
}

impl FieldKind {
    /// The kind of a name, a token in any case.
    #[must_use]
    pub fn of(name: &[u8]) -> Self {
        let is = |known: &str| name.eq_ignore_ascii_case(known.as_bytes());
        match name.len() {
            2 if is("te") => Self::HopByHop,
            3 if is("via") => Self::Via,
            4 if is("host") => Self::Host,
            4 if is("date") => Self::Date,
            5 if is("proxy") => Self::Stripped,
            6 if is("expect") => Self::Expect,
            7 if is("upgrade") => Self::Upgrade,
            9 if is("forwarded") => Self::Forwarded,
            9 if is("x-real-ip") => Self::ForwardedOther,
            10 if is("connection") => Self::Connection,
            10 if is("keep-alive") => Self::HopByHop,
            11 if is("client-cert") => Self::ClientCertificate,
            12 if is("x-request-id") => Self::RequestId,
            13 if is("x-rewrite-url") => Self::Stripped,
            13 if is("x-http-method") => Self::Stripped,
            14 if is("content-length") => Self::ContentLength,
            14 if is("x-original-url") => Self::Stripped,
            14 if is("http2-settings") => Self::HopByHop,
            15 if is("x-forwarded-for") => Self::ForwardedFor,
            16 if is("proxy-connection") => Self::HopByHop,
            16 if is("x-forwarded-host") => Self::ForwardedHost,
            17 if is("client-cert-chain") => Self::ClientCertificate,
            17 if is("transfer-encoding") => Self::TransferEncoding,
            17 if is("x-forwarded-proto") => Self::ForwardedProto,
            17 if is("x-method-override") => Self::Stripped,
            22 if is("x-http-method-override") => Self::Stripped,
            _ => Self::by_shape(name),
        }
    }

    fn by_shape(name: &[u8]) -> Self {
        if name.len() >= 12 && name[..12].eq_ignore_ascii_case(b"x-forwarded-") {
            return Self::ForwardedOther;
        }
        if name.len() >= 14 && name[..14].eq_ignore_ascii_case(b"x-client-cert-") {
            return Self::ClientCertificate;
        }
        if name.len() >= 13 && aliases_framing(name) {
            return Self::FramingAlias;
        }
        if name.contains(&b'_') { Self::Underscored } else { Self::Plain }
    }

    /// Whether a field of this kind passes from a client to a server without a further thought.
    #[must_use]
    pub const fn is_plain(self) -> bool {
        matches!(self, Self::Plain | Self::Date | Self::Via)
    }

    /// Whether naming such a field in `Connection` must not remove it. `Upgrade` is always named
    /// there; whether it goes on is decided elsewhere.
    #[must_use]
    pub fn is_protected(name: &[u8]) -> bool {
        let named = ["authorization", "cookie", "set-cookie", "date", "via", "cache-control"];
        !matches!(Self::of(name), Self::Plain | Self::HopByHop | Self::Underscored)
            || named.iter().any(|known| name.eq_ignore_ascii_case(known.as_bytes()))
    }
}

/// Whether the letters of a name spell `contentlength` or `transferencoding`, as servers that map
/// or drop odd characters may read it.
fn aliases_framing(name: &[u8]) -> bool {
    let spells = |word: &str| {
        let letters = name.iter().filter(|byte| byte.is_ascii_alphabetic());
        letters.map(u8::to_ascii_lowercase).eq(word.bytes())
    };
    match name[0].to_ascii_lowercase() {
        b'c' => spells("contentlength"),
        b't' => spells("transferencoding"),
        letter if letter.is_ascii_alphabetic() => false,
        _ => spells("contentlength") || spells("transferencoding"),
    }
}

#[cfg(test)]
mod tests {
    use super::FieldKind;

    #[track_caller]
    fn check(name: &str, kind: FieldKind) {
        assert_eq!(FieldKind::of(name.as_bytes()), kind, "{name}");
    }

    #[test]
    fn names_are_told_apart_in_any_case() {
        check("HOST", FieldKind::Host);
        check("content-Length", FieldKind::ContentLength);
        check("Transfer-Encoding", FieldKind::TransferEncoding);
        check("X-Forwarded-Port", FieldKind::ForwardedOther);
        check("x-forwarded-prefix", FieldKind::ForwardedOther);
        check("X-Forwarded-", FieldKind::ForwardedOther);
        check("Accept", FieldKind::Plain);
        check("Cookie", FieldKind::Plain);
        check("CLIENT-cert", FieldKind::ClientCertificate);
        check("Client-Cert-Chain", FieldKind::ClientCertificate);
        check("x-client-cert-Subject", FieldKind::ClientCertificate);
        check("Client-Certificate", FieldKind::Plain);
        check("PROXY", FieldKind::Stripped);
        check("X-HTTP-Method-Override", FieldKind::Stripped);
    }

    #[test]
    fn names_that_servers_might_read_as_framing_are_aliases() {
        for name in [
            "Transfer_Encoding",
            "Transfer---Encoding",
            "Content_Length",
            "ContentLength",
            "_content-length",
            "transfer.encoding",
        ] {
            check(name, FieldKind::FramingAlias);
        }
        check("Content-Lengthy", FieldKind::Plain);
        check("X_Forwarded_Proto", FieldKind::Underscored);
        check("x_auth_user", FieldKind::Underscored);
    }
}
