//! TLS for both sides of the balancer, on rustls.
//!
//! An `identity` is a certificate with its key. A `server` is what a listener needs to take clients
//! in: its identities, found by name in the `resolver`; the `roots` that it trusts in clients; its
//! `tickets`. A `client` is what a pool needs to reach its servers. Both are immutable and shared
//! by all cores; `contexts` holds those that belong to a snapshot, and the `challenges` by which
//! authorities check who holds a name. A handshake turns a `Stream`
//! into an encrypted one (`handshake`, `connection`) and tells what came of it (`session`).
//!
//! No type of rustls leaves this module, and there is one provider of cryptography, `provider`.
//! Which files hold certificates, and when they are read again, is the control plane's business.

pub mod challenges;
pub mod client;
pub(crate) mod connection;
pub mod contexts;
pub mod error;
pub(crate) mod handshake;
pub mod identity;
mod names;
mod provider;
pub mod resolver;
pub mod roots;
mod sealing;
pub mod server;
pub mod session;
pub(crate) mod state;
mod subject;
pub mod tickets;

/// An application protocol, as it is agreed on in the handshake (RFC 7301).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Alpn {
    /// HTTP/1.1.
    Http11,
    /// HTTP/2.
    H2,
    /// `acme-tls/1`, by which a certificate authority checks who holds a name (RFC 8737).
    AcmeTls,
}

impl Alpn {
    const ALL: [Self; 3] = [Self::Http11, Self::H2, Self::AcmeTls];

    /// The name on the wire.
    #[must_use]
    pub const fn as_bytes(self) -> &'static [u8] {
        match self {
            Self::Http11 => b"http/1.1",
            Self::H2 => b"h2",
            Self::AcmeTls => b"acme-tls/1",
        }
    }

    pub(crate) fn from_bytes(name: &[u8]) -> Option<Self> {
        Self::ALL.into_iter().find(|alpn| alpn.as_bytes() == name)
    }

    fn list(list: &[Self]) -> Vec<Vec<u8>> {
        list.iter().map(|alpn| alpn.as_bytes().to_vec()).collect()
    }
}
