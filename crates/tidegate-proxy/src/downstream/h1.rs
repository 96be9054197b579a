//! Step 3 of 8: read requests off a client connection, one after the other. From `client`, to the
//! exchange.
//!
//! Between requests the connection waits without a buffer. A head is scanned as it comes and parsed
//! once it is whole; what follows it stays in the client's input, for the body or for the next
//! request. After a request that was refused as malformed nothing more is read from the connection.
//! A connection that opens with the preface of HTTP/2 (RFC 9113, section 3.4) is handed on.

use std::rc::Rc;
use std::task::{Context, Poll};

use tidegate_core::http::parse;
use tidegate_core::http::scan::Scan;
use tidegate_core::http::scheme::Scheme;
use tidegate_core::model::listener::ListenerLimits;
use tidegate_core::telemetry::listener::ListenerCells;
use tidegate_core::time::Instant;
use tidegate_net::clock;

use super::client::Client;
use crate::error::Error;
use crate::exchange::state::Exchange;
use crate::exchange::{Next, serve};
use crate::worker::Worker;

/// What the preface of HTTP/2 looks like to a reader of HTTP/1: a head. Six bytes follow it.
const PREFACE_HEAD: &[u8] = b"PRI * HTTP/2.0\r\n\r\n";

/// How requests on HTTP/1 ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// The connection is over.
    Closed,
    /// The client speaks HTTP/2; what it has said is in its input.
    WithPreface,
}

/// Serves a connection until it closes or turns out to speak HTTP/2.
pub(crate) async fn serve(
    worker: &Rc<Worker>,
    client: &mut Client,
    cells: &ListenerCells,
) -> Ended {
    std::future::poll_fn(|context| {
        client.deadline.attach(context.waker());
        Poll::Ready(())
    })
    .await;
    let mut idle_since = clock::now();
    let mut place = Place::First;
    while wait(worker, client, idle_since).await {
        let mut exchange = worker.take_exchange();
        let next = serve_one(worker, client, &mut exchange, cells, place).await;
        if exchange.bytes_in > 0 {
            // Records that carry no request prolong nothing.
            place = Place::Later;
            idle_since = exchange.ended();
        }
        worker.give_exchange(exchange);
        worker.reclaim(&mut client.input);
        match next {
            Some(Next::Request) => {}
            Some(Next::Close) => break,
            Some(Next::Linger) => {
                client.linger(worker).await;
                break;
            }
            None => return Ended::WithPreface,
        }
    }
    Ended::Closed
}

/// Where a request stands among those of its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    First,
    Later,
}

/// Waits for the first byte of a request. False when the connection should close instead.
async fn wait(worker: &Worker, client: &Client, now: Instant) -> bool {
    let Some(due) = wait_until(worker, client, now) else { return false };
    client.deadline.arm(due);
    client.deadline.set_idle(Some(now));
    let ready = std::future::poll_fn(|context| poll_wait(worker, client, due, context)).await;
    client.deadline.set_idle(None);
    ready
}

/// Until when the client may take its time; `None` when its listener is gone.
fn wait_until(worker: &Worker, client: &Client, now: Instant) -> Option<Instant> {
    let view = worker.view();
    let listener = view.snapshot.listener_index(&client.origin.listener)?;
    let idle = view.snapshot.listener(listener).limits.idle_timeout;
    Some((now + idle).min(client.origin.retire_at))
}

fn poll_wait(
    worker: &Worker,
    client: &Client,
    due: Instant,
    context: &mut Context<'_>,
) -> Poll<bool> {
    if !client.input.is_empty() {
        return Poll::Ready(true);
    }
    if let Poll::Ready(result) = client.wire.poll_readable(context) {
        return Poll::Ready(result.is_ok());
    }
    if client.is_retiring(worker, Instant::ZERO) {
        return Poll::Ready(false);
    }
    if client.deadline.fired() {
        if clock::now() >= due {
            return Poll::Ready(false);
        }
        client.deadline.arm(due);
    }
    Poll::Pending
}

/// Serves one request; `None` when the client opens with the preface of HTTP/2 instead.
async fn serve_one(
    worker: &Rc<Worker>,
    client: &mut Client,
    exchange: &mut Exchange,
    cells: &ListenerCells,
    place: Place,
) -> Option<Next> {
    let view = worker.view();
    let Some(listener) = view.snapshot.listener_index(&client.origin.listener) else {
        return Some(Next::Close);
    };
    let limits = &view.snapshot.listener(listener).limits;
    exchange.started = clock::now();
    let due = exchange.started + limits.header_timeout;
    client.deadline.arm(due);
    let scheme = client.origin.scheme();
    let mut reader = HeadReader { worker, limits, scheme, due, place, scan: Scan::default() };
    let head = std::future::poll_fn(|context| reader.poll(client, exchange, context)).await;
    let next = match head {
        Ok(Came::End) => Next::Close,
        Ok(Came::Nothing) => Next::Request,
        Ok(Came::Preface) => return None,
        Ok(Came::Head) => {
            cells.requests.increment();
            serve::run(worker, &view, listener, client, exchange).await
        }
        Err(error) => serve::refuse(worker, &view, listener, client, exchange, error).await,
    };
    Some(next)
}

/// What came when a client had something to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Came {
    /// A head, which is in the exchange.
    Head,
    /// The end of the connection, before a byte of a request.
    End,
    /// Nothing after all: a socket may be called readable when it is not, and a new one always is.
    Nothing,
    /// The preface of HTTP/2, which is in the client's input.
    Preface,
}

/// Reads one request head.
struct HeadReader<'a> {
    worker: &'a Worker,
    limits: &'a ListenerLimits,
    scheme: Scheme,
    due: Instant,
    place: Place,
    scan: Scan,
}

impl HeadReader<'_> {
    fn poll(
        &mut self,
        client: &mut Client,
        exchange: &mut Exchange,
        context: &mut Context<'_>,
    ) -> Poll<Result<Came, Error>> {
        if !client.input.is_empty()
            && let Some(came) = self.take_from_input(client, exchange)?
        {
            return Poll::Ready(Ok(came));
        }
        loop {
            let mut scratch = self.worker.scratch();
            match client.wire.poll_read(context, &mut scratch) {
                Poll::Ready(Ok(count)) if count > 0 => {
                    if let Some(came) = self.take(client, exchange, &scratch[..count])? {
                        return Poll::Ready(Ok(came));
                    }
                }
                Poll::Ready(_) if client.input.is_empty() => return Poll::Ready(Ok(Came::End)),
                Poll::Ready(_) => return Poll::Ready(Err(Error::ClientGone)),
                Poll::Pending if client.input.is_empty() => return Poll::Ready(Ok(Came::Nothing)),
                Poll::Pending => return self.check_time(client),
            }
        }
    }

    fn check_time(&self, client: &Client) -> Poll<Result<Came, Error>> {
        if client.deadline.fired() {
            if clock::now() >= self.due {
                return Poll::Ready(Err(Error::HeaderTimeout));
            }
            client.deadline.arm(self.due);
        }
        Poll::Pending
    }

    /// Takes bytes that were just read.
    fn take(
        &mut self,
        client: &mut Client,
        exchange: &mut Exchange,
        bytes: &[u8],
    ) -> Result<Option<Came>, Error> {
        if !client.input.is_empty() {
            client.input.append(bytes);
            return self.take_from_input(client, exchange);
        }
        let Some(length) = self.find_end(bytes)? else {
            client.unread(self.worker, bytes);
            return Ok(None);
        };
        let came = self.parse(&bytes[..length], exchange)?;
        let taken = if came == Came::Head { length } else { 0 };
        client.unread(self.worker, &bytes[taken..]);
        Ok(Some(came))
    }

    /// Takes a head from the bytes that wait already.
    fn take_from_input(
        &mut self,
        client: &mut Client,
        exchange: &mut Exchange,
    ) -> Result<Option<Came>, Error> {
        let bytes = client.input.waiting();
        let Some(length) = self.find_end(bytes)? else { return Ok(None) };
        let came = self.parse(&bytes[..length], exchange)?;
        if came == Came::Head {
            client.input.consume(length);
        }
        Ok(Some(came))
    }

    fn find_end(&mut self, bytes: &[u8]) -> Result<Option<usize>, Error> {
        let limit = self.limits.header_bytes as usize;
        Ok(self.scan.advance(bytes, limit).map_err(parse::RequestError::from)?)
    }

    /// Reads a head. The preface of HTTP/2 is one of an unknown version, so looking for it costs
    /// other requests nothing.
    fn parse(&self, bytes: &[u8], exchange: &mut Exchange) -> Result<Came, Error> {
        exchange.bytes_in = bytes.len() as u64;
        let fields_max = usize::from(self.limits.header_fields);
        match parse::request(bytes, fields_max, self.scheme, &mut exchange.head) {
            Ok(()) => Ok(Came::Head),
            Err(_) if self.place == Place::First && bytes == PREFACE_HEAD => Ok(Came::Preface),
            Err(error) => Err(error.into()),
        }
    }
}
