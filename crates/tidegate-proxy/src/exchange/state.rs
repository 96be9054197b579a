//! Step 4 of 8: the state of an exchange. From `downstream`, through everything that serves it.
//!
//! One box that is used again for the next request, so that a request allocates nothing. What
//! belongs to one try on one server is apart, as it begins anew with each try.

use std::net::IpAddr;

use tidegate_core::http::body::Body;
use tidegate_core::http::chunked::Keep;
use tidegate_core::http::head::Head;
use tidegate_core::http::scan::Scan;
use tidegate_core::http::set_cookie::SetCookie;
use tidegate_core::model::ids::ServerIndex;
use tidegate_core::time::{Duration, Instant};
use tidegate_net::clock;

use super::call::Call;
use super::relay::READ_FIRST;
use super::session::Standing;
use crate::error::Error;
use crate::filter::compress::encoder::Encoder;
use crate::held::Held;

/// Buffers of an exchange that grew beyond this are given back.
const BUFFER_KEPT: usize = 64 * 1024;

/// The state of one request and its response.
#[derive(Debug, Default)]
pub(crate) struct Exchange {
    pub(crate) head: Head,
    pub(crate) started: Instant,
    pub(crate) bytes_in: u64,
    pub(super) bytes_out: u64,

    /// The trusted client address, as the head told it before it was edited.
    pub(super) client: Option<IpAddr>,
    /// How long a copy of a request may take, whatever its route says; `None`: it is no copy.
    pub(super) lasts: Option<Duration>,
    /// What gRPC adds, if the request is a call.
    pub(super) call: Option<Call>,
    pub(super) request_body: Body,
    /// The trailers of the request, as lines with an empty one behind them.
    pub(super) request_trailers: Vec<u8>,
    /// As much of the request as may have to be sent again: for a server on HTTP/1 the head and the
    /// frames of the body, for one on HTTP/2 the data of the body.
    pub(super) to_server: Held,
    /// How much of that is the head.
    pub(super) head_kept: usize,
    /// Whether everything sent so far is still in `to_server`.
    pub(super) replayable: bool,

    pub(super) reply_body: Body,
    pub(super) to_client: Held,
    /// Compresses the body of the response.
    pub(super) encoder: Option<Encoder>,
    /// The trailers of the response, as lines with an empty one behind them.
    pub(super) reply_trailers: Vec<u8>,

    /// Lines that set cookies of our own, for the final response.
    pub(super) cookies: Vec<u8>,

    /// What is known of the user's session.
    pub(super) session: Standing,
    pub(super) tried: Vec<ServerIndex>,
    /// The server of the last try.
    pub(super) server: Option<ServerIndex>,
    pub(super) tries: u32,
    /// A reused connection had been closed by the server, and the try on a fresh one has been made.
    pub(super) stale_retried: bool,
    pub(super) retries: u32,

    pub(super) attempt: Attempt,
    /// Whether the upgrade that the client asks for may go on.
    pub(super) upgrade: bool,
    /// Whether the client connection can serve another request.
    pub(super) client_persists: bool,
    /// The status that the client was sent.
    pub(super) status: Option<u16>,
    pub(super) error: Option<Error>,
    pub(super) request_id: u64,
    pub(super) marks: Marks,
}

/// The state of one try on one server.
#[derive(Debug, Default)]
pub(super) struct Attempt {
    pub(super) phase: Phase,
    pub(super) scan: Scan,
    /// Bytes of the request were taken by the kernel.
    pub(super) sent: bool,
    /// The server takes no more of the request.
    pub(super) deaf: bool,
    /// Bytes of the response have come.
    pub(super) reply_begun: bool,
    /// The server keeps its side open after the response.
    pub(super) server_persists: bool,
    /// Bytes came behind the response.
    pub(super) stray: bool,
    /// Bytes of the response went to the client: there is no other try after that.
    pub(super) committed: bool,
    /// The response is a gRPC status and nothing else: the server has not answered the call.
    pub(super) declined: bool,
    /// The client is watched for its leaving.
    pub(super) watches_client: bool,
    pub(super) interims: u8,
    /// Whether the reply's data is put into chunks.
    pub(super) rechunks: bool,
    pub(super) keeps: Option<Keep>,
    pub(super) read_limit: usize,
    /// When the last byte moved either way.
    pub(super) activity: Instant,
    /// The client did not take all that it was sent, and was waited for.
    pub(super) blocked: bool,
    /// Whether the client alone was waited for since the window began.
    pub(super) client_window: bool,
    /// The window in which the client must make progress, and what it made.
    pub(super) window_start: Instant,
    pub(super) window_bytes: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Phase {
    /// Until the response head.
    #[default]
    Head,
    Body,
}

/// Points in time, for the log; of the last try.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Marks {
    pub(super) attempt: Instant,
    pub(super) connected: Instant,
    pub(super) first_byte: Option<Instant>,
    /// When the response had gone out whole.
    pub(super) ended: Option<Instant>,
}

impl Exchange {
    /// When the response had gone out; now, if none did.
    pub(crate) fn ended(&self) -> Instant {
        self.marks.ended.unwrap_or_else(clock::now)
    }

    /// Whether the client may still send the body that it announced, or leave it out: it waits for
    /// 100 (Continue). Once it has got a final response instead, nobody can tell whether its next
    /// bytes are that body or another request (RFC 9110, section 10.1.1).
    pub(super) fn body_is_undecided(&self) -> bool {
        self.head.expects_continue() && !self.request_body.is_done()
    }

    /// Whether it is a copy of a request that was answered.
    pub(super) const fn is_copy(&self) -> bool {
        self.lasts.is_some()
    }

    /// Has the final response set a cookie, whoever makes that response.
    pub(super) fn set_cookie(&mut self, cookie: &SetCookie<'_>) {
        cookie.write(&mut self.cookies);
    }

    /// Makes it ready for the next request, keeping its memory. An encoder that was not needed to
    /// the end is handed back.
    pub(crate) fn reset(&mut self) -> Option<Encoder> {
        self.to_server.trim(BUFFER_KEPT);
        self.to_client.trim(BUFFER_KEPT);
        self.request_trailers.clear();
        self.reply_trailers.clear();
        self.cookies.clear();
        self.tried.clear();
        self.head.clear();
        self.head_kept = 0;
        self.bytes_in = 0;
        self.bytes_out = 0;
        self.client = None;
        self.lasts = None;
        self.call = None;
        self.request_body = Body::Done;
        self.reply_body = Body::Done;
        self.session = Standing::default();
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
        self.encoder.take()
    }
}

impl Attempt {
    /// A new try that begins at `now`.
    pub(super) fn begin(now: Instant) -> Self {
        Self {
            watches_client: true,
            read_limit: READ_FIRST,
            activity: now,
            window_start: now,
            ..Self::default()
        }
    }

    /// Notes that bytes moved between the client and us.
    pub(super) fn client_progress(&mut self, bytes: usize) {
        self.activity = clock::now();
        self.window_bytes += bytes as u64;
    }
}
