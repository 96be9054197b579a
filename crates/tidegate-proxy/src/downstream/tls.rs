//! Step 2 of 8: the handshake of a client that speaks TLS. Between `accept` and `client`.
//!
//! It has a time of its own, and is counted by how it ends. A client that speaks in the clear is
//! told so, as far as one word goes.

use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;

use tidegate_core::admit::misdirected::{Direction, is_misdirected};
use tidegate_core::http::client_certificate;
use tidegate_core::model::tls::TlsVersion;
use tidegate_core::telemetry::handshake::Handshake;
use tidegate_core::telemetry::listener::ListenerCells;
use tidegate_core::time::Instant;
use tidegate_net::clock;
use tidegate_net::tls::error::TlsError;
use tidegate_net::tls::server::Server;
use tidegate_net::tls::session::Session;

use super::client::Client;
use crate::wire::{Part, Wire};
use crate::worker::Worker;

/// What a client that does not speak TLS is told.
const NOT_TLS: &[u8] = b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\n\
    Content-Length: 34\r\nConnection: close\r\n\r\n400 Bad Request: this port is TLS\n";

/// What is known of a client because its connection is encrypted.
#[derive(Debug)]
pub(crate) struct Secure {
    pub(crate) session: Session,
    /// The fields that tell servers who the client is; empty when it showed no certificate.
    pub(crate) fields: Vec<u8>,
    server: Arc<Server>,
}

impl Secure {
    fn new(session: Session, server: Arc<Server>) -> Self {
        let mut fields = Vec::new();
        if let Some(client) = &session.client {
            client_certificate::write(&client.der, &client.subject, &mut fields);
        }
        Self { session, fields, server }
    }

    /// Whether a request for `host` has no place on this connection.
    pub(crate) fn misdirects(&self, host: &str) -> bool {
        let server_name = self.session.server_name.as_deref();
        if server_name == Some(host) {
            return false;
        }
        is_misdirected(&Direction {
            host,
            server_name,
            covered: self.session.identity.as_ref().is_some_and(|shown| shown.covers(host)),
            known: self.server.resolver().covers(host),
            asks_for_certificate: self.server.asks_for_certificate(),
        })
    }
}

/// Takes a client through its handshake, if its listener speaks TLS. `None` when the connection is
/// over.
pub(crate) async fn secure(
    worker: &Worker,
    client: &mut Client,
    cells: &ListenerCells,
) -> Option<()> {
    let contexts = worker.shared.contexts.load();
    let Some(server) = contexts.listeners.get(&client.origin.listener).map(Arc::clone) else {
        return is_plain(worker, client).then_some(());
    };
    drop(contexts);
    let due = clock::now() + handshake_timeout(worker, client)?;
    let Wire::Socket(stream) = &mut client.wire else { return None };
    stream.accept_tls(&server);
    let ended = handshake(client, due).await;
    cells.handshake(kind(&ended));
    match ended {
        Some(Ok(session)) => {
            // Nobody shares it yet: there has been no request.
            Rc::get_mut(&mut client.origin)?.secure = Some(Box::new(Secure::new(session, server)));
            Some(())
        }
        Some(Err(TlsError::NotTls)) => {
            answer_in_the_clear(client).await;
            client.linger(worker).await;
            None
        }
        _ => None,
    }
}

/// Whether the listener is meant to be spoken to in the clear: one that is not, and has no
/// certificate yet, serves nobody.
fn is_plain(worker: &Worker, client: &Client) -> bool {
    let view = worker.view();
    let listener = view.snapshot.listener_index(&client.origin.listener);
    listener.is_some_and(|index| view.snapshot.listener(index).tls.is_none())
}

fn handshake_timeout(worker: &Worker, client: &Client) -> Option<tidegate_core::time::Duration> {
    let view = worker.view();
    let listener = view.snapshot.listener_index(&client.origin.listener)?;
    Some(view.snapshot.listener(listener).limits.handshake_timeout)
}

/// Runs the handshake; `None` when it is not over when it is due.
async fn handshake(client: &mut Client, due: Instant) -> Option<Result<Session, TlsError>> {
    client.deadline.arm(due);
    let Client { wire: Wire::Socket(stream), deadline, .. } = client else { return None };
    std::future::poll_fn(|context| {
        deadline.attach(context.waker());
        if let Poll::Ready(result) = stream.poll_handshake(context) {
            return Poll::Ready(Some(result));
        }
        if deadline.fired() {
            if clock::now() >= due {
                return Poll::Ready(None);
            }
            deadline.arm(due);
        }
        Poll::Pending
    })
    .await
}

/// One attempt is enough: nothing was sent before, so the socket takes it.
async fn answer_in_the_clear(client: &mut Client) {
    std::future::poll_fn(|context| {
        // The client may be gone.
        let _ = client.wire.poll_write(context, NOT_TLS, Part::Last);
        Poll::Ready(())
    })
    .await;
}

const fn kind(ended: &Option<Result<Session, TlsError>>) -> Handshake {
    match ended {
        Some(Ok(session)) => match (session.version, session.resumed) {
            (TlsVersion::Tls12, false) => Handshake::Full12,
            (TlsVersion::Tls12, true) => Handshake::Resumed12,
            (TlsVersion::Tls13, false) => Handshake::Full13,
            (TlsVersion::Tls13, true) => Handshake::Resumed13,
        },
        None => Handshake::Timeout,
        Some(Err(error)) => match error {
            TlsError::Closed | TlsError::Io(_) => Handshake::Closed,
            TlsError::NotTls => Handshake::NotTls,
            TlsError::Incompatible(_) => Handshake::Incompatible,
            TlsError::Certificate(_) => Handshake::Certificate,
            TlsError::NoIdentity => Handshake::NoCertificate,
            TlsError::Refused(_) => Handshake::Refused,
            TlsError::Protocol(_) => Handshake::Protocol,
        },
    }
}
