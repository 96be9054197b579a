//! An authority that issues certificates, and the two ends of a connection.

use std::future::poll_fn;
use std::net::SocketAddr;
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, SignatureAlgorithm,
};
use tidegate_core::model::tls::TlsVersion;
use tidegate_net::stream::Stream;
use tidegate_net::tls::Alpn;
use tidegate_net::tls::client::{Client, ClientSetup};
use tidegate_net::tls::error::TlsError;
use tidegate_net::tls::identity::Identity;
use tidegate_net::tls::roots::Roots;
use tidegate_net::tls::server::{ClientAuth, Server, ServerSetup};
use tidegate_net::tls::session::Session;
use tidegate_net::tls::tickets::Tickets;
use tokio::net::TcpListener;

/// A certificate authority.
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate and its key, as files hold them.
pub struct Files {
    pub certificate: String,
    pub key: String,
}

impl Authority {
    pub fn new() -> Self {
        let mut params = CertificateParams::new([]).expect("no names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "Test authority");
        let key = KeyPair::generate().expect("a key");
        Self(CertifiedIssuer::self_signed(params, key).expect("a certificate"))
    }

    pub fn pem(&self) -> String {
        self.0.pem()
    }

    pub fn roots(&self) -> Roots {
        Roots::Pem(self.pem().into_bytes())
    }

    pub fn issue(&self, names: &[&str]) -> Files {
        self.issue_with(names, &rcgen::PKCS_ECDSA_P256_SHA256)
    }

    pub fn issue_with(&self, names: &[&str], algorithm: &'static SignatureAlgorithm) -> Files {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).expect("names");
        params.distinguished_name.push(DnType::CommonName, "a client, or a server");
        self.sign(&params, &KeyPair::generate_for(algorithm).expect("a key"))
    }

    pub fn sign(&self, params: &CertificateParams, key: &KeyPair) -> Files {
        let certificate = params.signed_by(key, &self.0).expect("a certificate");
        Files { certificate: certificate.pem(), key: key.serialize_pem() }
    }

    pub fn identity(&self, names: &[&str]) -> Arc<Identity> {
        self.issue(names).identity()
    }
}

impl Files {
    pub fn identity(&self) -> Arc<Identity> {
        let (certificate, key) = (self.certificate.as_bytes(), self.key.as_bytes());
        Arc::new(Identity::from_pem(certificate, key, None).expect("an identity"))
    }
}

pub fn server_setup(identities: Vec<Arc<Identity>>) -> ServerSetup {
    ServerSetup {
        identities,
        min_version: TlsVersion::Tls12,
        client_auth: ClientAuth::Off,
        alpn: vec![Alpn::H2, Alpn::Http11],
        tickets: Tickets::default(),
        challenges: Arc::default(),
    }
}

pub fn server(setup: ServerSetup) -> Arc<Server> {
    Arc::new(Server::new(setup).expect("a server"))
}

pub fn client_setup(authority: &Authority) -> ClientSetup {
    ClientSetup {
        roots: authority.roots(),
        identity: None,
        alpn: vec![Alpn::Http11],
        min_version: TlsVersion::Tls12,
        server_name: None,
    }
}

pub fn client(setup: ClientSetup) -> Client {
    Client::new(setup).expect("a client")
}

/// Runs a test on one thread.
pub fn run(test: impl Future<Output = ()>) {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_all().build().expect("a runtime").block_on(test);
}

/// Both ends of a TCP connection: the accepted one, and the one that connected.
pub async fn sockets() -> (Stream, Stream) {
    let (listener, address) = listen().await;
    let (accepted, connected) = tokio::join!(listener.accept(), Stream::connect(address));
    (Stream::new(accepted.expect("a client").0), connected.expect("a server"))
}

/// Both ends of an encrypted connection with their sessions, if the handshakes succeed.
pub struct Pair {
    pub server: (Stream, Result<Session, TlsError>),
    pub client: (Stream, Result<Session, TlsError>),
}

impl Pair {
    pub async fn handshake(server: &Arc<Server>, client: &Client, host: &str) -> Self {
        Self::over(sockets().await, server, client, host).await
    }

    /// The same over these sockets, the accepted one first.
    pub async fn over(
        (mut accepted, mut connected): (Stream, Stream),
        server: &Arc<Server>,
        client: &Client,
        host: &str,
    ) -> Self {
        accepted.accept_tls(server);
        connected.connect_tls(client, host).expect("a name");
        let at_server = async {
            let session = poll_fn(|context| accepted.poll_handshake(context)).await;
            (accepted, session)
        };
        let at_client = async {
            let session = poll_fn(|context| connected.poll_handshake(context)).await;
            (connected, session)
        };
        let (server, client) = tokio::join!(at_server, at_client);
        Self { server, client }
    }

    /// The two streams of a handshake that succeeded.
    #[track_caller]
    pub fn streams(self) -> (Stream, Stream) {
        self.server.1.expect("a session");
        self.client.1.expect("a session");
        (self.server.0, self.client.0)
    }
}

pub async fn read(stream: &mut Stream, buffer: &mut [u8]) -> std::io::Result<usize> {
    poll_fn(|context| stream.poll_read(context, buffer)).await
}

pub async fn write_all(stream: &mut Stream, mut bytes: &[u8]) {
    while !bytes.is_empty() {
        let count = poll_fn(|context| stream.poll_write(context, bytes)).await.expect("a peer");
        bytes = &bytes[count..];
    }
}

pub async fn close(stream: &mut Stream) {
    poll_fn(|context| stream.poll_shutdown(context)).await.expect("a peer");
}

/// A listening socket, and where it listens.
pub async fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    (listener, address)
}
