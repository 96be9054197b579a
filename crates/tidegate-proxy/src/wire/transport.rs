//! A connection as the HTTP/2 library wants it: a reader and a writer of bytes.
//!
//! Bytes that were read before it was known to carry HTTP/2 come first. What passes between the
//! library and a client is counted frame by frame; a client that overdraws its budget is read no
//! further, and whoever drives the connection finds out from [`Conduct`]. What is written leaves by
//! an [`Outlet`], when whoever drives the connection says so.

use std::cell::Cell;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use tidegate_core::admit::frame_budget::{Abuse, Direction, FrameBudget, TurnedAway};
use tidegate_core::time::Instant;
use tidegate_net::clock;
use tidegate_net::stream::Stream;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::outlet::Outlet;
use crate::held::Held;

/// Reads begin with this, and double while they are filled: a connection that says little touches
/// little of the buffer that the library has for it.
const READ_MIN: usize = 2 * 1024;

/// A connection that carries HTTP/2.
#[derive(Debug)]
pub(crate) struct Transport {
    outlet: Outlet,
    early: Held,
    /// Bytes of the next read.
    room: usize,
    /// Apart, so that opening a connection to a server, which any exchange may do, has no room for
    /// it.
    meter: Option<Box<Meter>>,
}

/// How a client has behaved so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct Conduct(Rc<Record>);

#[derive(Debug, Default)]
struct Record {
    abuse: Cell<Option<Abuse>>,
    fields_since: Cell<Option<Instant>>,
    turned_away: Cell<TurnedAway>,
}

impl Conduct {
    /// What the client did, if it has to go for it. Told once.
    pub(crate) fn take_abuse(&self) -> Option<Abuse> {
        self.0.abuse.take()
    }

    /// Since when it has been within a field block, if it is.
    pub(crate) fn fields_since(&self) -> Option<Instant> {
        self.0.fields_since.get()
    }

    /// Its streams that were turned away since this was asked before.
    pub(crate) fn take_turned_away(&self) -> TurnedAway {
        self.0.turned_away.take()
    }
}

/// Counts what passes.
#[derive(Debug)]
struct Meter {
    budget: FrameBudget,
    conduct: Conduct,
    overdrawn: bool,
}

impl Meter {
    fn observe(&mut self, direction: Direction, bytes: &[u8]) {
        if self.overdrawn {
            return;
        }
        if let Err(abuse) = self.budget.observe(direction, bytes, clock::now()) {
            self.overdrawn = true;
            self.conduct.0.abuse.set(Some(abuse));
        }
        self.conduct.0.fields_since.set(self.budget.fields_since());
        let (new, sum) = (self.budget.take_turned_away(), &self.conduct.0.turned_away);
        let before = sum.get();
        sum.set(TurnedAway {
            faulty: before.faulty + new.faulty,
            refused: before.refused + new.refused,
        });
    }
}

impl Transport {
    /// Takes over a connection to a server.
    pub(crate) fn to_server(stream: Stream) -> Self {
        Self { outlet: Outlet::new(stream), early: Held::default(), room: READ_MIN, meter: None }
    }

    /// Takes over the connection of a client, and the bytes that have been read from it already.
    pub(crate) fn from_client(stream: Stream, early: Held, conduct: Conduct) -> Self {
        let budget = FrameBudget::new(clock::now());
        let meter = Box::new(Meter { budget, conduct, overdrawn: false });
        Self { outlet: Outlet::new(stream), early, room: READ_MIN, meter: Some(meter) }
    }

    /// Where what is written to it waits.
    pub(crate) fn outlet(&self) -> Outlet {
        self.outlet.clone()
    }

    fn is_overdrawn(&self) -> bool {
        self.meter.as_ref().is_some_and(|meter| meter.overdrawn)
    }

    fn observe(&mut self, direction: Direction, bytes: &[u8]) {
        if let Some(meter) = &mut self.meter {
            meter.observe(direction, bytes);
        }
    }
}

impl AsyncRead for Transport {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.is_overdrawn() {
            return Poll::Pending;
        }
        let before = buffer.filled().len();
        if self.early.is_empty() {
            let room = self.room.min(buffer.remaining());
            let count =
                ready!(self.outlet.poll_read(context, buffer.initialize_unfilled_to(room)))?;
            buffer.advance(count);
            // A read that nearly fills its room has probably more behind it; encryption takes some.
            self.room = if count * 2 > room { self.room.saturating_mul(2) } else { READ_MIN };
        } else {
            let count = self.early.waiting().len().min(buffer.remaining());
            buffer.put_slice(&self.early.waiting()[..count]);
            self.early.consume(count);
        }
        self.observe(Direction::Received, &buffer.filled()[before..]);
        if self.is_overdrawn() {
            // The library has limits of its own, and might name another reason.
            buffer.set_filled(before);
            return Poll::Pending;
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Transport {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(context, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let count = ready!(self.outlet.poll_write(context, slices))?;
        let mut left = count;
        for slice in slices {
            let sent = slice.len().min(left);
            self.observe(Direction::Sent, &slice[..sent]);
            left -= sent;
        }
        Poll::Ready(Ok(count))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    /// The library asks after each longer frame; what waits leaves when the connection is driven.
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.outlet.poll_shutdown(context)
    }
}
