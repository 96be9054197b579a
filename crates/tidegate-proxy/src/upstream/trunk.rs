//! Step 7 of 8: an HTTP/2 connection to a server, which carries many exchanges at once. From
//! `trunks` or `connect`, to the relay.
//!
//! A task of its own drives it until it ends. An exchange has a berth on it, which counts as long
//! as its stream lives; there is no message boundary to look for.

use std::cell::Cell;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::Poll;

use bytes::Bytes;
use h2::client::{self, SendRequest};
use tidegate_core::time::Instant;
use tidegate_net::stream::Stream;
use tidegate_net::task;

use crate::error::Error;
use crate::wire::transport::Transport;

/// Bytes that a server may send ahead on one stream. A connection bears that for all its streams,
/// so that one slow client never holds up another's.
const STREAM_WINDOW: u32 = 128 * 1024;
const CONNECTION_WINDOW: u32 = STREAM_WINDOW * STREAMS_MAX;
/// Streams on one connection, if the server allows as many.
const STREAMS_MAX: u32 = 100;
/// Request bytes that one stream may have waiting in the connection.
const SEND_BUFFER: usize = 128 * 1024;
/// The most that the fields of a response may take, in the library's count.
const HEADER_LIST: u32 = 128 * 1024;

/// A connection.
#[derive(Debug)]
pub(crate) struct Trunk {
    offer: SendRequest<Bytes>,
    is_tls: bool,
    streams: Cell<u32>,
    /// It takes no more streams.
    closed: Cell<bool>,
    /// Since when it has been seen without streams.
    idle_since: Cell<Option<Instant>>,
}

/// The place of one exchange on a connection.
#[derive(Debug)]
pub(crate) struct Berth(Rc<Trunk>);

impl Trunk {
    /// Begins HTTP/2 on a connection that was just opened, and waits for the server's settings:
    /// they say how many streams it bears, and that it speaks HTTP/2 at all.
    pub(crate) async fn open(stream: Stream) -> Result<Rc<Self>, Error> {
        let is_tls = stream.is_tls();
        let transport = Transport::to_server(stream);
        let outlet = transport.outlet();
        let mut builder = client::Builder::new();
        builder
            .enable_push(false)
            .initial_max_send_streams(0)
            .initial_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_send_buffer_size(SEND_BUFFER)
            .max_header_list_size(HEADER_LIST);
        let shaken = outlet.drive(builder.handshake::<_, Bytes>(transport)).await;
        let (offer, mut connection) = shaken.map_err(|_| Error::Connect)?;
        let settled =
            std::future::poll_fn(|context| match Pin::new(&mut connection).poll(context) {
                Poll::Ready(_) => Poll::Ready(Err(Error::Connect)),
                Poll::Pending if offer.current_max_send_streams() > 0 => Poll::Ready(Ok(())),
                Poll::Pending => Poll::Pending,
            });
        outlet.drive(settled).await?;
        let trunk = Rc::new(Self {
            offer,
            is_tls,
            streams: Cell::new(0),
            closed: Cell::new(false),
            idle_since: Cell::new(None),
        });
        let driven = Rc::downgrade(&trunk);
        task::spawn_local("trunk", move || async move {
            // Its streams have been told what ended it.
            let _ = outlet.drive(connection).await;
            if let Some(trunk) = driven.upgrade() {
                trunk.closed.set(true);
            }
        });
        Ok(trunk)
    }

    /// A berth, if there is one.
    pub(super) fn take(self: &Rc<Self>) -> Option<(SendRequest<Bytes>, Berth)> {
        let allowed = self.offer.current_max_send_streams().min(STREAMS_MAX as usize);
        if self.closed.get() || self.streams.get() as usize >= allowed {
            return None;
        }
        self.streams.set(self.streams.get() + 1);
        self.idle_since.set(None);
        Some((self.offer.clone(), Berth(Rc::clone(self))))
    }

    /// Whether it takes no more streams.
    pub(super) fn is_closed(&self) -> bool {
        self.closed.get()
    }

    /// Whether it is encrypted.
    pub(super) fn is_tls(&self) -> bool {
        self.is_tls
    }

    /// Since when it has had no stream; asked now and then, it notes the first time.
    pub(super) fn idle_since(&self, now: Instant) -> Option<Instant> {
        if self.streams.get() > 0 {
            return None;
        }
        let since = self.idle_since.get().unwrap_or(now);
        self.idle_since.set(Some(since));
        Some(since)
    }
}

impl Berth {
    /// Sees to it that no further exchange goes over this connection.
    pub(crate) fn close_trunk(&self) {
        self.0.closed.set(true);
    }
}

impl Drop for Berth {
    fn drop(&mut self) {
        self.0.streams.set(self.0.streams.get() - 1);
    }
}
