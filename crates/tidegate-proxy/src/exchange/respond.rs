//! Step 8 of 8: the one place where an error becomes an answer, and where it is decided what
//! becomes of the client connection.

use std::io;
use std::task::{Context, Poll, ready};

use tidegate_core::edit::local as answers;
use tidegate_core::http::chunked::{ChunkError, Keep};
use tidegate_core::http::framing::FramingError;
use tidegate_core::http::parse::{ReplyError, RequestError};
use tidegate_core::http::scan::ScanError;
use tidegate_core::http::status::reason;
use tidegate_core::http::{assemble, grpc};
use tidegate_core::model::grpc::Status;
use tidegate_core::model::listener::Listener;
use tidegate_core::telemetry::ending::Ending;
use tidegate_core::telemetry::refusal::Refusal;
use tidegate_net::clock;

use super::state::Exchange;
use super::{Next, Taken, local, serve};
use crate::downstream::client::{Client, DRAIN_BYTES, DRAIN_TIME};
use crate::error::Error;
use crate::wire::{Part, Wire};
use crate::worker::Worker;

/// What the world is told of an error.
pub(super) struct Answer {
    /// The status; `None` when there is nobody to tell.
    pub(super) status: Option<u16>,
    /// The reason in the metrics.
    pub(super) refusal: Option<Refusal>,
    /// The reason in the access log.
    pub(super) ending: Ending,
}

/// The answer to each error.
pub(super) fn answer_to(error: Error) -> Answer {
    use Refusal as R;
    let (status, refusal, ending) = match error {
        Error::BadRequest(error) => return bad_request(error),
        Error::BadChunk(ChunkError::Trailer) => (400, Some(R::BadTrailer), Ending::ClientInvalid),
        Error::BadChunk(_) => (400, Some(R::BadChunk), Ending::ClientInvalid),
        Error::BadTimeout(_) => (400, Some(R::BadHeader), Ending::ClientInvalid),
        Error::HeaderTimeout => (408, Some(R::HeaderTimeout), Ending::ClientTimeout),
        Error::BodyTimeout => (408, Some(R::BodyTimeout), Ending::ClientTimeout),
        Error::BodyTooLarge => (413, Some(R::BodyTooLarge), Ending::ClientLimit),
        Error::ClientGone => (0, None, Ending::ClientReset),
        Error::Misdirected => (421, Some(R::Misdirected), Ending::Policy),
        Error::NoRoute => (404, Some(R::NoRoute), Ending::NoRoute),
        Error::Method => (405, Some(R::Method), Ending::Policy),
        Error::Loop => (508, Some(R::Loop), Ending::Policy),
        Error::EncodedSlash => (400, Some(R::BadPath), Ending::ClientInvalid),
        Error::Upgrade => (400, Some(R::Upgrade), Ending::Policy),
        Error::UnknownProtocol => (501, Some(R::UnknownProtocol), Ending::Policy),
        Error::NoTunnel => (501, Some(R::NoTunnel), Ending::Policy),
        Error::Unwritable => (400, Some(R::BadPath), Ending::ClientInvalid),
        Error::BadEdit(_) => (400, Some(R::BadEdit), Ending::Policy),
        Error::Encode => (502, None, Ending::Policy),
        Error::BadReplyEdit(_) => (502, Some(R::BadEdit), Ending::Policy),
        Error::NoServer => (503, Some(R::NoServer), Ending::NoServer),
        Error::TotalTimeout => (504, None, Ending::TotalTimeout),
        Error::Idle => (504, None, Ending::ServerTimeout),
        Error::Connect | Error::Handshake => (502, None, Ending::ServerConnect),
        Error::ConnectTimeout => (504, None, Ending::ServerConnect),
        Error::Reset | Error::Refused => (502, None, Ending::ServerReset),
        Error::ResponseTimeout | Error::Stalled => (504, None, Ending::ServerTimeout),
        Error::BadReply(
            ReplyError::Scan(ScanError::TooLong { .. }) | ReplyError::TooManyFields,
        ) => (502, Some(R::ResponseTooLarge), Ending::ServerLimit),
        Error::InterimFlood => (502, Some(R::BadResponse), Ending::ServerLimit),
        Error::BadReply(_) | Error::BadReplyChunk | Error::StrayBytes | Error::UnaskedUpgrade => {
            (502, Some(R::BadResponse), Ending::ServerInvalid)
        }
        Error::Status(status) => (status, None, Ending::Done),
    };
    Answer { status: (status != 0).then_some(status), refusal, ending }
}

fn bad_request(error: RequestError) -> Answer {
    let (refusal, ending) = match error {
        RequestError::Scan(ScanError::TooLong { in_start_line: true }) => {
            (Refusal::TargetTooLong, Ending::ClientLimit)
        }
        RequestError::Scan(ScanError::TooLong { in_start_line: false }) => {
            (Refusal::HeaderTooLarge, Ending::ClientLimit)
        }
        RequestError::TooManyFields => (Refusal::TooManyHeaders, Ending::ClientLimit),
        RequestError::Scan(_) | RequestError::RequestLine => {
            (Refusal::BadRequestLine, Ending::ClientInvalid)
        }
        RequestError::Version => (Refusal::Version, Ending::ClientInvalid),
        RequestError::Field => (Refusal::BadHeader, Ending::ClientInvalid),
        RequestError::Framing(FramingError::UnknownCoding) => {
            (Refusal::UnknownCoding, Ending::ClientInvalid)
        }
        RequestError::FramingAlias | RequestError::Framing(_) => {
            (Refusal::BadFraming, Ending::ClientInvalid)
        }
        RequestError::Host => (Refusal::BadHost, Ending::ClientInvalid),
        RequestError::Target | RequestError::Path(_) => (Refusal::BadPath, Ending::ClientInvalid),
        RequestError::Expectation => (Refusal::Expectation, Ending::ClientInvalid),
    };
    Answer { status: Some(error.status()), refusal: Some(refusal), ending }
}

/// Answers an error, if nothing of a final response has gone out yet.
pub(super) async fn answer(
    worker: &Worker,
    client: &mut Client,
    x: &mut Exchange,
    (listener, taken): (&Listener, Option<&Taken<'_>>),
    error: Error,
) -> Next {
    x.error = Some(error);
    let answer = answer_to(error);
    if let Some(refusal) = answer.refusal {
        worker.cells.refuse(refusal);
    }
    let outcome =
        x.call.as_mut().map(|call| *call.status.insert(call_status(error, answer.status)));
    let Some(status) = answer.status else { return Next::Close };
    if x.status.is_some() {
        return end_call(client, x, error, outcome);
    }
    // After a request that could not be understood, what follows cannot be either. What follows a
    // CONNECT or a handshake may be meant for the tunnel.
    let doubtful = matches!(
        error,
        Error::BadRequest(_)
            | Error::BadChunk(_)
            | Error::HeaderTimeout
            | Error::BodyTimeout
            | Error::BodyTooLarge
            | Error::Method
            | Error::Upgrade
    );
    if doubtful || x.body_is_undecided() || client.is_retiring(worker, clock::now()) {
        x.client_persists = false;
    }
    let written = match outcome {
        Some(outcome) => decline(worker, client, x, error, outcome),
        None => write_answer(worker, client, x, taken, error, status),
    };
    if written.is_err() {
        return Next::Close;
    }
    match send_own(worker, client, x, listener).await {
        Next::Close => Next::Close,
        _ if doubtful => Next::Linger,
        next => next,
    }
}

/// Sends a response of our own that was written, and decides what becomes of the connection.
pub(super) async fn send_own(
    worker: &Worker,
    client: &mut Client,
    x: &mut Exchange,
    listener: &Listener,
) -> Next {
    if !send(client, x, listener).await {
        return Next::Close;
    }
    after_reply(worker, client, x, listener).await
}

/// Writes the page that the route or the pool has for such an error, or a line of text.
fn write_answer(
    worker: &Worker,
    client: &mut Client,
    x: &mut Exchange,
    taken: Option<&Taken<'_>>,
    error: Error,
    status: u16,
) -> io::Result<()> {
    let reply = &mut *worker.reply();
    let page = taken.and_then(|taken| {
        let facts = serve::facts(client, x, taken.listener);
        let pages = taken.pool.map(|pool| &pool.entry.pool.error_pages);
        let desk = (&mut *worker.editor(), &mut *reply);
        answers::error((taken.route, pages), status, &x.head, &facts, desk)
    });
    if let Some(page) = page {
        return local::write(worker, client, x, reply, page);
    }
    let body = format!("{status} {}: {error}\n", reason(status));
    reply.begin(status, body.len());
    let mut set = |name, value: &str| {
        reply.set_field(name, value.as_bytes()).expect("these values are plain text");
    };
    set("content-type", "text/plain");
    set("cache-control", "no-store");
    if status == 405 {
        set("allow", "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT");
    }
    local::write(worker, client, x, reply, body.as_bytes())
}

/// Answers a call: with a status that is a response of its own, and says nothing else.
fn decline(
    worker: &Worker,
    client: &mut Client,
    x: &mut Exchange,
    error: Error,
    outcome: Status,
) -> io::Result<()> {
    let mut lines = Vec::new();
    grpc::write_status(outcome, &error.to_string(), &mut lines);
    let reply = &mut *worker.reply();
    reply.begin(200, 0);
    reply.set_field("content-type", b"application/grpc").expect("plain text");
    for (name, value) in assemble::fields_of(&lines) {
        let name = std::str::from_utf8(name).unwrap_or_default();
        reply.set_field(name, value).expect("a status is plain text, its message encoded");
    }
    local::write(worker, client, x, reply, b"")
}

/// Ends a call whose response has begun, with a status behind what came of it. A client that has
/// not taken all of that is not waited for; it, and whoever made no call, sees the response break
/// off.
fn end_call(client: &mut Client, x: &Exchange, error: Error, outcome: Option<Status>) -> Next {
    let Some(outcome) = outcome.filter(|_| x.to_client.is_empty() && !client.wire.is_socket())
    else {
        return Next::Close;
    };
    let mut lines = Vec::new();
    grpc::write_status(outcome, &error.to_string(), &mut lines);
    if client.wire.finish(&lines).is_ok() { Next::Request } else { Next::Close }
}

/// How a call ends that fails here with an error whose answer would be `status`. Two things are
/// said better than the common mapping does: a time that ran out, and a limit.
fn call_status(error: Error, status: Option<u16>) -> Status {
    let Some(status) = status else { return Status::Cancelled };
    match (error, status) {
        (Error::TotalTimeout | Error::ResponseTimeout | Error::Stalled | Error::Idle, _) => {
            Status::DeadlineExceeded
        }
        (_, 413 | 414 | 431) => Status::ResourceExhausted,
        _ => Status::of_http(status),
    }
}

/// Sends what waits for the client, the last of its response. False when it does not take it in
/// time, or is gone.
async fn send(client: &mut Client, x: &mut Exchange, listener: &Listener) -> bool {
    let due = clock::now() + listener.limits.header_timeout;
    client.deadline.arm(due);
    std::future::poll_fn(|context| {
        while !x.to_client.is_empty() {
            match client.wire.poll_write(context, x.to_client.waiting(), Part::Last) {
                Poll::Ready(Ok(count)) => {
                    x.to_client.consume(count);
                    x.bytes_out += count as u64;
                }
                Poll::Ready(Err(_)) => return Poll::Ready(false),
                Poll::Pending if client.deadline.fired() => return Poll::Ready(false),
                Poll::Pending => return Poll::Pending,
            }
        }
        Poll::Ready(client.wire.finish(&[]).is_ok())
    })
    .await
}

/// Decides what becomes of the client connection once the response has gone out whole. A request
/// that is not whole yet is read away, if it is short, so that the next one begins where it should.
pub(super) async fn after_reply(
    worker: &Worker,
    client: &mut Client,
    x: &mut Exchange,
    listener: &Listener,
) -> Next {
    if let Wire::Stream(_) = &client.wire {
        // A stream ends with its response; what its client still sends is refused.
        return Next::Request;
    }
    if !x.client_persists {
        let unread = !x.request_body.is_done() || !client.input.is_empty();
        return if unread { Next::Linger } else { Next::Close };
    }
    if x.request_body.is_done() {
        return Next::Request;
    }
    client.deadline.arm(clock::now() + DRAIN_TIME.min(listener.limits.header_timeout));
    let mut left = DRAIN_BYTES;
    let drained =
        std::future::poll_fn(|context| match poll_drain(worker, client, x, &mut left, context) {
            Poll::Pending if client.deadline.fired() => Poll::Ready(false),
            poll => poll,
        })
        .await;
    if drained { Next::Request } else { Next::Linger }
}

/// Reads the rest of a request body away; true when it ended within `left` bytes.
fn poll_drain(
    worker: &Worker,
    client: &mut Client,
    x: &mut Exchange,
    left: &mut usize,
    context: &mut Context<'_>,
) -> Poll<bool> {
    loop {
        let input = client.input.waiting_mut();
        let Ok(step) = x.request_body.advance(input, Keep::Data, &mut x.request_trailers) else {
            return Poll::Ready(false);
        };
        client.input.consume(step.consumed);
        if x.request_body.is_done() {
            return Poll::Ready(true);
        }
        let mut scratch = worker.scratch();
        let count = match ready!(client.wire.poll_read(context, &mut scratch)) {
            Ok(count) if count > 0 => count,
            _ => return Poll::Ready(false),
        };
        *left = left.saturating_sub(count);
        if *left == 0 {
            return Poll::Ready(false);
        }
        client.unread(worker, &scratch[..count]);
    }
}
