//! How TLS handshakes with clients end.

use super::words::words;

words! {
    /// How a handshake ended: what it agreed on, or why it failed.
    pub enum Handshake {
        /// TLS 1.2, a new session.
        Full12 => "full_1.2",
        /// TLS 1.2, an earlier session again.
        Resumed12 => "resumed_1.2",
        /// TLS 1.3, a new session.
        Full13 => "full_1.3",
        /// TLS 1.3, an earlier session again.
        Resumed13 => "resumed_1.3",
        /// It took too long.
        Timeout => "timeout",
        /// The client left.
        Closed => "closed",
        /// The client does not speak TLS.
        NotTls => "not_tls",
        /// No version, cipher or protocol is common.
        Incompatible => "incompatible",
        /// The client's certificate is missing or not valid.
        Certificate => "certificate",
        /// There is no certificate yet to show.
        NoCertificate => "no_certificate",
        /// The client does not accept us.
        Refused => "refused",
        /// The client breaks the protocol.
        Protocol => "protocol",
    }
}
