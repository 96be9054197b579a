//! What a listener needs to take TLS clients in.
//!
//! There is one configuration of the library for each identity, made beforehand, and the one for a
//! connection is chosen when the client's first message has come. So it is known which identity was
//! shown, which decides later whether a request for another host may come over the connection.
//!
//! What the library sees to (security case G4): renegotiation is refused, one attempt with a
//! warning and the second with an end; more than 32 key updates without data between them end a
//! connection; so do 32 empty records in a row. Handshake messages above 64 KiB are refused.

use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::CryptoProvider;
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{
    ClientHello, NoClientAuth, NoServerSessionStorage, ResolvesServerCert, WebPkiClientVerifier,
};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use tidegate_core::model::tls::TlsVersion;

use super::Alpn;
use super::challenges::Challenges;
pub use super::error::SetupError;
use super::identity::Identity;
use super::provider::{provider, sha256, versions};
use super::resolver::Resolver;
use super::roots::Roots;
use super::tickets::{TICKETS_SENT, Tickets};

/// What a server is made of.
#[derive(Debug)]
pub struct ServerSetup {
    /// The first is the default. Without any, every client is refused until there is one.
    pub identities: Vec<Arc<Identity>>,
    /// The oldest version that is spoken.
    pub min_version: TlsVersion,
    /// What clients have to show.
    pub client_auth: ClientAuth,
    /// What is spoken inside, the most wanted first.
    pub alpn: Vec<Alpn>,
    /// The keys of the session tickets: those of the server that this one replaces, or new ones.
    pub tickets: Tickets,
    /// What authorities are told that check who holds a name.
    pub challenges: Arc<Challenges>,
}

/// What clients have to show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientAuth {
    /// Nothing; they are not asked.
    Off,
    /// A certificate of one of these authorities, or none.
    Optional(Roots),
    /// A certificate of one of these authorities.
    Required(Roots),
}

/// A server: shared by all cores.
#[derive(Debug)]
pub struct Server {
    resolver: Resolver,
    /// By the place of the identity.
    configs: Vec<Arc<ServerConfig>>,
    /// Has nothing to show.
    bare: Arc<ServerConfig>,
    challenges: Arc<Challenges>,
    asks_for_certificate: bool,
}

/// The identity for a connection, and the configuration that shows it.
#[derive(Clone, Debug)]
pub(super) struct Chosen {
    pub(super) identity: Arc<Identity>,
    pub(super) config: Arc<ServerConfig>,
}

impl Server {
    /// Checks that everything fits together.
    pub fn new(setup: ServerSetup) -> Result<Self, SetupError> {
        let resolver = Resolver::new(setup.identities);
        let provider = provider();
        let policy = policy(setup.min_version, &setup.client_auth);
        let verifier = verifier(&setup.client_auth, &provider)?;
        let mut base = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(versions(setup.min_version))?
            .with_client_cert_verifier(verifier)
            .with_cert_resolver(Arc::new(Nothing));
        base.alpn_protocols = Alpn::list(&setup.alpn);
        base.ticketer = setup.tickets.keys(policy)?;
        base.session_storage = Arc::new(NoServerSessionStorage {});
        base.send_tls13_tickets = TICKETS_SENT;
        let configs = resolver.identities().iter().map(|identity| {
            let mut config = base.clone();
            config.cert_resolver = show(identity);
            Arc::new(config)
        });
        Ok(Self {
            configs: configs.collect(),
            bare: Arc::new(base),
            resolver,
            challenges: setup.challenges,
            asks_for_certificate: setup.client_auth != ClientAuth::Off,
        })
    }

    /// Its identities by name.
    #[must_use]
    pub const fn resolver(&self) -> &Resolver {
        &self.resolver
    }

    /// Whether clients are asked for a certificate.
    #[must_use]
    pub const fn asks_for_certificate(&self) -> bool {
        self.asks_for_certificate
    }

    /// What a client that sent `hello` is shown; `None`: there is nothing yet.
    pub(super) fn choose(&self, hello: &ClientHello<'_>) -> Option<Chosen> {
        self.challenged(hello).or_else(|| {
            let place = self.resolver.resolve(hello.server_name(), hello.signature_schemes())?;
            Some(Chosen {
                identity: Arc::clone(&self.resolver.identities()[place]),
                config: Arc::clone(&self.configs[place]),
            })
        })
    }

    /// By which a client is refused that there is nothing to show to.
    pub(super) const fn bare(&self) -> &Arc<ServerConfig> {
        &self.bare
    }

    fn challenged(&self, hello: &ClientHello<'_>) -> Option<Chosen> {
        let mut offered = hello.alpn()?;
        // RFC 8737, section 3: the challenge is offered alone.
        let alone = offered.next() == Some(Alpn::AcmeTls.as_bytes()) && offered.next().is_none();
        self.challenges.shown(hello.server_name().filter(|_| alone)?)
    }
}

/// Shows nothing.
#[derive(Debug)]
struct Nothing;

impl ResolvesServerCert for Nothing {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        None
    }
}

/// What a ticket is good for: clients that met the same demands.
fn policy(min_version: TlsVersion, client_auth: &ClientAuth) -> [u8; 32] {
    sha256(format!("{min_version:?} {client_auth:?}").as_bytes())
}

pub(super) fn show(identity: &Identity) -> Arc<SingleCertAndKey> {
    Arc::new(SingleCertAndKey::from(Arc::clone(identity.certified())))
}

fn verifier(
    client_auth: &ClientAuth,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ClientCertVerifier>, SetupError> {
    let (roots, required) = match client_auth {
        ClientAuth::Off => return Ok(Arc::new(NoClientAuth)),
        ClientAuth::Optional(roots) => (roots, false),
        ClientAuth::Required(roots) => (roots, true),
    };
    let roots = Arc::new(roots.load()?);
    let builder = WebPkiClientVerifier::builder_with_provider(roots, Arc::clone(provider));
    let builder = if required { builder } else { builder.allow_unauthenticated() };
    builder.build().map_err(|error| SetupError::Settings(error.into()))
}
