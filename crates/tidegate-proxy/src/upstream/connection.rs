//! Step 7 of 8: a connection to a server. From `connections` or `connect`, to the relay.
//!
//! One connection carries one exchange at a time. It may be kept for another only at a message
//! boundary: the request was sent whole, the response was read whole, and nothing came behind it.
//! [`Connection::rest`] is the one way to say so.

use tidegate_core::model::server::ServerId;
use tidegate_core::time::Instant;
use tidegate_net::stream::Stream;

use crate::held::Held;

/// A connection to a server.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) stream: Stream,
    pub(crate) server: ServerId,
    /// The part of a response head that has come.
    pub(crate) head: Held,
    /// Whether it carried an exchange before this one.
    pub(crate) reused: bool,
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
        Self { stream, server, head: Held::default(), reused: false }
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
        self.connection.stream.is_quiet()
    }

    /// Takes it up again.
    pub(super) fn wake(self) -> Connection {
        self.connection
    }

    pub(super) const fn server(&self) -> ServerId {
        self.connection.server
    }
}
