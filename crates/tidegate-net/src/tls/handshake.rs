//! A handshake, from the first byte to the session.
//!
//! As a server we read the client's first message by itself, and choose by it who we are. As a
//! client we speak first; whatever a server says in the clear before its part of the handshake ends
//! it (security case G6), as every byte that is read goes through the library.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use rustls::server::{Accepted, Acceptor};
use rustls::{ClientConnection, Connection as Library, HandshakeKind, ProtocolVersion};
use tidegate_core::model::tls::TlsVersion;

use super::Alpn;
use super::client::Client;
use super::connection::{Connection, Writer};
use super::error::{SetupError, TlsError};
use super::identity::Identity;
use super::server::Server;
use super::session::{ClientCertificate, Session};
use crate::clock;
use crate::socket::Socket;

/// Bytes of one read: most first messages are whole in it.
const READ: usize = 4096;
/// The first byte of a handshake record (RFC 8446, section 5.1).
const HANDSHAKE_RECORD: u8 = 22;

/// A handshake.
pub(crate) struct Handshake {
    step: Step,
}

enum Step {
    /// Nothing has come yet.
    Fresh(Arc<Server>),
    /// The client's first message is coming.
    Hello(Arc<Server>, Box<Acceptor>),
    /// The rest. We know who we are, if we are the server.
    Rest(Option<Arc<Identity>>, Box<Library>),
    /// It is over.
    Done,
}

impl Handshake {
    /// One that a client begins.
    pub(crate) fn accept(server: &Arc<Server>) -> Self {
        Self { step: Step::Fresh(Arc::clone(server)) }
    }

    /// One that we begin, with the server at `host`.
    pub(crate) fn connect(client: &Client, host: &str) -> Result<Self, SetupError> {
        let name = client.name_for(host)?;
        let library = ClientConnection::new(Arc::clone(client.config()), name)?;
        Ok(Self { step: Step::Rest(None, Box::new(library.into())) })
    }

    /// Goes on as far as the socket lets it.
    pub(super) fn poll(
        &mut self,
        socket: &Socket,
        context: &mut Context<'_>,
    ) -> Poll<Result<(Connection, Session), TlsError>> {
        let mut buffer = [0; READ];
        loop {
            if let Step::Rest(_, library) = &mut self.step {
                ready!(poll_flush(library, socket, context))?;
                if !library.is_handshaking() {
                    return Poll::Ready(self.finish());
                }
            }
            let count = match ready!(socket.poll_read(context, &mut buffer)) {
                Ok(0) => return Poll::Ready(Err(TlsError::Closed)),
                Ok(count) => count,
                Err(error) => return Poll::Ready(Err(lost(error))),
            };
            self.advance(socket, &buffer[..count])?;
        }
    }

    fn advance(&mut self, socket: &Socket, mut bytes: &[u8]) -> Result<(), TlsError> {
        while !bytes.is_empty() {
            self.step = match std::mem::replace(&mut self.step, Step::Done) {
                Step::Fresh(_) if bytes[0] != HANDSHAKE_RECORD => return Err(TlsError::NotTls),
                Step::Fresh(server) => Step::Hello(server, Box::default()),
                Step::Hello(server, mut acceptor) => {
                    acceptor.read_tls(&mut bytes).map_err(lost)?;
                    match acceptor.accept() {
                        Ok(None) => Step::Hello(server, acceptor),
                        Ok(Some(accepted)) => choose(&server, accepted, socket)?,
                        Err((error, mut alert)) => {
                            // Best effort: the client may be gone.
                            let _ = alert.write_all(&mut Writer(socket));
                            return Err(error.into());
                        }
                    }
                }
                Step::Rest(identity, mut library) => {
                    feed(&mut library, socket, &mut bytes)?;
                    Step::Rest(identity, library)
                }
                Step::Done => return Err(TlsError::Closed),
            };
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<(Connection, Session), TlsError> {
        let Step::Rest(identity, library) = std::mem::replace(&mut self.step, Step::Done) else {
            return Err(TlsError::Closed);
        };
        let session = session(&library, identity)?;
        let connection = Connection::new(library).map_err(TlsError::Io)?;
        Ok((connection, session))
    }
}

/// Chooses who we are to the client, and answers it.
fn choose(server: &Server, accepted: Accepted, socket: &Socket) -> Result<Step, TlsError> {
    let (identity, config) = match server.choose(&accepted.client_hello()) {
        Some(chosen) => (Some(chosen.identity), chosen.config),
        None => (None, Arc::clone(server.bare())),
    };
    match (accepted.into_connection(config), identity) {
        (Ok(library), Some(identity)) => Ok(Step::Rest(Some(identity), Box::new(library.into()))),
        (Err((error, mut alert)), identity) => {
            // Best effort: the client may be gone.
            let _ = alert.write_all(&mut Writer(socket));
            Err(if identity.is_some() { error.into() } else { TlsError::NoIdentity })
        }
        (Ok(_), None) => Err(TlsError::NoIdentity),
    }
}

fn feed(library: &mut Library, socket: &Socket, bytes: &mut &[u8]) -> Result<(), TlsError> {
    if library.read_tls(bytes).map_err(lost)? == 0 {
        return Err(TlsError::Closed);
    }
    if let Err(error) = library.process_new_packets() {
        // The alert that says why. Best effort: the peer may be gone.
        let _ = library.write_tls(&mut Writer(socket));
        return Err(error.into());
    }
    Ok(())
}

fn poll_flush(
    library: &mut Library,
    socket: &Socket,
    context: &mut Context<'_>,
) -> Poll<Result<(), TlsError>> {
    while library.wants_write() {
        ready!(socket.poll_writable(context)).map_err(lost)?;
        match library.write_tls(&mut Writer(socket)) {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Poll::Ready(Err(lost(error))),
        }
    }
    Poll::Ready(Ok(()))
}

fn session(library: &Library, identity: Option<Arc<Identity>>) -> Result<Session, TlsError> {
    let server_name = match library {
        Library::Server(library) => library.server_name().map(str::to_ascii_lowercase),
        Library::Client(_) => None,
    };
    let client = match library.peer_certificates() {
        Some([leaf, ..]) if identity.is_some() => Some(ClientCertificate::parse(leaf)?),
        _ => None,
    };
    // A session may be resumed for half a day, in which the certificate may have expired.
    if client.as_ref().is_some_and(|client| client.not_after < clock::unix_time()) {
        return Err(TlsError::Certificate("it has expired since the session began".into()));
    }
    Ok(Session {
        server_name,
        alpn: library.alpn_protocol().and_then(Alpn::from_bytes),
        version: match library.protocol_version() {
            Some(ProtocolVersion::TLSv1_3) => TlsVersion::Tls13,
            _ => TlsVersion::Tls12,
        },
        resumed: library.handshake_kind() == Some(HandshakeKind::Resumed),
        client,
        identity,
    })
}

fn lost(error: io::Error) -> TlsError {
    match error.kind() {
        io::ErrorKind::ConnectionReset
        | io::ErrorKind::BrokenPipe
        | io::ErrorKind::UnexpectedEof => TlsError::Closed,
        _ => TlsError::Io(error),
    }
}

impl fmt::Debug for Handshake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Handshake")
    }
}
