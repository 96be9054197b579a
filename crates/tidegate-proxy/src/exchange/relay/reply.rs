//! Step 8 of 8: the relay's way back: response heads, then the body, until it ends.

use std::task::{Context, Poll, ready};

use tidegate_core::edit::reply as edit;
use tidegate_core::http::assemble::{self, HeadLimits};
use tidegate_core::http::body::Body;
use tidegate_core::http::chunked::Keep;
use tidegate_core::http::head::{BodyLength, Version};
use tidegate_core::http::parse;
use tidegate_core::http::reply::ReplyHead;
use tidegate_core::http::scan::Scan;
use tidegate_core::http::write::{BodyFraming, Persistence};
use tidegate_net::clock;

use super::piece::Piece;
use super::{READ_FIRST, Relay, Relayed, put_chunk, put_last_chunk};
use crate::error::Error;
use crate::exchange::state::Phase;
use crate::exchange::{local, retry, serve, session};
use crate::filter::compress::encoder::Flush;
use crate::held::Held;
use crate::wire::{Part, Wire, fields};

/// What a response head may grow by and still fit in front of the body that came with it.
const HEAD_GROWTH: usize = 2 * 1024;
/// Reads of a long body shrink to this when the client is slow, and grow to the whole scratch when
/// it is not.
const READ_MIN: usize = 16 * 1024;
/// Interim responses to one request.
const INTERIMS_MAX: u8 = 16;

/// What a head turned out to be.
enum HeadStep {
    /// An interim response; the next head follows.
    Interim,
    /// The final response has begun, and the bytes behind its head are taken care of.
    Final,
    /// The protocol was switched.
    Upgraded,
}

impl Relay<'_> {
    pub(super) fn poll_reply(&mut self, context: &mut Context<'_>) -> Poll<Result<Relayed, Error>> {
        loop {
            if !self.gathers() {
                ready!(self.flush_to_client(context))?;
            }
            match self.x.attempt.phase {
                Phase::Head => {
                    if ready!(self.read_head(context))? {
                        return Poll::Ready(Ok(Relayed::Upgraded));
                    }
                }
                Phase::Body if self.x.reply_body.is_done() => {
                    let finished = self.client.wire.finish(&self.x.reply_trailers);
                    return Poll::Ready(finished.map(|()| Relayed::Complete).map_err(gone));
                }
                Phase::Body => match self.read_body_piece(context) {
                    Poll::Ready(result) => result?,
                    Poll::Pending if self.bring_out()? => ready!(self.flush_to_client(context))?,
                    Poll::Pending => return Poll::Pending,
                },
            }
        }
    }

    fn flush_to_client(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        while !self.x.to_client.is_empty() {
            let part = self.reply_part();
            let bytes = self.x.to_client.waiting();
            match self.client.wire.poll_write(context, bytes, part) {
                Poll::Ready(Ok(count)) => self.sent_to_client(count),
                Poll::Ready(Err(_)) => return Poll::Ready(Err(Error::ClientGone)),
                Poll::Pending => {
                    self.x.attempt.blocked = true;
                    return Poll::Pending;
                }
            }
            if self.x.attempt.blocked {
                self.x.attempt.blocked = false;
                self.x.attempt.activity = clock::now();
            }
        }
        self.worker.reclaim(&mut self.x.to_client);
        Poll::Ready(Ok(()))
    }

    /// Whether the bytes that are sent now are the last of the response.
    fn reply_part(&self) -> Part {
        let last = self.x.attempt.phase == Phase::Body
            && self.x.reply_body.is_done()
            && self.x.reply_trailers.is_empty();
        if last { Part::Last } else { Part::More }
    }

    fn sent_to_client(&mut self, count: usize) {
        self.x.to_client.consume(count);
        self.x.bytes_out += count as u64;
        self.x.attempt.window_bytes += count as u64;
    }

    /// Reads towards the end of a response head. True when the protocol was switched.
    fn read_head(&mut self, context: &mut Context<'_>) -> Poll<Result<bool, Error>> {
        if let Wire::Stream(_) = &self.connection.wire {
            return self.read_stream_head(context);
        }
        let worker = self.worker;
        let mut scratch = worker.scratch();
        let buffer = &mut scratch[..HEAD_GROWTH + READ_FIRST];
        let count =
            match ready!(self.connection.wire.poll_read(context, &mut buffer[HEAD_GROWTH..])) {
                Ok(count) if count > 0 => count,
                _ => return Poll::Ready(Err(Error::Reset)),
            };
        self.note_reply_byte();
        let buffer = &mut buffer[..HEAD_GROWTH + count];
        if self.connection.head.is_empty() {
            return Poll::Ready(self.take_heads(context, Piece::new(buffer, HEAD_GROWTH)));
        }
        let mut held = std::mem::take(&mut self.connection.head);
        held.append(&buffer[HEAD_GROWTH..]);
        drop(scratch);
        Poll::Ready(self.take_heads(context, Piece::new(held.waiting_mut(), 0)))
    }

    /// Waits for the next response head on a stream.
    fn read_stream_head(&mut self, context: &mut Context<'_>) -> Poll<Result<bool, Error>> {
        let Wire::Stream(duplex) = &mut self.connection.wire else { return Poll::Pending };
        let came = ready!(duplex.poll_head(context)).map_err(|error| stream_error(&error))?;
        self.note_reply_byte();
        let limits = &self.course.listener.limits;
        let limits = HeadLimits {
            bytes: limits.header_bytes as usize,
            fields: usize::from(limits.header_fields),
        };
        let worker = self.worker;
        let reply = &mut *worker.reply();
        assemble::reply(came.status, fields::bytes(&came.fields), came.ended, limits, reply)?;
        match came.status {
            101 => Poll::Ready(Err(Error::UnaskedUpgrade)),
            100..=199 => Poll::Ready(self.take_interim(reply).map(|()| false)),
            _ => Poll::Ready(self.take_final(context, reply, &mut Piece::empty()).map(|_| false)),
        }
    }

    fn note_reply_byte(&mut self) {
        self.x.attempt.reply_begun = true;
        self.x.attempt.activity = clock::now();
        self.x.marks.first_byte.get_or_insert(self.x.attempt.activity);
    }

    /// Takes heads off the front up to the final one; what is left of a partial one is held. True
    /// when the protocol was switched.
    fn take_heads(
        &mut self,
        context: &mut Context<'_>,
        mut piece: Piece<'_>,
    ) -> Result<bool, Error> {
        let limit = self.course.listener.limits.header_bytes as usize;
        loop {
            let scanned = self.x.attempt.scan.advance(piece.bytes(), limit);
            let Some(length) = scanned.map_err(parse::ReplyError::from)? else {
                let mut held = Held::default();
                held.append(piece.bytes());
                self.connection.head = held;
                return Ok(false);
            };
            match self.take_head(context, &mut piece, length)? {
                HeadStep::Interim => {}
                HeadStep::Final => return Ok(false),
                HeadStep::Upgraded => return Ok(true),
            }
        }
    }

    /// Takes the head that is the first `length` bytes.
    fn take_head(
        &mut self,
        context: &mut Context<'_>,
        piece: &mut Piece<'_>,
        length: usize,
    ) -> Result<HeadStep, Error> {
        self.x.attempt.scan = Scan::default();
        let to_head = self.x.head.method() == "HEAD";
        let fields_max = usize::from(self.course.listener.limits.header_fields);
        let worker = self.worker;
        let reply = &mut *worker.reply();
        parse::reply(&piece.bytes()[..length], fields_max, to_head, reply)?;
        piece.skip(length);
        match reply.status() {
            101 => self.take_switch(reply, piece.bytes()),
            100..=199 => self.take_interim(reply).map(|()| HeadStep::Interim),
            _ => self.take_final(context, reply, piece),
        }
    }

    /// The final response begins, unless it is one that the route has the next server asked for.
    fn take_final(
        &mut self,
        context: &mut Context<'_>,
        reply: &mut ReplyHead,
        rest: &mut Piece<'_>,
    ) -> Result<HeadStep, Error> {
        let status = self.x.note_head(reply);
        if retry::would_retry(self.x, self.course, status) {
            return Err(Error::Status(status));
        }
        self.begin_reply(context, reply, rest)
    }

    /// Passes an interim response on (RFC 9110, section 15.2), unless the client is too old to know
    /// them.
    fn take_interim(&mut self, reply: &ReplyHead) -> Result<(), Error> {
        self.x.attempt.interims += 1;
        if self.x.attempt.interims > INTERIMS_MAX {
            return Err(Error::InterimFlood);
        }
        match self.x.head.version() {
            Version::Http10 => Ok(()),
            Version::Http11 | Version::Http2 => {
                self.x.attempt.committed = true;
                self.write_head(reply, BodyFraming::AsReceived, Persistence::Default)
            }
        }
    }

    /// The server switches protocols: only if it was asked to, and to what it was asked.
    fn take_switch(&mut self, answered: &ReplyHead, rest: &[u8]) -> Result<HeadStep, Error> {
        let asked = &self.x.head;
        let token = asked.values("upgrade").next().map(<[u8]>::to_ascii_lowercase);
        let same = answered.values("upgrade").map(<[u8]>::to_ascii_lowercase).eq(token);
        if !self.x.upgrade || !answered.connection().upgrade || !same {
            return Err(Error::UnaskedUpgrade);
        }
        self.commit(101);
        session::tell(self.worker, self.client, self.x, self.course, answered);
        self.write_head(answered, BodyFraming::AsReceived, Persistence::Upgrade)?;
        self.queue(rest);
        Ok(HeadStep::Upgraded)
    }

    fn begin_reply(
        &mut self,
        context: &mut Context<'_>,
        reply: &mut ReplyHead,
        rest: &mut Piece<'_>,
    ) -> Result<HeadStep, Error> {
        let body = reply.body();
        let bodiless = self.x.head.method() == "HEAD" || matches!(reply.status(), 204 | 304);
        if bodiless && !rest.bytes().is_empty() {
            return Err(Error::StrayBytes);
        }
        let (course, x) = (self.course, &*self.x);
        if course.route.response.is_some() {
            let facts = serve::facts(self.client, x, course.listener);
            edit::apply(course.route, &x.head, &facts, &mut self.worker.editor(), reply)
                .map_err(Error::BadReplyEdit)?;
        }
        self.begin_compression(reply);
        let framing = self.frame_reply(reply);
        self.x.reply_body = Body::new(body);
        if matches!(body, BodyLength::Exact(bytes) if bytes > READ_FIRST as u64) {
            self.x.attempt.read_limit = usize::MAX;
        }
        self.x.attempt.server_persists = reply.keeps_alive() && body != BodyLength::UntilEnd;
        self.commit(reply.status());
        session::tell(self.worker, self.client, self.x, self.course, reply);
        let persistence = self.persistence(framing);
        self.x.attempt.phase = Phase::Body;
        self.write_head(reply, framing, persistence)?;
        self.deliver(context, rest)?;
        Ok(HeadStep::Final)
    }

    /// Decides how the body is framed for this client.
    fn frame_reply(&mut self, reply: &ReplyHead) -> BodyFraming {
        let framing = match (self.x.head.version(), reply.body()) {
            (Version::Http2, _) => BodyFraming::Stream,
            _ if self.x.encoder.is_some() => BodyFraming::Chunked,
            // A stream ends by itself, and yet its length may be known.
            (_, BodyLength::UntilEnd) if reply.announces_length() => BodyFraming::AsReceived,
            (Version::Http10, BodyLength::UntilEnd | BodyLength::Chunked) => BodyFraming::Close,
            (_, BodyLength::UntilEnd) => BodyFraming::Chunked,
            _ => BodyFraming::AsReceived,
        };
        let framed = self.x.head.version() == Version::Http11 && self.x.encoder.is_none();
        self.x.attempt.keeps = Some(if framed { Keep::Frames } else { Keep::Data });
        self.x.attempt.rechunks = framing == BodyFraming::Chunked;
        framing
    }

    fn persistence(&mut self, framing: BodyFraming) -> Persistence {
        let now = self.x.attempt.activity;
        let undecided = self.x.body_is_undecided();
        if undecided || framing == BodyFraming::Close || self.client.is_retiring(self.worker, now) {
            self.x.client_persists = false;
        }
        match (self.x.client_persists, self.x.head.version()) {
            (false, _) => Persistence::Close,
            (true, Version::Http10) => Persistence::KeepAlive,
            (true, Version::Http11 | Version::Http2) => Persistence::Default,
        }
    }

    fn commit(&mut self, status: u16) {
        self.x.attempt.committed = true;
        self.x.status = Some(status);
    }

    fn write_head(
        &mut self,
        reply: &ReplyHead,
        framing: BodyFraming,
        persistence: Persistence,
    ) -> Result<(), Error> {
        let form = (framing, persistence, self.reply_part());
        local::write_head(self.worker, self.client, self.x, reply, form).map_err(gone)
    }

    /// Lets bytes wait for the client.
    fn queue(&mut self, bytes: &[u8]) {
        if !bytes.is_empty() {
            self.worker.lend(&mut self.x.to_client);
            self.x.to_client.append(bytes);
        }
    }

    fn read_body_piece(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let worker = self.worker;
        let mut scratch = worker.scratch();
        let room = scratch.len().min(self.client.wire.write_size());
        let limit = self.x.attempt.read_limit.min(room);
        let count = match ready!(self.connection.wire.poll_read(context, &mut scratch[..limit])) {
            Ok(0) if matches!(self.x.reply_body, Body::UntilEnd(_)) => {
                self.end_reply();
                self.finish_encoder()?;
                self.close_chunks();
                return Poll::Ready(Ok(()));
            }
            Ok(count) if count > 0 => count,
            _ => return Poll::Ready(Err(Error::Reset)),
        };
        self.x.attempt.activity = clock::now();
        self.deliver(context, &mut Piece::new(&mut scratch[..count], 0))?;
        let attempt = &mut self.x.attempt;
        if !self.x.to_client.is_empty() {
            attempt.read_limit = (limit / 2).max(READ_MIN);
        } else if count == limit {
            attempt.read_limit = limit.saturating_mul(2);
        }
        Poll::Ready(Ok(()))
    }

    /// The server closed or ended its stream, and that is how its body ends.
    fn end_reply(&mut self) {
        self.x.reply_body.end();
        self.x.reply_trailers = self.connection.wire.take_trailers();
        self.x.note_trailers();
    }

    /// Ends the chunks that the data of a body was put into.
    fn close_chunks(&mut self) {
        if self.x.attempt.rechunks {
            self.worker.lend(&mut self.x.to_client);
            put_last_chunk(&self.x.reply_trailers, self.x.to_client.vector());
            self.x.reply_trailers.clear();
        }
    }

    /// Sends a piece of the response body, behind whatever of the head still waits.
    fn deliver(&mut self, context: &mut Context<'_>, piece: &mut Piece<'_>) -> Result<(), Error> {
        let keep = self.x.attempt.keeps.unwrap_or(Keep::Frames);
        let step = self
            .x
            .reply_body
            .advance(piece.bytes_mut(), keep, &mut self.x.reply_trailers)
            .map_err(|_| Error::BadReplyChunk)?;
        self.x.attempt.stray |= step.consumed < piece.bytes().len();
        self.x.note_trailers();
        let ended =
            matches!(self.x.reply_body, Body::UntilEnd(_)) && self.connection.wire.has_ended();
        if ended {
            self.end_reply();
        }
        piece.truncate(step.produced);
        if self.x.encoder.is_some() {
            return self.deliver_encoded(piece.bytes());
        }
        if self.x.attempt.rechunks {
            self.worker.lend(&mut self.x.to_client);
            put_chunk(piece.bytes(), self.x.to_client.vector());
        } else if !piece.bytes().is_empty() {
            self.send_now(context, piece)?;
        }
        if ended {
            self.close_chunks();
        } else if keep == Keep::Frames && !self.x.reply_trailers.is_empty() {
            let trailers = std::mem::take(&mut self.x.reply_trailers);
            self.queue(&trailers);
        }
        Ok(())
    }

    /// Sends a piece of the body through the encoder, and the end of it if that has come.
    fn deliver_encoded(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.encode(bytes, Flush::Never)?;
        if self.x.reply_body.is_done() {
            self.finish_encoder()?;
            self.close_chunks();
        }
        Ok(())
    }

    /// Sends what waits and this piece in one call; what the socket does not take waits.
    fn send_now(&mut self, context: &mut Context<'_>, piece: &mut Piece<'_>) -> Result<(), Error> {
        if piece.prepend(self.x.to_client.waiting()) {
            self.x.to_client.clear();
        }
        let part = self.reply_part();
        let (waiting, bytes) = (self.x.to_client.waiting(), piece.bytes());
        let waited = waiting.len();
        let written = if waited == 0 {
            self.client.wire.poll_write(context, bytes, part)
        } else {
            self.client.wire.poll_write_both(context, waiting, bytes)
        };
        let count = match written {
            Poll::Ready(Ok(count)) => count,
            Poll::Ready(Err(_)) => return Err(Error::ClientGone),
            Poll::Pending => 0,
        };
        self.sent_to_client(count.min(waited));
        let sent = count.saturating_sub(waited);
        self.x.bytes_out += sent as u64;
        self.x.attempt.window_bytes += sent as u64;
        self.queue(&bytes[sent..]);
        Ok(())
    }
}

fn gone(_: std::io::Error) -> Error {
    Error::ClientGone
}

/// What became of a stream that brought no response head. A stream that the server refused, or that
/// its farewell left out, was not looked at (RFC 9113, sections 6.8 and 8.7).
fn stream_error(error: &h2::Error) -> Error {
    let reason = error.reason();
    let refused = reason == Some(h2::Reason::REFUSED_STREAM);
    let left_out = error.is_go_away() && error.is_remote() && reason == Some(h2::Reason::NO_ERROR);
    if refused || left_out { Error::Refused } else { Error::Reset }
}
