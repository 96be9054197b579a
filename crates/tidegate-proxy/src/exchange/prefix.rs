//! Step 4 of 8: as much of a request body as its route depends on. From `route`, and back.
//!
//! The bytes stay unread in the client's input, frames and all, and go on as if nobody had looked.
//! Of a body that does not end within the bytes that routing cares for, no more is read.

use std::task::{Context, Poll, ready};

use tidegate_core::http::body::Body;
use tidegate_core::http::chunked::Keep;
use tidegate_core::model::listener::Listener;
use tidegate_core::route::body::BodyView;
use tidegate_net::clock;

use super::local;
use super::state::Exchange;
use crate::downstream::client::Client;
use crate::error::Error;
use crate::worker::Worker;

/// What chunks may add to a body before it is no longer looked at.
const FRAMING_MAX: usize = 16 * 1024;

/// What routing gets to see.
#[derive(Debug)]
pub(super) enum Prefix {
    Whole(Vec<u8>),
    TooLarge,
}

impl Prefix {
    pub(super) fn view(&self) -> BodyView<'_> {
        match self {
            Self::Whole(data) => BodyView::Whole(data),
            Self::TooLarge => BodyView::TooLarge,
        }
    }
}

/// Waits for the whole body, if it has no more than `bytes`, within the time that a head may take.
pub(super) async fn read(
    worker: &Worker,
    client: &mut Client,
    x: &mut Exchange,
    listener: &Listener,
    bytes: usize,
) -> Result<Prefix, Error> {
    if x.body_is_undecided() {
        // Who waits for a word before the body would wait for ever.
        local::go_on(worker, client, x).map_err(|_| Error::ClientGone)?;
        x.head.settle_expectation();
    }
    let due = clock::now() + listener.limits.header_timeout;
    client.deadline.arm(due);
    let mut reader = Reader { body: Body::new(x.head.body()), seen: 0, data: Vec::new(), bytes };
    let whole = std::future::poll_fn(|context| match reader.poll(worker, client, x, context) {
        Poll::Pending if client.deadline.fired() => Poll::Ready(Err(Error::BodyTimeout)),
        poll => poll,
    })
    .await?;
    Ok(if whole { Prefix::Whole(reader.data) } else { Prefix::TooLarge })
}

/// Reads a body twice over: once for routing, and not at all for the exchange.
struct Reader {
    body: Body,
    /// Bytes of the client's input that went into `data`.
    seen: usize,
    data: Vec<u8>,
    bytes: usize,
}

impl Reader {
    /// True when the body is whole, false when it is too large.
    fn poll(
        &mut self,
        worker: &Worker,
        client: &mut Client,
        x: &mut Exchange,
        context: &mut Context<'_>,
    ) -> Poll<Result<bool, Error>> {
        loop {
            while !x.to_client.is_empty() {
                let waiting = x.to_client.waiting();
                let written = client.wire.poll_write(context, waiting, crate::wire::Part::More);
                let count = ready!(written).map_err(|_| Error::ClientGone)?;
                x.to_client.consume(count);
            }
            let mut fresh = client.input.waiting()[self.seen..].to_vec();
            let step = self.body.advance(&mut fresh, Keep::Data, &mut x.request_trailers)?;
            self.data.extend_from_slice(&fresh[..step.produced]);
            self.seen += step.consumed;
            x.request_trailers.clear();
            if self.data.len() > self.bytes || self.seen > self.bytes + FRAMING_MAX {
                return Poll::Ready(Ok(false));
            }
            if self.body.is_done() || client.wire.has_ended() {
                return Poll::Ready(Ok(true));
            }
            let mut scratch = worker.scratch();
            match ready!(client.wire.poll_read(context, &mut scratch)) {
                Ok(0) if matches!(self.body, Body::UntilEnd(_)) => return Poll::Ready(Ok(true)),
                Ok(count) if count > 0 => client.unread(worker, &scratch[..count]),
                _ => return Poll::Ready(Err(Error::ClientGone)),
            }
        }
    }
}
