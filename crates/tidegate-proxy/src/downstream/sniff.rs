//! Step 2 of 8: what a connection begins with. From `accept`, to `client`.
//!
//! Where the listener says so, that is a PROXY header, on the bare socket and before anything else:
//! it names the client, whose address then stands in place of the peer's. Only `trusted_proxies`
//! may say so, anybody else is disconnected unread, and no connection goes without it: a header
//! that were optional could be sent by anybody. It is read to its last byte and no further.

use std::rc::Rc;
use std::task::{Context, Poll};

use tidegate_core::model::listener::{Listener, ListenerLimits};
use tidegate_core::telemetry::refusal::Refusal;
use tidegate_core::time::{Duration, Instant};
use tidegate_core::wire::proxy_protocol::{Header, Reading, read};
use tidegate_net::clock;

use super::client::Client;
use crate::worker::Worker;

/// How long a PROXY header may take.
const HEADER_TIME: Duration = Duration::from_secs(5);

/// Reads the PROXY header, if there has to be one. False when the connection is to be dropped.
pub(super) async fn proxy_header(worker: &Worker, client: &mut Client) -> bool {
    let view = worker.view();
    let Some(index) = view.snapshot.listener_index(&client.origin.listener) else { return false };
    let listener = view.snapshot.listener(index);
    if !listener.proxy_protocol {
        return true;
    }
    let adopted = match read_header(worker, client, listener).await {
        Ok(header) => adopt(worker, client, header, &listener.limits),
        Err(parting) => Err(parting),
    };
    if let Err(Parting::Refused(refusal)) = adopted {
        worker.cells.refuse(refusal);
    }
    adopted.is_ok()
}

/// Why there is no header.
enum Parting {
    Refused(Refusal),
    /// The peer went without a word, or is let go without one.
    Left,
}

async fn read_header(
    worker: &Worker,
    client: &mut Client,
    listener: &Listener,
) -> Result<Header, Parting> {
    if !listener.trusts(client.origin.peer) {
        return Err(Parting::Refused(Refusal::ProxyUntrusted));
    }
    let now = clock::now();
    let mut reader = Reader { due: now + HEADER_TIME, bytes: Vec::new() };
    client.deadline.arm(reader.due);
    client.deadline.set_idle(Some(now));
    let header = std::future::poll_fn(|context| {
        client.deadline.attach(context.waker());
        reader.poll(worker, client, context)
    })
    .await;
    client.deadline.set_idle(None);
    header
}

/// The client that the header names is at the other end from now on, and counted as such.
fn adopt(
    worker: &Worker,
    client: &mut Client,
    header: Header,
    limits: &ListenerLimits,
) -> Result<(), Parting> {
    // Nobody shares it yet: there has been no request.
    let Some(origin) = Rc::get_mut(&mut client.origin) else { return Err(Parting::Left) };
    if let Header::Proxied { source, destination } = header {
        origin.peer = source.ip().to_canonical();
        origin.port = source.port();
        origin.destination = destination;
    }
    origin.admit(worker, limits).map_err(Parting::Refused)
}

/// A header on its way.
struct Reader {
    due: Instant,
    /// What has come of it.
    bytes: Vec<u8>,
}

impl Reader {
    fn poll(
        &mut self,
        worker: &Worker,
        client: &mut Client,
        context: &mut Context<'_>,
    ) -> Poll<Result<Header, Parting>> {
        loop {
            let missing = match read(&self.bytes) {
                Ok(Reading::Whole { header, .. }) => return Poll::Ready(Ok(header)),
                Ok(Reading::More(missing)) => missing.get(),
                Err(_) => return refuse(Refusal::BadProxyHeader),
            };
            let mut scratch = worker.scratch();
            match client.wire.poll_read(context, &mut scratch[..missing]) {
                Poll::Ready(Ok(count)) if count > 0 => {
                    self.bytes.extend_from_slice(&scratch[..count]);
                }
                Poll::Ready(_) if self.bytes.is_empty() => return Poll::Ready(Err(Parting::Left)),
                Poll::Ready(_) => return refuse(Refusal::BadProxyHeader),
                Poll::Pending => return self.check_time(worker, client),
            }
        }
    }

    fn check_time(&self, worker: &Worker, client: &Client) -> Poll<Result<Header, Parting>> {
        if client.is_retiring(worker, Instant::ZERO) {
            return Poll::Ready(Err(Parting::Left));
        }
        if client.deadline.fired() {
            if clock::now() >= self.due {
                return refuse(Refusal::ProxyHeaderTimeout);
            }
            client.deadline.arm(self.due);
        }
        Poll::Pending
    }
}

const fn refuse(refusal: Refusal) -> Poll<Result<Header, Parting>> {
    Poll::Ready(Err(Parting::Refused(refusal)))
}
