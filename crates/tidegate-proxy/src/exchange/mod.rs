//! Step 4 of 8: the exchange, one request and its response. From `downstream`, to `route`.
//!
//! The one pipeline for every protocol: choose a route, pick a server, get a connection, relay, and try again
//! where that is safe; then account for it. All that an exchange needs lives in one [`Exchange`], which is used
//! again for the next, so that a request allocates nothing.

mod finish;
mod pick;
mod relay;
mod respond;
mod retry;
mod route;
mod tunnel;

use tidegate_core::http::body::Body;
use tidegate_core::http::chunked::Keep;
use tidegate_core::http::head::Head;
use tidegate_core::http::reply::ReplyHead;
use tidegate_core::http::scan::Scan;
use tidegate_core::model::ids::{ListenerIndex, ServerIndex};
use tidegate_core::model::listener::Listener;
use tidegate_core::model::route::Route;
use tidegate_core::telemetry::route::RouteCells;
use tidegate_core::time::Instant;
use tidegate_net::clock;

use crate::downstream::client::Client;
use crate::error::Error;
use crate::held::Held;
use crate::view::{PoolView, View};
use crate::worker::Worker;

/// Buffers of an exchange that grew beyond this are given back.
const BUFFER_KEPT: usize = 64 * 1024;

/// What becomes of the client connection after an exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// It serves another request.
    Request,
    /// It is closed at once.
    Close,
    /// It is closed, but the client may still be sending.
    Linger,
}

/// The state of one request and its response.
#[derive(Debug, Default)]
pub(crate) struct Exchange {
    pub(crate) head: Head,
    reply: ReplyHead,
    pub(crate) started: Instant,
    pub(crate) bytes_in: u64,
    bytes_out: u64,

    request_body: Body,
    /// The request head and as much of the body as may have to be sent again.
    to_server: Held,
    /// Whether everything sent so far is still in `to_server`.
    replayable: bool,

    reply_body: Body,
    to_client: Held,
    /// Bytes that end a body after its last data: filtered trailers.
    tail: Vec<u8>,

    tried: Vec<ServerIndex>,
    /// The server of the last try.
    server: Option<ServerIndex>,
    tries: u32,
    /// A reused connection had been closed by the server, and the try on a fresh one has been made.
    stale_retried: bool,
    retries: u32,

    attempt: Attempt,
    /// Whether the upgrade that the client asks for may go on.
    upgrade: bool,
    /// Whether the client connection can serve another request.
    client_persists: bool,
    /// The status that the client was sent.
    status: Option<u16>,
    error: Option<Error>,
    request_id: u64,
    marks: Marks,
}

/// The state of one try on one server.
#[derive(Debug, Default)]
struct Attempt {
    phase: Phase,
    scan: Scan,
    /// Bytes of the request were taken by the kernel.
    sent: bool,
    /// The server takes no more of the request.
    deaf: bool,
    /// Bytes of the response have come.
    reply_begun: bool,
    /// Bytes came behind the response.
    stray: bool,
    /// Bytes of the response went to the client: there is no other try after that.
    committed: bool,
    /// The client is watched for its leaving.
    watches_client: bool,
    interims: u8,
    /// Whether the reply's data is put into chunks.
    rechunks: bool,
    keeps: Option<Keep>,
    read_limit: usize,
    /// When the last byte moved either way.
    activity: Instant,
    /// Whether the client alone was waited for since the window began.
    client_window: bool,
    /// The window in which the client must make progress, and what it made.
    window_start: Instant,
    window_bytes: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Phase {
    /// Until the response head.
    #[default]
    Head,
    Body,
}

/// Points in time, for the log; of the last try.
#[derive(Clone, Copy, Debug, Default)]
struct Marks {
    attempt: Instant,
    connected: Instant,
    first_byte: Option<Instant>,
}

/// Where a request goes, and under which rules.
#[derive(Clone, Copy)]
struct Course<'a> {
    listener: &'a Listener,
    route: &'a Route,
    cells: &'a RouteCells,
    pool: &'a PoolView,
}

impl Exchange {
    /// Makes it ready for the next request, keeping its memory.
    pub(crate) fn reset(&mut self) {
        self.to_server.trim(BUFFER_KEPT);
        self.to_client.trim(BUFFER_KEPT);
        self.tail.clear();
        self.tried.clear();
        self.head.clear();
        self.bytes_in = 0;
        self.bytes_out = 0;
        self.request_body = Body::Done;
        self.reply_body = Body::Done;
        self.tries = 0;
        self.server = None;
        self.retries = 0;
        self.stale_retried = false;
        self.upgrade = false;
        self.client_persists = false;
        self.status = None;
        self.error = None;
        self.attempt = Attempt::default();
        self.marks = Marks::default();
    }
}

/// Serves one request whose head is in `x`.
pub(crate) async fn run(
    worker: &Worker,
    view: &View,
    listener: ListenerIndex,
    client: &mut Client,
    x: &mut Exchange,
) -> Next {
    x.request_body = Body::new(x.head.body());
    x.client_persists = x.head.keeps_alive();
    x.request_id = worker.draw();
    let course = match route::choose(worker, view, listener, client, x) {
        Ok(course) => course,
        Err(error) => return refuse(worker, view, listener, client, x, error).await,
    };
    let forwarded = retry::forward(worker, client, x, &course).await;
    let next = match forwarded {
        Ok(next) => next,
        Err(error) => respond::answer(worker, client, x, course.listener, error).await,
    };
    finish::account(worker, client, x, course.listener, Some(&course));
    next
}

/// Answers a request that goes nowhere.
pub(crate) async fn refuse(
    worker: &Worker,
    view: &View,
    listener: ListenerIndex,
    client: &mut Client,
    x: &mut Exchange,
    error: Error,
) -> Next {
    let listener = view.snapshot.listener(listener);
    let next = respond::answer(worker, client, x, listener, error).await;
    finish::account(worker, client, x, listener, None);
    next
}

impl Attempt {
    /// A new try that begins at `now`.
    fn begin(now: Instant) -> Self {
        Self {
            watches_client: true,
            read_limit: relay::READ_FIRST,
            activity: now,
            window_start: now,
            ..Self::default()
        }
    }

    /// Notes that bytes moved between the client and us.
    fn client_progress(&mut self, bytes: usize) {
        self.activity = clock::now();
        self.window_bytes += bytes as u64;
    }
}
