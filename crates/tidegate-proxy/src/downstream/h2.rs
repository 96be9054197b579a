//! Step 3 of 8: read requests off an HTTP/2 connection, many at a time. From `h1` or the handshake,
//! to the exchange.
//!
//! One task drives the connection: it reads frames, begins an exchange for each request, and writes
//! what the exchanges send. Each exchange is a task of its own and sees its stream as a client like
//! any other. A connection that should go is told so twice (RFC 9113, section 6.8): first that no
//! new streams are wanted, then, when the client has heard it, which was the last.

use std::cell::Cell;
use std::future::Future;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use h2::server::{self, SendResponse};
use h2::{Reason, RecvStream};
use http::Request;
use tidegate_core::admit::stay::{Advice, Standing, Stay};
use tidegate_core::http::assemble::{self, AssembleError, HeadLimits, RequestParts};
use tidegate_core::http::handshake;
use tidegate_core::model::listener::ListenerLimits;
use tidegate_core::telemetry::listener::ListenerCells;
use tidegate_core::telemetry::refusal::Refusal;
use tidegate_net::{clock, task};

use super::client::{Client, Origin};
use crate::deadlines::Deadline;
use crate::error::Error;
use crate::exchange::state::Exchange;
use crate::exchange::{Next, serve as exchange};
use crate::held::Held;
use crate::wire::outlet::Outlet;
use crate::wire::transport::{Conduct, Transport};
use crate::wire::{Duplex, Wire, fields};
use crate::worker::Worker;

/// Streams that a client may have open at a time.
const STREAMS_MAX: u32 = 100;
/// Bytes that a client may send ahead on one stream, and on all of them.
const STREAM_WINDOW: u32 = 128 * 1024;
const CONNECTION_WINDOW: u32 = 1024 * 1024;
/// Response bytes that one stream may have waiting in the connection.
const SEND_BUFFER: usize = 128 * 1024;
/// Resets that a client may provoke on one connection by frames that are in error, and streams that
/// it may reset as soon as they are opened. The budget of its frames is smaller, and says why.
const ERROR_RESETS_MAX: usize = 1000;
const EARLY_RESETS_MAX: usize = 200;
/// What the field list of a request may take in the library's count, 32 bytes a field beside its
/// text: enough that our own limits are the ones that speak.
const FIELD_OVERHEAD: u32 = 32;
const FIELDS_COUNTED: u32 = 1024;

/// Serves a connection until it closes.
pub(super) async fn serve(worker: &Rc<Worker>, client: Client, cells: &Arc<ListenerCells>) {
    let Client { wire: Wire::Socket(stream), input, deadline, origin } = client else { return };
    let Some(limits) = limits(worker, &origin) else { return };
    let conduct = Conduct::default();
    let transport = Transport::from_client(stream, input, conduct.clone());
    let outlet = transport.outlet();
    let shaken = outlet.drive(shake_hands(worker, transport, &deadline, &limits)).await;
    let Some(connection) = shaken else { return };
    let mut session = Session {
        stay: Stay::new(&limits, origin.retire_at),
        worker,
        cells,
        origin,
        deadline,
        limits,
        connection,
        outlet,
        conduct,
        streams: Rc::default(),
        cut: false,
    };
    while session.turn().await == Going::On {
        stir().await;
        // Whoever else has something to send does so in this turn of the loop, and it leaves in one
        // piece.
        tokio::task::yield_now().await;
    }
}

/// Waits until anything wakes the task.
async fn stir() {
    let mut slept = false;
    std::future::poll_fn(|_| match std::mem::replace(&mut slept, true) {
        false => Poll::Pending,
        true => Poll::Ready(()),
    })
    .await;
}

/// Whether a connection goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Going {
    On,
    Over,
}

/// The limits of the listener that a connection came in by, if there still is one.
fn limits(worker: &Worker, origin: &Origin) -> Option<ListenerLimits> {
    let view = worker.view();
    let listener = view.snapshot.listener_index(&origin.listener)?;
    Some(view.snapshot.listener(listener).limits.clone())
}

/// Exchanges prefaces, within the time that a head may take.
async fn shake_hands(
    worker: &Worker,
    transport: Transport,
    deadline: &Deadline,
    limits: &ListenerLimits,
) -> Option<server::Connection<Transport, Bytes>> {
    let due = clock::now() + limits.header_timeout;
    deadline.arm(due);
    let mut handshake = pin!(builder(limits).handshake(transport));
    std::future::poll_fn(|context| {
        deadline.attach(context.waker());
        match handshake.as_mut().poll(context) {
            Poll::Ready(result) => {
                if result.as_ref().is_err_and(|error| !error.is_io()) {
                    worker.cells.refuse(Refusal::H2Protocol);
                }
                Poll::Ready(result.ok())
            }
            Poll::Pending if deadline.fired() => {
                worker.cells.refuse(Refusal::HeaderTimeout);
                Poll::Ready(None)
            }
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

fn builder(limits: &ListenerLimits) -> server::Builder {
    let header_list = limits.header_bytes.saturating_add(FIELDS_COUNTED * FIELD_OVERHEAD);
    let mut builder = server::Builder::new();
    builder
        .initial_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_concurrent_streams(STREAMS_MAX)
        .max_header_list_size(header_list)
        .max_send_buffer_size(SEND_BUFFER)
        .max_local_error_reset_streams(Some(ERROR_RESETS_MAX))
        .max_pending_accept_reset_streams(EARLY_RESETS_MAX)
        .enable_connect_protocol();
    builder
}

/// A connection at work.
struct Session<'a> {
    worker: &'a Rc<Worker>,
    cells: &'a Arc<ListenerCells>,
    origin: Rc<Origin>,
    deadline: Deadline,
    limits: ListenerLimits,
    connection: server::Connection<Transport, Bytes>,
    outlet: Outlet,
    conduct: Conduct,
    /// Exchanges under way. A stream that its client has reset counts until its exchange has ended.
    streams: Rc<Cell<u32>>,
    /// How long it may stay.
    stay: Stay,
    /// It was ended for what the client did, and has this to say yet.
    cut: bool,
}

impl Session<'_> {
    /// Does what there is to do, and sees to it that the task is woken for the rest.
    async fn turn(&mut self) -> Going {
        std::future::poll_fn(|context| {
            let polled = self.poll(context);
            self.outlet.push(context);
            Poll::Ready(if polled.is_ready() { Going::Over } else { Going::On })
        })
        .await
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        loop {
            let accepted = self.connection.poll_accept(context);
            self.count_turned_away();
            match accepted {
                Poll::Ready(Some(Ok((request, respond)))) => self.begin(request, respond),
                Poll::Ready(Some(Err(error))) => {
                    if !error.is_io() && !error.is_remote() {
                        self.worker.cells.refuse(Refusal::H2Protocol);
                    }
                    return Poll::Ready(());
                }
                Poll::Ready(None) => return Poll::Ready(()),
                Poll::Pending if self.calls_for_calm() => {}
                Poll::Pending => match self.advice() {
                    Advice::Wait(due) => {
                        self.deadline.arm(due);
                        return Poll::Pending;
                    }
                    Advice::Farewell => self.say_farewell(),
                    Advice::Cut => self.cut(Refusal::HeaderTimeout),
                    Advice::Close => return Poll::Ready(()),
                },
            }
        }
    }

    /// Counts streams that were reset here, or by the library.
    fn count_turned_away(&self) {
        let turned_away = self.conduct.take_turned_away();
        (0..turned_away.faulty).for_each(|_| self.worker.cells.refuse(Refusal::H2Malformed));
        (0..turned_away.refused).for_each(|_| self.worker.cells.refuse(Refusal::H2Streams));
    }

    /// Ends a connection that is abused. True when that has just been found out.
    fn calls_for_calm(&mut self) -> bool {
        let Some(abuse) = self.conduct.take_abuse() else { return false };
        self.cut(abuse.refusal());
        true
    }

    /// Ends the connection for what the client did.
    fn cut(&mut self, refusal: Refusal) {
        self.worker.cells.refuse(refusal);
        self.connection.abrupt_shutdown(Reason::ENHANCE_YOUR_CALM);
        self.stay.part(clock::now());
        self.cut = true;
    }

    fn say_farewell(&mut self) {
        self.connection.graceful_shutdown();
        self.stay.part(clock::now());
    }

    /// What to do when there is nothing else to do.
    fn advice(&mut self) -> Advice {
        let standing = Standing {
            exchanges: self.streams.get(),
            fields_since: self.conduct.fields_since().filter(|_| !self.cut),
            dismissed: self.worker.stopping.get() || self.deadline.is_dismissed(),
        };
        let advice = self.stay.advise(standing, clock::now());
        self.deadline.set_idle(self.stay.idle_since());
        advice
    }

    /// Begins the exchange of a request.
    fn begin(&mut self, request: Request<RecvStream>, mut respond: SendResponse<Bytes>) {
        let now = clock::now();
        self.deadline.set_idle(None);
        if !self.stay.begin(now) || self.streams.get() >= STREAMS_MAX {
            return respond.send_reset(Reason::REFUSED_STREAM);
        }
        let mut exchange = self.worker.take_exchange();
        exchange.started = now;
        let (head, body) = request.into_parts();
        let taken = match self.take_head(&head, body.is_end_stream(), &mut exchange) {
            Ok(()) => Ok(()),
            Err(Untaken::Malformed) => {
                self.worker.give_exchange(exchange);
                return respond.send_reset(Reason::PROTOCOL_ERROR);
            }
            Err(Untaken::Refused(error)) => Err(error),
        };
        self.cells.requests.increment();
        let client = Client {
            wire: Wire::Stream(Box::new(Duplex::accepted(body, respond))),
            input: Held::default(),
            deadline: self.worker.deadlines.register(),
            origin: Rc::clone(&self.origin),
        };
        let place = Place::take(&self.streams);
        let worker = Rc::clone(self.worker);
        task::spawn_local("stream", move || run(worker, client, exchange, taken, place));
    }

    fn take_head(
        &self,
        request: &http::request::Parts,
        ended: bool,
        exchange: &mut Exchange,
    ) -> Result<(), Untaken> {
        let protocol = request.extensions.get::<h2::ext::Protocol>().map(h2::ext::Protocol::as_str);
        let key = match protocol {
            None => None,
            Some("websocket") => Some(handshake::key([self.worker.draw(), self.worker.draw()])),
            Some(_) => return Err(Untaken::Refused(Error::UnknownProtocol)),
        };
        let parts = RequestParts {
            scheme: self.origin.scheme(),
            method: request.method.as_str(),
            authority: request.uri.authority().map(http::uri::Authority::as_str),
            path: request.uri.path_and_query().map_or("", http::uri::PathAndQuery::as_str),
            websocket_key: key.as_deref(),
            ended,
        };
        let limits = HeadLimits {
            bytes: self.limits.header_bytes as usize,
            fields: usize::from(self.limits.header_fields),
        };
        let fields = || fields::bytes(&request.headers);
        assemble::request(parts, fields, limits, &mut exchange.head).map_err(Untaken::from)
    }
}

/// Why a request cannot be taken.
enum Untaken {
    Malformed,
    Refused(Error),
}

impl From<AssembleError> for Untaken {
    fn from(error: AssembleError) -> Self {
        match error {
            AssembleError::Malformed => Self::Malformed,
            AssembleError::Refused(error) => Self::Refused(error.into()),
        }
    }
}

/// Counts an exchange among those of its connection while it lives.
struct Place(Rc<Cell<u32>>);

impl Place {
    fn take(streams: &Rc<Cell<u32>>) -> Self {
        streams.set(streams.get() + 1);
        Self(Rc::clone(streams))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}

/// Runs one exchange.
async fn run(
    worker: Rc<Worker>,
    mut client: Client,
    mut exchange: Box<Exchange>,
    taken: Result<(), Error>,
    _place: Place,
) {
    std::future::poll_fn(|context| {
        client.deadline.attach(context.waker());
        Poll::Ready(())
    })
    .await;
    let view = worker.view();
    let Some(listener) = view.snapshot.listener_index(&client.origin.listener) else { return };
    let next = match taken {
        Ok(()) => exchange::run(&worker, &view, listener, &mut client, &mut exchange).await,
        Err(error) => {
            exchange::refuse(&worker, &view, listener, &mut client, &mut exchange, error).await
        }
    };
    if let Wire::Stream(duplex) = &mut client.wire
        && next == Next::Close
        && !duplex.is_finished()
    {
        // What came so far must not pass for the whole.
        duplex.reset(Reason::INTERNAL_ERROR);
    }
    worker.give_exchange(exchange);
}
