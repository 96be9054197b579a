//! Why a context cannot be made, and why a handshake failed.

use std::error::Error;
use std::io;

/// Why a certificate and its key are refused.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// The file holds no certificate.
    #[error("there is no PEM certificate in the certificate file")]
    NoCertificate,
    /// The file holds no private key.
    #[error("there is no PEM private key in the key file")]
    NoKey,
    /// A certificate is malformed.
    #[error("the certificate is malformed")]
    Certificate(#[source] Box<dyn Error + Send + Sync>),
    /// The key is malformed, or of a kind that is not supported.
    #[error("the private key is malformed or of an unsupported kind")]
    Key(#[source] Box<dyn Error + Send + Sync>),
    /// The key is not that of the certificate.
    #[error("the private key does not belong to the certificate")]
    Mismatch,
    /// A name in the certificate is not a name.
    #[error("the certificate is for a malformed name: {0:?}")]
    Name(String),
}

/// Why a context cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The system's certificate authorities could not be found.
    #[error("the system has no certificate authorities")]
    NoSystemRoots,
    /// A file of certificate authorities holds none.
    #[error("there is no usable certificate authority in the file")]
    NoRoots,
    /// The name that servers are asked for is no name.
    #[error("not a host name or address: {0:?}")]
    ServerName(String),
    /// As many challenges as there may be are under way.
    #[error("too many challenges are under way")]
    TooManyChallenges,
    /// The library refuses the combination.
    #[error("the TLS settings do not fit together")]
    Settings(#[source] Box<dyn Error + Send + Sync>),
}

/// Why a handshake failed.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The peer closed, or reset, before the end.
    #[error("the peer closed during the handshake")]
    Closed,
    /// The connection failed.
    #[error("the connection failed during the handshake")]
    Io(#[source] io::Error),
    /// The first byte is not that of TLS.
    #[error("the peer does not speak TLS")]
    NotTls,
    /// There is no certificate yet that the peer could be shown.
    #[error("there is no certificate to show yet")]
    NoIdentity,
    /// The two sides have no version, cipher or protocol in common.
    #[error("the peer offers nothing that is spoken here")]
    Incompatible(#[source] Box<dyn Error + Send + Sync>),
    /// The peer's certificate is missing or not valid.
    #[error("the peer's certificate is not accepted")]
    Certificate(#[source] Box<dyn Error + Send + Sync>),
    /// The peer refused.
    #[error("the peer refused the handshake")]
    Refused(#[source] Box<dyn Error + Send + Sync>),
    /// The peer does not keep to the protocol.
    #[error("the peer breaks the protocol")]
    Protocol(#[source] Box<dyn Error + Send + Sync>),
}

impl From<rustls::Error> for TlsError {
    fn from(error: rustls::Error) -> Self {
        use rustls::Error as E;
        match error {
            E::PeerIncompatible(_) | E::NoApplicationProtocol => Self::Incompatible(error.into()),
            E::InvalidCertificate(_) | E::NoCertificatesPresented => {
                Self::Certificate(error.into())
            }
            E::AlertReceived(_) => Self::Refused(error.into()),
            _ => Self::Protocol(error.into()),
        }
    }
}

impl From<rustls::Error> for SetupError {
    fn from(error: rustls::Error) -> Self {
        Self::Settings(error.into())
    }
}
