//! TLS for tests: an authority, and relays that let peers and servers that speak in the clear take
//! part in it.

use std::future::poll_fn;
use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, mpsc};
use std::task::{Context, Poll, ready};
use std::thread;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, SignatureAlgorithm,
};
use tidegate_core::model::ids::{ListenerName, PoolName};
use tidegate_core::model::tls::TlsVersion;
use tidegate_net::stream::Stream;
use tidegate_net::tls::Alpn;
use tidegate_net::tls::client::{Client, ClientSetup};
use tidegate_net::tls::contexts::Contexts;
use tidegate_net::tls::identity::Identity;
use tidegate_net::tls::roots::Roots;
use tidegate_net::tls::server::{ClientAuth, Server as TlsServer, ServerSetup};
use tidegate_net::tls::session::Session;
use tidegate_net::tls::tickets::Tickets;

use crate::world::*;

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

    pub fn files(&self, names: &[&str], algorithm: &'static SignatureAlgorithm) -> Files {
        self.files_called(names[0], names, algorithm)
    }

    fn files_called(
        &self,
        subject: &str,
        names: &[&str],
        algorithm: &'static SignatureAlgorithm,
    ) -> Files {
        let owned: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(owned).expect("names");
        params.distinguished_name.push(DnType::CommonName, subject);
        let key = KeyPair::generate_for(algorithm).expect("a key");
        let certificate = params.signed_by(&key, &self.0).expect("a certificate");
        Files { certificate: certificate.pem(), key: key.serialize_pem() }
    }

    pub fn identity(&self, names: &[&str]) -> Arc<Identity> {
        self.files(names, &rcgen::PKCS_ECDSA_P256_SHA256).identity(None)
    }

    /// Who a client is that has this as its subject.
    pub fn person(&self, subject: &str) -> Arc<Identity> {
        self.files_called(subject, &[], &rcgen::PKCS_ECDSA_P256_SHA256).identity(None)
    }

    /// A client that trusts this authority.
    pub fn client(&self) -> Client {
        self.client_with(|_| {})
    }

    pub fn client_with(&self, change: impl FnOnce(&mut ClientSetup)) -> Client {
        let mut setup = ClientSetup {
            roots: self.roots(),
            identity: None,
            alpn: vec![Alpn::Http11],
            min_version: TlsVersion::Tls12,
            server_name: None,
        };
        change(&mut setup);
        Client::new(setup).expect("a client")
    }
}

impl Files {
    pub fn identity(&self, ocsp: Option<Vec<u8>>) -> Arc<Identity> {
        let (certificate, key) = (self.certificate.as_bytes(), self.key.as_bytes());
        Arc::new(Identity::from_pem(certificate, key, ocsp).expect("an identity"))
    }
}

/// A server with these identities, changed as the test wants it.
pub fn server_with(
    identities: Vec<Arc<Identity>>,
    change: impl FnOnce(&mut ServerSetup),
) -> Arc<TlsServer> {
    let mut setup = ServerSetup {
        identities,
        min_version: TlsVersion::Tls12,
        client_auth: ClientAuth::Off,
        alpn: vec![Alpn::Http11],
        tickets: Tickets::default(),
        challenges: Arc::default(),
    };
    change(&mut setup);
    Arc::new(TlsServer::new(setup).expect("a server"))
}

/// Contexts in which the listener `web` is this server.
pub fn listening(server: &Arc<TlsServer>) -> Arc<Contexts> {
    let listeners = [(ListenerName::new("web"), Arc::clone(server))].into();
    Arc::new(Contexts { listeners, ..Contexts::default() })
}

/// Contexts in which the pool `app` speaks TLS to its servers.
pub fn reaching(client: Client) -> Arc<Contexts> {
    let pools = [(PoolName::new("app"), Arc::new(client))].into();
    Arc::new(Contexts { pools, ..Contexts::default() })
}

/// A peer whose bytes go to `address` through TLS, and the session; an error when there is none.
pub fn connect(
    address: SocketAddr,
    client: &Arc<Client>,
    host: &str,
) -> Result<(Peer, Session), String> {
    connect_after(b"", address, client, host)
}

/// The same, when something is said in the clear before the handshake.
pub fn connect_after(
    header: &'static [u8],
    address: SocketAddr,
    client: &Arc<Client>,
    host: &str,
) -> Result<(Peer, Session), String> {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let near = Peer::connect(listener.local_addr().expect("bound"));
    let far = listener.accept().expect("connected").0;
    let (client, host) = (Arc::clone(client), host.to_owned());
    let (sender, session) = mpsc::channel();
    thread::spawn(move || {
        run(async {
            let mut stream = Stream::connect(address).await.expect("a listener");
            // What is short, and the first, is taken whole.
            let sent = poll_fn(|context| stream.poll_write(context, header)).await;
            assert_eq!(sent.ok(), Some(header.len()));
            stream.connect_tls(&client, &host).expect("a name");
            let result = poll_fn(|context| stream.poll_handshake(context)).await;
            let failed = result.is_err();
            sender.send(result.map_err(|error| format!("{error:?}"))).expect("waited for");
            if !failed {
                relay(wrap(far), stream).await;
            }
        });
    });
    Ok((near, session.recv().expect("a result")?))
}

/// Where a server that speaks in the clear can be reached through TLS.
pub fn in_front_of(server: &Server, tls: &Arc<TlsServer>) -> SocketAddr {
    let (tls, behind) = (Arc::clone(tls), server.address);
    accepting(move |stream| run(cover(stream, &tls, behind)))
}

/// Where a server that speaks in the clear can be reached in either way.
pub struct EitherWay {
    pub address: SocketAddr,
    clear: Arc<AtomicUsize>,
    covered: Arc<AtomicUsize>,
}

impl EitherWay {
    pub fn in_front_of(behind: SocketAddr, tls: &Arc<TlsServer>) -> Self {
        let (clear, covered) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
        let (tls, counts) = (Arc::clone(tls), (Arc::clone(&clear), Arc::clone(&covered)));
        let address = accepting(move |stream| {
            let mut first = [0];
            match stream.peek(&mut first) {
                // A record of a handshake.
                Ok(1) if first == [22] => {
                    counts.1.fetch_add(1, SeqCst);
                    run(cover(stream, &tls, behind));
                }
                _ => {
                    counts.0.fetch_add(1, SeqCst);
                    run(async {
                        let plain = Stream::connect(behind).await.expect("a server");
                        relay(wrap(stream), plain).await;
                    });
                }
            }
        });
        Self { address, clear, covered }
    }

    /// Connections that came in the clear, and over TLS.
    pub fn connections(&self) -> (usize, usize) {
        (self.clear.load(SeqCst), self.covered.load(SeqCst))
    }
}

/// An address whose connections are taken by `take`, each on a thread of its own.
fn accepting(take: impl Fn(TcpStream) + Send + Sync + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("bound");
    let take = Arc::new(take);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let take = Arc::clone(&take);
            thread::spawn(move || take(stream));
        }
    });
    address
}

/// Takes a connection in through TLS, and leads it to a server that speaks in the clear.
async fn cover(stream: TcpStream, tls: &Arc<TlsServer>, behind: SocketAddr) {
    let mut stream = wrap(stream);
    stream.accept_tls(tls);
    if poll_fn(|context| stream.poll_handshake(context)).await.is_ok() {
        let plain = Stream::connect(behind).await.expect("a server");
        relay(stream, plain).await;
    }
}

fn run(future: impl Future<Output = ()>) {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_all().build().expect("a runtime").block_on(future);
}

fn wrap(stream: TcpStream) -> Stream {
    stream.set_nonblocking(true).expect("an option");
    Stream::new(tokio::net::TcpStream::from_std(stream).expect("a runtime"))
}

/// Moves bytes both ways until both ends have come, or one side fails.
async fn relay(mut one: Stream, mut other: Stream) {
    let (mut up, mut down) = (Flow::default(), Flow::default());
    poll_fn(|context| {
        let up = up.poll(&mut one, &mut other, context);
        let down = down.poll(&mut other, &mut one, context);
        match (up, down) {
            (Poll::Ready(Ok(())), Poll::Ready(Ok(())))
            | (Poll::Ready(Err(_)), _)
            | (_, Poll::Ready(Err(_))) => Poll::Ready(()),
            _ => Poll::Pending,
        }
    })
    .await;
}

#[derive(Default)]
struct Flow {
    bytes: Vec<u8>,
    ended: bool,
}

impl Flow {
    fn poll(
        &mut self,
        from: &mut Stream,
        to: &mut Stream,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            while !self.bytes.is_empty() {
                let count = ready!(to.poll_write(context, &self.bytes))?;
                self.bytes.drain(..count);
            }
            if self.ended {
                return to.poll_shutdown(context);
            }
            let mut buffer = [0; 16 * 1024];
            let count = ready!(from.poll_read(context, &mut buffer))?;
            self.ended = count == 0;
            self.bytes.extend_from_slice(&buffer[..count]);
        }
    }
}
