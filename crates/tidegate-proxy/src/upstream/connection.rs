//! Step 7 of 8: a connection to a server. From `connections` or `connect`, to the relay.
//!
//! On HTTP/1 one connection carries one exchange at a time. It may be kept for another only at a
//! message boundary: the request was sent whole, the response was read whole, and nothing came
//! behind it. [`Connection::rest`] is the one way to say so. On HTTP/2 it is one stream of a
//! `trunk`.

use bytes::Bytes;
use h2::client::SendRequest;
use tidegate_core::model::server::ServerId;
use tidegate_core::time::Instant;
use tidegate_net::stream::Stream;

use super::trunk::Berth;
use crate::held::Held;
use crate::wire::Wire;

/// A connection to a server.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) wire: Wire,
    pub(crate) server: ServerId,
    /// The part of a response head that has come.
    pub(crate) head: Held,
    /// Whether it carried an exchange before this one.
    pub(crate) reused: bool,
    /// Its place among the others, on a connection that carries many.
    berth: Option<Berth>,
}

/// A connection at a message boundary.
#[derive(Debug)]
pub(crate) struct Resting {
    connection: Connection,
    pub(super) since: Instant,
}

impl Connection {
    /// A connection that was just opened.
    pub(crate) fn new(stream: Stream, server: ServerId) -> Self {
        let wire = Wire::Socket(stream);
        Self { wire, server, head: Held::default(), reused: false, berth: None }
    }

    /// A stream that is about to begin.
    pub(crate) fn offered(offer: SendRequest<Bytes>, berth: Berth, server: ServerId) -> Self {
        let wire = Wire::Offer(offer);
        Self { wire, server, head: Held::default(), reused: true, berth: Some(berth) }
    }

    /// Sees to it that nothing else goes over a connection that seems dead, or on its way out.
    pub(crate) fn distrust(&self) {
        if let Some(berth) = &self.berth {
            berth.close_trunk();
        }
    }

    /// Declares a message boundary. The relay calls it when it has seen both messages end.
    pub(crate) fn rest(mut self, since: Instant) -> Resting {
        debug_assert!(self.head.is_empty(), "bytes beyond the response were left");
        self.head = Held::default();
        self.reused = true;
        Resting { connection: self, since }
    }
}

impl Resting {
    /// Whether the server has left it alone: no byte has come, and it is open as far as the kernel
    /// has said.
    pub(super) fn is_quiet(&mut self) -> bool {
        match &mut self.connection.wire {
            Wire::Socket(stream) => stream.is_quiet(),
            Wire::Stream(_) | Wire::Offer(_) | Wire::Sink => false,
        }
    }

    /// Takes it up again.
    pub(super) fn wake(self) -> Connection {
        self.connection
    }

    pub(super) const fn server(&self) -> ServerId {
        self.connection.server
    }
}
