//! Step 8 of 8: the relay's way to the server: the head, then the body as the client sends it.

use std::task::{Context, Poll};

use tidegate_core::http::body::Body;
use tidegate_core::http::chunked::Keep;
use tidegate_core::http::head::BodyLength;

use super::{Relay, put_chunk, put_last_chunk};
use crate::error::Error;
use crate::exchange::route::body_limit;
use crate::wire::Part;

/// How much of a request is kept, so that it can be sent again.
const REPLAY_BYTES: usize = 64 * 1024;

impl Relay<'_> {
    /// Sends what can be sent now. A server that stops listening is no error yet: it may have
    /// answered.
    pub(super) fn drive_request(&mut self, context: &mut Context<'_>) -> Result<(), Error> {
        if !self.x.attempt.sent && !self.client.input.is_empty() && !self.x.request_body.is_done() {
            // What came with the head leaves with it.
            self.read_from_input()?;
        }
        loop {
            if self.x.attempt.deaf || !self.flush_to_server(context)? {
                return Ok(());
            }
            if self.x.request_body.is_done() {
                return self.finish_request();
            }
            if !self.read_body(context)? {
                return Ok(());
            }
        }
    }

    /// Says that the request is whole, where its bytes do not say it.
    fn finish_request(&mut self) -> Result<(), Error> {
        if self.connection.wire.finish(&self.x.request_trailers).is_err() {
            self.x.attempt.deaf = true;
        }
        Ok(())
    }

    /// Whether the bytes that are sent now are the last of the request.
    fn request_part(&self) -> Part {
        let last = self.x.request_body.is_done() && self.x.request_trailers.is_empty();
        if last { Part::Last } else { Part::More }
    }

    /// What of a body is kept for the server: frames, if those that came can go on.
    fn request_keep(&self) -> Keep {
        if self.connection.wire.is_socket() { Keep::Frames } else { Keep::Data }
    }

    /// Whether data has to be put into chunks, as the server is not told how much comes.
    fn rechunks_request(&self) -> bool {
        self.x.head.body() == BodyLength::UntilEnd && self.connection.wire.is_socket()
    }

    /// True when nothing waits any more.
    fn flush_to_server(&mut self, context: &mut Context<'_>) -> Result<bool, Error> {
        while !self.x.to_server.is_empty() {
            let part = self.request_part();
            let bytes = self.x.to_server.waiting();
            match self.connection.wire.poll_write(context, bytes, part) {
                Poll::Pending => return Ok(false),
                Poll::Ready(Ok(count)) => {
                    self.x.attempt.sent = true;
                    self.x.to_server.advance(count);
                }
                Poll::Ready(Err(_)) => return self.turn_deaf(),
            }
        }
        if !self.x.replayable {
            self.x.to_server.clear();
        } else if self.x.head.body() == BodyLength::Empty {
            // A head alone is written again sooner than kept.
            self.x.to_server.clear();
            self.worker.reclaim(&mut self.x.to_server);
        }
        Ok(true)
    }

    /// The server takes no more. If it took nothing at all there will be no answer either.
    fn turn_deaf(&mut self) -> Result<bool, Error> {
        self.x.attempt.deaf = true;
        if self.x.attempt.sent { Ok(false) } else { Err(Error::Reset) }
    }

    /// Takes body bytes from the client; false when it has none now.
    fn read_body(&mut self, context: &mut Context<'_>) -> Result<bool, Error> {
        if self.client.input.is_empty() {
            return self.read_from_socket(context);
        }
        self.read_from_input()?;
        Ok(true)
    }

    fn read_from_input(&mut self) -> Result<(), Error> {
        let (keep, rechunks) = (self.request_keep(), self.rechunks_request());
        let input = self.client.input.waiting_mut();
        let step = self.x.request_body.advance(input, keep, &mut self.x.request_trailers)?;
        let bytes = &input[..step.produced];
        if rechunks {
            put_chunk(bytes, self.x.to_server.vector());
        } else {
            self.x.to_server.append(bytes);
        }
        self.client.input.consume(step.consumed);
        self.check_size()?;
        self.after_step(step.consumed);
        if self.x.to_server.kept() > REPLAY_BYTES {
            self.x.replayable = false;
        }
        Ok(())
    }

    fn read_from_socket(&mut self, context: &mut Context<'_>) -> Result<bool, Error> {
        let worker = self.worker;
        let mut scratch = worker.scratch();
        let streamed = matches!(self.x.request_body, Body::UntilEnd(_));
        let room = scratch.len().min(self.connection.wire.write_size());
        let count = match self.client.wire.poll_read(context, &mut scratch[..room]) {
            Poll::Pending => return Ok(false),
            Poll::Ready(Ok(0)) if streamed => {
                self.end_stream();
                return Ok(true);
            }
            Poll::Ready(Ok(count)) if count > 0 => count,
            Poll::Ready(_) => return Err(Error::ClientGone),
        };
        let keep = self.request_keep();
        let bytes = &mut scratch[..count];
        let step = self.x.request_body.advance(bytes, keep, &mut self.x.request_trailers)?;
        // A body that has ended does not tell its size any more.
        self.check_size()?;
        if streamed && self.client.wire.has_ended() {
            self.x.request_body.end();
        }
        self.send(context, &bytes[..step.produced])?;
        self.client.unread(worker, &bytes[step.consumed..]);
        if streamed && self.x.request_body.is_done() && self.rechunks_request() {
            put_last_chunk(&[], self.x.to_server.vector());
        }
        self.after_step(step.consumed);
        Ok(true)
    }

    /// The client has ended its stream, perhaps with trailers.
    fn end_stream(&mut self) {
        self.x.request_body.end();
        let trailers = self.client.wire.take_trailers();
        if self.rechunks_request() {
            put_last_chunk(&trailers, self.x.to_server.vector());
        } else {
            self.x.request_trailers = trailers;
        }
    }

    /// Sends body bytes, keeping them while the whole request so far is small enough to be sent
    /// again.
    fn send(&mut self, context: &mut Context<'_>, bytes: &[u8]) -> Result<(), Error> {
        let (part, rechunks) = (self.request_part(), self.rechunks_request());
        let x = &mut *self.x;
        let kept = x.replayable && x.to_server.kept() + bytes.len() <= REPLAY_BYTES;
        if !kept && x.replayable {
            // All of it has been sent, or more would not have been read.
            debug_assert!(x.to_server.is_empty());
            x.replayable = false;
            x.to_server.clear();
        }
        if rechunks {
            put_chunk(bytes, x.to_server.vector());
            return Ok(());
        }
        if kept {
            x.to_server.append(bytes);
            return Ok(());
        }
        let sent = match self.connection.wire.poll_write(context, bytes, part) {
            Poll::Ready(Ok(count)) => count,
            Poll::Pending => 0,
            Poll::Ready(Err(_)) => return self.turn_deaf().map(|_| ()),
        };
        x.to_server.append(&bytes[sent..]);
        Ok(())
    }

    /// Whether a body of unknown length is within its limit so far.
    fn check_size(&self) -> Result<(), Error> {
        let limit = body_limit(self.course.route, self.course.listener);
        let exceeded = limit.exceeded_by(self.x.request_body.unannounced_bytes());
        if exceeded { Err(Error::BodyTooLarge) } else { Ok(()) }
    }

    fn after_step(&mut self, consumed: usize) {
        self.x.bytes_in += consumed as u64;
        self.x.attempt.client_progress(consumed);
        if self.connection.wire.is_socket() {
            self.x.to_server.append(&self.x.request_trailers);
            self.x.request_trailers.clear();
        }
    }
}
