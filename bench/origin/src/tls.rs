//! TLS from the client's side, for the programs that measure it.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use rustls::client::Resumption;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};

/// The name that the benchmark's certificate is for.
pub const NAME: &str = "localhost";

/// What a client does with tickets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tickets {
    /// It uses them.
    Used,
    /// It forgets them, so that every handshake is a full one.
    Forgotten,
}

/// A client of TLS 1.3 that trusts the certificate in a PEM file, and offers `alpn`.
///
/// # Errors
/// When the file cannot be read, or holds no certificate.
pub fn client(
    certificate: &Path,
    tickets: Tickets,
    alpn: &[&str],
) -> anyhow::Result<Arc<ClientConfig>> {
    let pem = fs::read(certificate).with_context(|| format!("cannot read {certificate:?}"))?;
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(&pem).context("no certificate")?)?;
    let mut config = ClientConfig::builder_with_provider(aws_lc_rs::default_provider().into())
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
    if tickets == Tickets::Forgotten {
        config.resumption = Resumption::disabled();
    }
    Ok(Arc::new(config))
}

/// The server that is asked for.
///
/// # Errors
/// Never: the name is a name.
pub fn server_name() -> anyhow::Result<ServerName<'static>> {
    Ok(ServerName::try_from(NAME)?)
}
