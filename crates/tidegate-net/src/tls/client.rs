//! What a pool needs to speak TLS to its servers.
//!
//! The chain and the name of a server are always verified (security case G7); there is no way to
//! turn that off. Sessions are resumed, by the name of the server.

use std::fmt;
use std::sync::Arc;

use rustls::ClientConfig;
use rustls::client::{ResolvesClientCert, Resumption};
use rustls::pki_types::ServerName;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use tidegate_core::model::tls::TlsVersion;

use super::Alpn;
pub use super::error::SetupError;
use super::identity::Identity;
use super::provider::{provider, versions};
use super::roots::Roots;

/// Servers whose sessions are kept to be resumed.
const SESSIONS: usize = 1024;

/// What a client is made of.
#[derive(Debug)]
pub struct ClientSetup {
    /// Which authorities may vouch for servers.
    pub roots: Roots,
    /// Who we are, to servers that ask.
    pub identity: Option<Arc<Identity>>,
    /// What is spoken inside, the most wanted first.
    pub alpn: Vec<Alpn>,
    /// The oldest version that is spoken.
    pub min_version: TlsVersion,
    /// The name that every server must have; `None`: its own host or address.
    pub server_name: Option<String>,
}

/// A client: shared by all cores.
pub struct Client {
    config: Arc<ClientConfig>,
    server_name: Option<ServerName<'static>>,
}

impl Client {
    /// Checks that everything fits together.
    pub fn new(setup: ClientSetup) -> Result<Self, SetupError> {
        let builder = ClientConfig::builder_with_provider(provider())
            .with_protocol_versions(versions(setup.min_version))?
            .with_root_certificates(setup.roots.load()?);
        let mut config = match setup.identity {
            None => builder.with_no_client_auth(),
            Some(identity) => builder.with_client_cert_resolver(show(identity.certified())),
        };
        config.alpn_protocols = Alpn::list(&setup.alpn);
        config.resumption = Resumption::in_memory_sessions(SESSIONS);
        let server_name = setup.server_name.as_deref().map(parse_name).transpose()?;
        Ok(Self { config: Arc::new(config), server_name })
    }

    pub(super) const fn config(&self) -> &Arc<ClientConfig> {
        &self.config
    }

    /// The name that the server at `host` must have.
    pub(super) fn name_for(&self, host: &str) -> Result<ServerName<'static>, SetupError> {
        self.server_name.as_ref().map_or_else(|| parse_name(host), |name| Ok(name.clone()))
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("server_name", &self.server_name).finish_non_exhaustive()
    }
}

fn show(certified: &Arc<CertifiedKey>) -> Arc<dyn ResolvesClientCert> {
    Arc::new(SingleCertAndKey::from(Arc::clone(certified)))
}

fn parse_name(host: &str) -> Result<ServerName<'static>, SetupError> {
    ServerName::try_from(host.to_owned()).map_err(|_| SetupError::ServerName(host.to_owned()))
}
