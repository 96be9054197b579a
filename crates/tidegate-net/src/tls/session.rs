//! What came of a handshake.

use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use tidegate_core::model::tls::TlsVersion;
use tidegate_core::time::UnixTime;
use x509_parser::prelude::{FromDer, X509Certificate};

use super::Alpn;
use super::error::TlsError;
use super::identity::{Identity, time_of};
use super::subject;

/// What came of a handshake.
#[derive(Clone, Debug)]
pub struct Session {
    /// The name that the client asked for, in lower case.
    pub server_name: Option<String>,
    /// The protocol that was agreed on.
    pub alpn: Option<Alpn>,
    /// The version that was agreed on.
    pub version: TlsVersion,
    /// Whether an earlier session was resumed.
    pub resumed: bool,
    /// Who the client is, if it showed a certificate that was verified.
    pub client: Option<ClientCertificate>,
    /// Who we were to the client; `None` when we are the client.
    pub identity: Option<Arc<Identity>>,
}

/// A certificate that a client showed and that was verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientCertificate {
    /// The certificate.
    pub der: Vec<u8>,
    /// Its subject, as RFC 4514 writes it.
    pub subject: String,
    /// Until when it is valid.
    pub not_after: UnixTime,
}

impl ClientCertificate {
    pub(super) fn parse(der: &CertificateDer<'_>) -> Result<Self, TlsError> {
        let (_, certificate) = X509Certificate::from_der(der)
            .map_err(|error| TlsError::Certificate(error.to_string().into()))?;
        Ok(Self {
            subject: subject::text(certificate.subject()),
            not_after: time_of(certificate.validity().not_after.timestamp()),
            der: der.to_vec(),
        })
    }
}
