//! What carries one side of an exchange: a connection of its own, or a stream of an HTTP/2
//! connection that others share.
//!
//! Either is a pair of byte streams to the relay, with the same back-pressure. What differs is
//! outside of the bytes: a stream brings its heads and trailers apart from them, and says itself
//! where a body ends.

mod duplex;
pub(crate) mod fields;
pub(crate) mod outlet;
pub(crate) mod transport;

use std::io::{self, IoSlice};
use std::task::{Context, Poll};

use bytes::Bytes;
use h2::client::SendRequest;
use tidegate_net::stream::Stream;

pub(crate) use duplex::Duplex;

/// One side of an exchange.
#[derive(Debug)]
pub(crate) enum Wire {
    /// A connection that carries HTTP/1 messages, heads and frames within the bytes.
    Socket(Stream),
    /// A stream of HTTP/2.
    Stream(Box<Duplex>),
    /// A connection to a server on which a stream is about to begin.
    Offer(SendRequest<Bytes>),
    /// Nobody: sends nothing, takes everything, never leaves, and minds no form.
    Sink,
}

/// Whether bytes end what their sender has to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// More will follow, or a trailer.
    More,
    /// Nothing follows.
    Last,
}

/// What there is to know of a peer that has nothing more to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Presence {
    /// It sent something early.
    Ahead,
    /// It is gone.
    Gone,
}

impl Wire {
    /// Reads into `buffer`, which must not be empty; 0 at the end.
    pub(crate) fn poll_read(
        &mut self,
        context: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        match self {
            Self::Socket(stream) => stream.poll_read(context, buffer),
            Self::Stream(duplex) => duplex.poll_read(context, buffer),
            Self::Sink => Poll::Pending,
            Self::Offer(_) => Poll::Ready(Err(io::ErrorKind::NotConnected.into())),
        }
    }

    /// Writes what is taken of `bytes`.
    pub(crate) fn poll_write(
        &mut self,
        context: &mut Context<'_>,
        bytes: &[u8],
        part: Part,
    ) -> Poll<io::Result<usize>> {
        match self {
            Self::Socket(stream) => stream.poll_write(context, bytes),
            Self::Stream(duplex) => duplex.poll_write(context, bytes, part),
            Self::Sink => Poll::Ready(Ok(bytes.len())),
            Self::Offer(_) => Poll::Ready(Err(io::ErrorKind::NotConnected.into())),
        }
    }

    /// Writes what is taken of two slices. A stream takes of the first alone.
    pub(crate) fn poll_write_both(
        &mut self,
        context: &mut Context<'_>,
        first: &[u8],
        second: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self {
            Self::Socket(stream) => {
                stream.poll_write_vectored(context, &[IoSlice::new(first), IoSlice::new(second)])
            }
            other => other.poll_write(context, first, Part::More),
        }
    }

    /// How many bytes are best offered for writing at once.
    pub(crate) const fn write_size(&self) -> usize {
        match self {
            Self::Socket(stream) => stream.write_size(),
            _ => usize::MAX,
        }
    }

    /// Closes our side.
    pub(crate) fn poll_shutdown(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Socket(stream) => stream.poll_shutdown(context),
            Self::Stream(duplex) => Poll::Ready(duplex.finish(&[])),
            Self::Offer(_) | Self::Sink => Poll::Ready(Ok(())),
        }
    }

    /// Waits until a peer that has nothing more to send does something.
    pub(crate) fn poll_presence(&mut self, context: &mut Context<'_>) -> Poll<Presence> {
        match self {
            Self::Socket(stream) => stream.poll_peek(context).map(|peeked| match peeked {
                Ok(true) => Presence::Ahead,
                _ => Presence::Gone,
            }),
            Self::Stream(duplex) => duplex.poll_reset(context).map(|()| Presence::Gone),
            Self::Offer(_) | Self::Sink => Poll::Pending,
        }
    }

    /// Waits until something can be read, or the peer has closed.
    pub(crate) fn poll_readable(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self {
            Self::Socket(stream) => stream.poll_readable(context),
            Self::Stream(_) | Self::Offer(_) | Self::Sink => Poll::Pending,
        }
    }

    /// Ends a message whose end is not in its bytes, with the trailer fields in `lines`. Does
    /// nothing a second time.
    pub(crate) fn finish(&mut self, lines: &[u8]) -> io::Result<()> {
        match self {
            Self::Stream(duplex) => duplex.finish(lines),
            Self::Socket(_) | Self::Offer(_) | Self::Sink => Ok(()),
        }
    }

    /// Whether all that the peer had to say has been read, as far as the wire itself can tell.
    pub(crate) fn has_ended(&self) -> bool {
        match self {
            Self::Stream(duplex) => duplex.has_ended(),
            Self::Socket(_) | Self::Offer(_) | Self::Sink => false,
        }
    }

    /// The trailer fields that came, as lines with an empty one behind them.
    pub(crate) fn take_trailers(&mut self) -> Vec<u8> {
        match self {
            Self::Stream(duplex) => duplex.take_trailers(),
            Self::Socket(_) | Self::Offer(_) | Self::Sink => Vec::new(),
        }
    }

    /// Whether it is a connection that is encrypted.
    pub(crate) const fn is_tls(&self) -> bool {
        match self {
            Self::Socket(stream) => stream.is_tls(),
            Self::Stream(_) | Self::Offer(_) | Self::Sink => false,
        }
    }

    /// Whether messages come and go in the form of HTTP/1.
    pub(crate) const fn is_socket(&self) -> bool {
        matches!(self, Self::Socket(_) | Self::Sink)
    }
}
