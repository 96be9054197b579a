//! One stream of an HTTP/2 connection as a pair of byte streams, with its heads and trailers beside
//! them.
//!
//! Window is given back to the sender as its bytes are taken from here, and bytes are taken from us
//! as the receiver grants window: that is the whole of back-pressure. At most one frame of received
//! bytes waits here; what waits in the connection is bounded by the windows.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use h2::client::{ResponseFuture, SendRequest};
use h2::server::SendResponse;
use h2::{Reason, RecvStream, SendStream};
use http::{HeaderMap, Request, Response, StatusCode};
use tidegate_core::http::assemble;

use super::{Part, fields};

/// The most bytes that one write hands over; each becomes an allocation of that size.
const WRITE_MAX: usize = 64 * 1024;

/// A stream, seen from either end.
#[derive(Debug)]
pub(crate) struct Duplex {
    sending: Sending,
    /// Our side has been ended.
    finished: bool,
    /// The response to a request of ours, until its head has come.
    response: Option<ResponseFuture>,
    receiving: Option<RecvStream>,
    /// The part of a DATA frame that has not been read.
    unread: Bytes,
    trailers: Vec<u8>,
}

/// What our side is to send next.
#[derive(Debug)]
enum Sending {
    /// A response head.
    Head(SendResponse<Bytes>),
    /// A body.
    Body(SendStream<Bytes>),
}

/// A response head that came on a stream.
#[derive(Debug)]
pub(crate) struct Came {
    pub(crate) status: u16,
    pub(crate) fields: HeaderMap,
    /// Whether nothing follows it.
    pub(crate) ended: bool,
}

impl Duplex {
    /// A stream on which a client has sent a request.
    pub(crate) fn accepted(body: RecvStream, respond: SendResponse<Bytes>) -> Self {
        Self {
            sending: Sending::Head(respond),
            finished: false,
            response: None,
            receiving: Some(body),
            unread: Bytes::new(),
            trailers: Vec::new(),
        }
    }

    /// Sends a request to a server, on a new stream.
    pub(crate) fn begin(
        offer: &mut SendRequest<Bytes>,
        request: Request<()>,
        part: Part,
    ) -> Result<Self, h2::Error> {
        let (response, stream) = offer.send_request(request, part == Part::Last)?;
        Ok(Self {
            sending: Sending::Body(stream),
            finished: part == Part::Last,
            response: Some(response),
            receiving: None,
            unread: Bytes::new(),
            trailers: Vec::new(),
        })
    }

    /// Waits for a response head: an interim one, or the final one.
    pub(crate) fn poll_head(&mut self, context: &mut Context<'_>) -> Poll<Result<Came, h2::Error>> {
        let Some(response) = &mut self.response else { return Poll::Pending };
        if let Poll::Ready(Some(interim)) = response.poll_informational(context) {
            let (parts, ()) = interim?.into_parts();
            let status = parts.status.as_u16();
            return Poll::Ready(Ok(Came { status, fields: parts.headers, ended: false }));
        }
        let (parts, body) = ready!(Pin::new(response).poll(context))?.into_parts();
        let ended = body.is_end_stream();
        self.response = None;
        self.receiving = Some(body);
        Poll::Ready(Ok(Came { status: parts.status.as_u16(), fields: parts.headers, ended }))
    }

    /// Sends an interim response head.
    pub(crate) fn send_interim(&mut self, status: u16, fields: HeaderMap) -> io::Result<()> {
        let Sending::Head(respond) = &mut self.sending else { return Err(closed()) };
        respond.send_informational(response(status, fields)).map_err(into_io)
    }

    /// Sends the final response head.
    pub(crate) fn send_head(
        &mut self,
        status: u16,
        fields: HeaderMap,
        part: Part,
    ) -> io::Result<()> {
        let Sending::Head(respond) = &mut self.sending else { return Err(closed()) };
        self.finished = part == Part::Last;
        let sent = respond.send_response(response(status, fields), self.finished);
        self.sending = Sending::Body(sent.map_err(into_io)?);
        Ok(())
    }

    /// Reads into `buffer`; 0 at the end, when trailers have come too.
    pub(crate) fn poll_read(
        &mut self,
        context: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let Some(receiving) = &mut self.receiving else { return Poll::Pending };
        while self.unread.is_empty() {
            match ready!(receiving.poll_data(context)) {
                Some(Ok(data)) => self.unread = data,
                Some(Err(error)) => return Poll::Ready(Err(into_io(error))),
                None => {
                    if let Some(fields) =
                        ready!(receiving.poll_trailers(context)).map_err(into_io)?
                    {
                        self.trailers = assemble::trailers(fields::bytes(&fields));
                    }
                    return Poll::Ready(Ok(0));
                }
            }
        }
        let count = self.unread.len().min(buffer.len());
        self.unread.copy_to_slice(&mut buffer[..count]);
        // It fails for a stream that is over, which has no use for it.
        let _ = receiving.flow_control().release_capacity(count);
        Poll::Ready(Ok(count))
    }

    /// Writes what the receiver's window takes.
    pub(crate) fn poll_write(
        &mut self,
        context: &mut Context<'_>,
        bytes: &[u8],
        part: Part,
    ) -> Poll<io::Result<usize>> {
        let Sending::Body(stream) = &mut self.sending else { return Poll::Ready(Err(closed())) };
        stream.reserve_capacity(bytes.len().min(WRITE_MAX));
        let mut window = stream.capacity();
        if window == 0 {
            window = match ready!(stream.poll_capacity(context)) {
                Some(window) => window.map_err(into_io)?,
                None => return Poll::Ready(Err(closed())),
            };
        }
        let count = window.min(bytes.len());
        self.finished = part == Part::Last && count == bytes.len();
        let data = Bytes::copy_from_slice(&bytes[..count]);
        stream.send_data(data, self.finished).map_err(into_io)?;
        Poll::Ready(Ok(count))
    }

    /// Ends our side, with the trailer fields in `lines`. Does nothing a second time.
    pub(crate) fn finish(&mut self, lines: &[u8]) -> io::Result<()> {
        let Sending::Body(stream) = &mut self.sending else { return Err(closed()) };
        if std::mem::replace(&mut self.finished, true) {
            return Ok(());
        }
        let sent = if lines.is_empty() {
            stream.send_data(Bytes::new(), true)
        } else {
            stream.send_trailers(fields::map(assemble::fields_of(lines)))
        };
        sent.map_err(into_io)
    }

    /// Ends the stream before its time, as far as it has not ended.
    pub(crate) fn reset(&mut self, reason: Reason) {
        match &mut self.sending {
            Sending::Head(respond) => respond.send_reset(reason),
            Sending::Body(stream) => stream.send_reset(reason),
        }
    }

    /// Waits until the peer resets the stream, or its connection is lost.
    pub(crate) fn poll_reset(&mut self, context: &mut Context<'_>) -> Poll<()> {
        match &mut self.sending {
            Sending::Head(respond) => respond.poll_reset(context).map(|_| ()),
            Sending::Body(stream) => stream.poll_reset(context).map(|_| ()),
        }
    }

    /// Whether our side has said all that it had to say.
    pub(crate) const fn is_finished(&self) -> bool {
        self.finished
    }

    /// Whether the peer has ended its side without trailers, and all of it has been read.
    pub(crate) fn has_ended(&self) -> bool {
        self.unread.is_empty() && self.receiving.as_ref().is_some_and(RecvStream::is_end_stream)
    }

    /// The trailer fields that came, as lines with an empty one behind them.
    pub(crate) fn take_trailers(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.trailers)
    }
}

fn response(status: u16, fields: HeaderMap) -> Response<()> {
    let mut response = Response::new(());
    // Heads are parsed to hold statuses from 100 to 999, which is what the type holds.
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
    *response.headers_mut() = fields;
    response
}

fn closed() -> io::Error {
    io::ErrorKind::BrokenPipe.into()
}

fn into_io(error: h2::Error) -> io::Error {
    io::Error::other(error)
}
