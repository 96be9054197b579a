//! Step 3 of 8: read requests off a client connection, one after the other. From `client`, to the
//! exchange.
//!
//! Between requests the connection waits without a buffer. A head is scanned as it comes and parsed
//! once it is whole; what follows it stays in the client's input, for the body or for the next
//! request. After a request that was refused as malformed nothing more is read from the connection.

use std::rc::Rc;
use std::task::{Context, Poll};

use tidegate_core::http::parse;
use tidegate_core::http::scan::Scan;
use tidegate_core::model::listener::ListenerLimits;
use tidegate_core::telemetry::listener::ListenerCells;
use tidegate_core::time::Instant;
use tidegate_net::clock;

use super::client::Client;
use crate::error::Error;
use crate::exchange::state::Exchange;
use crate::exchange::{Next, serve};
use crate::worker::Worker;

/// Serves a connection until it closes.
pub(crate) async fn serve(worker: &Rc<Worker>, mut client: Client, cells: &ListenerCells) {
    std::future::poll_fn(|context| {
        client.deadline.attach(context.waker());
        Poll::Ready(())
    })
    .await;
    let mut idle_since = clock::now();
    while wait(worker, &client, idle_since).await {
        let mut exchange = worker.take_exchange();
        let next = serve_one(worker, &mut client, &mut exchange, cells).await;
        if exchange.bytes_in > 0 {
            // Records that carry no request prolong nothing.
            idle_since = exchange.ended();
        }
        worker.give_exchange(exchange);
        worker.reclaim(&mut client.input);
        match next {
            Next::Request => {}
            Next::Close => return,
            Next::Linger => return client.linger(worker).await,
        }
    }
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
    let listener = view.snapshot.listener_index(&client.listener)?;
    let idle = view.snapshot.listener(listener).limits.idle_timeout;
    Some((now + idle).min(client.retire_at))
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
    if let Poll::Ready(result) = client.stream.poll_readable(context) {
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

async fn serve_one(
    worker: &Rc<Worker>,
    client: &mut Client,
    exchange: &mut Exchange,
    cells: &ListenerCells,
) -> Next {
    let view = worker.view();
    let Some(listener) = view.snapshot.listener_index(&client.listener) else { return Next::Close };
    let limits = &view.snapshot.listener(listener).limits;
    exchange.started = clock::now();
    let due = exchange.started + limits.header_timeout;
    client.deadline.arm(due);
    let mut reader = HeadReader { worker, limits, due, scan: Scan::default() };
    let head = std::future::poll_fn(|context| reader.poll(client, exchange, context)).await;
    match head {
        Ok(Came::End) => Next::Close,
        Ok(Came::Nothing) => Next::Request,
        Ok(Came::Head) => {
            cells.requests.increment();
            serve::run(worker, &view, listener, client, exchange).await
        }
        Err(error) => serve::refuse(worker, &view, listener, client, exchange, error).await,
    }
}

/// What came when a client had something to say.
enum Came {
    /// A head, which is in the exchange.
    Head,
    /// The end of the connection, before a byte of a request.
    End,
    /// Nothing after all: a socket may be called readable when it is not, and a new one always is.
    Nothing,
}

/// Reads one request head.
struct HeadReader<'a> {
    worker: &'a Worker,
    limits: &'a ListenerLimits,
    due: Instant,
    scan: Scan,
}

impl HeadReader<'_> {
    fn poll(
        &mut self,
        client: &mut Client,
        exchange: &mut Exchange,
        context: &mut Context<'_>,
    ) -> Poll<Result<Came, Error>> {
        if !client.input.is_empty() && self.take_from_input(client, exchange)? {
            return Poll::Ready(Ok(Came::Head));
        }
        loop {
            let mut scratch = self.worker.scratch();
            match client.stream.poll_read(context, &mut scratch) {
                Poll::Ready(Ok(count)) if count > 0 => {
                    if self.take(client, exchange, &scratch[..count])? {
                        return Poll::Ready(Ok(Came::Head));
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
    ) -> Result<bool, Error> {
        if !client.input.is_empty() {
            client.input.append(bytes);
            return self.take_from_input(client, exchange);
        }
        let Some(length) = self.find_end(bytes)? else {
            client.unread(self.worker, bytes);
            return Ok(false);
        };
        self.parse(&bytes[..length], exchange)?;
        client.unread(self.worker, &bytes[length..]);
        Ok(true)
    }

    /// Takes a head from the bytes that wait already.
    fn take_from_input(
        &mut self,
        client: &mut Client,
        exchange: &mut Exchange,
    ) -> Result<bool, Error> {
        let bytes = client.input.waiting();
        let Some(length) = self.find_end(bytes)? else { return Ok(false) };
        self.parse(&bytes[..length], exchange)?;
        client.input.consume(length);
        Ok(true)
    }

    fn find_end(&mut self, bytes: &[u8]) -> Result<Option<usize>, Error> {
        let limit = self.limits.header_bytes as usize;
        Ok(self.scan.advance(bytes, limit).map_err(parse::RequestError::from)?)
    }

    fn parse(&self, bytes: &[u8], exchange: &mut Exchange) -> Result<(), Error> {
        exchange.bytes_in = bytes.len() as u64;
        let fields_max = usize::from(self.limits.header_fields);
        Ok(parse::request(bytes, fields_max, &mut exchange.head)?)
    }
}
