//! Step 2 of 8: a client, for an exchange. From `accept`, to `h1` or `h2`.
//!
//! On HTTP/1 that is a connection: what it owns between two requests is its socket, its deadline,
//! and who is at the other end; no buffer. On HTTP/2 it is a stream, which lives for one exchange
//! and shares who is at the other end with its siblings.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use tidegate_core::http::scheme::Scheme;
use tidegate_core::model::ids::ListenerName;
use tidegate_core::model::listener::ListenerLimits;
use tidegate_core::model::pool::ProxyVersion;
use tidegate_core::telemetry::refusal::Refusal;
use tidegate_core::time::{Duration, Instant};
use tidegate_core::wire::proxy_protocol::Header;
use tidegate_net::clock;
use tidegate_net::tls::Alpn;

use crate::deadlines::Deadline;
use crate::downstream::accept::Admission;
use crate::downstream::tls::Secure;
use crate::exchange::session::Seen;
use crate::held::Held;
use crate::wire::Wire;
use crate::worker::Worker;

/// How much of what a client still sends is read away before its connection is closed.
pub(crate) const DRAIN_BYTES: usize = 64 * 1024;
/// How long that may take.
pub(crate) const DRAIN_TIME: Duration = Duration::from_secs(1);

/// A client.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) wire: Wire,
    /// Bytes read and not yet understood: the rest of a head, a body, or requests behind the
    /// current one.
    pub(crate) input: Held,
    pub(crate) deadline: Deadline,
    pub(crate) origin: Rc<Origin>,
}

/// Where a connection comes from, for all that comes over it: as the socket shows it, or as a
/// trusted PROXY header says.
#[derive(Debug)]
pub(crate) struct Origin {
    pub(crate) peer: IpAddr,
    pub(crate) port: u16,
    /// What the client connected to.
    pub(crate) destination: SocketAddr,
    pub(crate) listener: ListenerName,
    /// What is known because the connection is encrypted; `None`: it is not.
    pub(crate) secure: Option<Box<Secure>>,
    /// When the connection should be asked to go.
    pub(crate) retire_at: Instant,
    /// The session cookie that came over it last.
    pub(crate) seen: Seen,
    /// Counts it against the limits while it lives.
    pub(crate) admission: Admission,
}

impl Client {
    /// Puts bytes behind the unread ones.
    pub(crate) fn unread(&mut self, worker: &Worker, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        worker.lend(&mut self.input);
        self.input.append(bytes);
    }

    /// Whether the connection should not be kept for another request.
    pub(crate) fn is_retiring(&self, worker: &Worker, now: Instant) -> bool {
        worker.stopping.get() || self.deadline.is_dismissed() || now >= self.origin.retire_at
    }

    /// Closes our side, then reads away what the client still sends: closing with unread bytes
    /// would reset the connection, and the client could lose the response (RFC 9112, section 9.6).
    pub(crate) async fn linger(&mut self, worker: &Worker) {
        let due = clock::now() + DRAIN_TIME;
        self.deadline.arm(due);
        let mut left = DRAIN_BYTES;
        std::future::poll_fn(|context| {
            // A peer that is gone already needs no farewell.
            let _ = self.wire.poll_shutdown(context);
            match self.poll_discard(worker, context, &mut left) {
                Poll::Pending if self.deadline.fired() => Poll::Ready(()),
                Poll::Pending => Poll::Pending,
                Poll::Ready(_) => Poll::Ready(()),
            }
        })
        .await;
    }

    /// Reads and forgets until the client closes, fails, or `left` bytes have come.
    fn poll_discard(
        &mut self,
        worker: &Worker,
        context: &mut Context<'_>,
        left: &mut usize,
    ) -> Poll<io::Result<()>> {
        let mut scratch = worker.scratch();
        while *left > 0 {
            let count = ready!(self.wire.poll_read(context, &mut scratch))?;
            if count == 0 {
                break;
            }
            *left = left.saturating_sub(count);
        }
        Poll::Ready(Ok(()))
    }
}

impl Origin {
    /// The scheme of its requests.
    pub(crate) const fn scheme(&self) -> Scheme {
        if self.secure.is_some() { Scheme::Https } else { Scheme::Http }
    }

    /// Whether HTTP/2 was agreed on in the handshake.
    pub(super) fn speaks_http2(&self) -> bool {
        self.secure.as_ref().is_some_and(|secure| secure.session.alpn == Some(Alpn::H2))
    }

    /// Counts the connection against the limit of its client, once that is known.
    pub(super) fn admit(
        &mut self,
        worker: &Worker,
        limits: &ListenerLimits,
    ) -> Result<(), Refusal> {
        worker.shared.census.admit_client(&mut self.admission, &self.listener, self.peer, limits)
    }

    /// The PROXY header that tells a server of it.
    pub(crate) fn proxy_header(&self, version: ProxyVersion) -> Vec<u8> {
        let source = SocketAddr::new(self.peer, self.port);
        let (ip, port) = (self.destination.ip().to_canonical(), self.destination.port());
        Header::Proxied { source, destination: SocketAddr::new(ip, port) }.to_bytes(version)
    }
}
