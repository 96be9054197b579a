//! TLS as it is configured: which files, and what is asked of peers.
//!
//! There are paths here and references, never a key: what the files hold is read by the control
//! plane and given to the data plane beside the snapshot.

use std::path::PathBuf;

use super::acme::Acme;
use super::secret::SecretReference;
use super::written::Written;

/// TLS of a listener.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListenerTls {
    /// What it shows to clients. The first also to those that name no host, or one that none of
    /// them covers.
    pub certificates: Vec<CertificateFiles>,
    /// What it shows behind these, once there is one; the two are not both missing.
    pub acme: Option<Written<Acme>>,
    /// The oldest version it speaks.
    pub min_version: TlsVersion,
    /// What it asks of clients; `None`: nothing.
    pub clients: Option<ClientCertificates>,
}

/// A certificate with its chain, its key, and what its authority said of it last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateFiles {
    /// The certificate and its chain, in PEM.
    pub certificate: Written<PathBuf>,
    /// The private key, in PEM.
    pub key: Written<SecretReference>,
    /// An OCSP response, in DER, to staple.
    pub ocsp: Option<Written<PathBuf>>,
}

/// A version of TLS. Older ones are not spoken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TlsVersion {
    /// TLS 1.2 (RFC 5246).
    #[default]
    Tls12,
    /// TLS 1.3 (RFC 8446).
    Tls13,
}

impl TlsVersion {
    /// The version as it is written in a configuration.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Tls12 => "1.2",
            Self::Tls13 => "1.3",
        }
    }
}

/// What a listener asks of clients.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientCertificates {
    /// The authorities that vouch for clients, in PEM.
    pub ca: Written<PathBuf>,
    /// Whether a client may come without a certificate.
    pub policy: ClientCertificatePolicy,
}

/// Whether a client may come without a certificate. One that is shown has to be valid either way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientCertificatePolicy {
    /// It may not.
    Required,
    /// It may.
    Optional,
}

impl ClientCertificatePolicy {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Required => "required",
            Self::Optional => "optional",
        }
    }
}

/// TLS to the servers of a pool. Certificates of servers are verified, always.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PoolTls {
    /// The name that servers are asked for and have to prove, in lower case; `None`: each its own
    /// address.
    pub server_name: Option<String>,
    /// The authorities that vouch for servers, in PEM; `None`: those of the system.
    pub ca: Option<Written<PathBuf>>,
    /// What is shown to servers that ask for a certificate.
    pub identity: Option<CertificateFiles>,
}
