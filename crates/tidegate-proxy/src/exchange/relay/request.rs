//! Step 8 of 8: the relay's way to the server: the head, then the body as the client sends it.

use std::task::{Context, Poll};

use tidegate_core::http::chunked::Keep;
use tidegate_core::http::head::BodyLength;

use super::Relay;
use crate::error::Error;
use crate::exchange::route::body_limit;

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
            if self.x.request_body.is_done() || !self.read_body(context)? {
                return Ok(());
            }
        }
    }

    /// True when nothing waits any more.
    fn flush_to_server(&mut self, context: &mut Context<'_>) -> Result<bool, Error> {
        while !self.x.to_server.is_empty() {
            let bytes = self.x.to_server.waiting();
            match self.connection.stream.poll_write(context, bytes) {
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
        let input = self.client.input.waiting_mut();
        let step = self.x.request_body.advance(input, Keep::Frames, &mut self.x.tail)?;
        self.x.to_server.append(&input[..step.produced]);
        self.client.input.consume(step.consumed);
        self.after_step(step.consumed)?;
        if self.x.to_server.kept() > REPLAY_BYTES {
            self.x.replayable = false;
        }
        Ok(())
    }

    fn read_from_socket(&mut self, context: &mut Context<'_>) -> Result<bool, Error> {
        let worker = self.worker;
        let mut scratch = worker.scratch();
        let count = match self.client.stream.poll_read(context, &mut scratch) {
            Poll::Pending => return Ok(false),
            Poll::Ready(Ok(count)) if count > 0 => count,
            Poll::Ready(_) => return Err(Error::ClientGone),
        };
        let bytes = &mut scratch[..count];
        let step = self.x.request_body.advance(bytes, Keep::Frames, &mut self.x.tail)?;
        self.send(context, &bytes[..step.produced])?;
        self.client.unread(worker, &bytes[step.consumed..]);
        self.after_step(step.consumed)?;
        Ok(true)
    }

    /// Sends body bytes, keeping them while the whole request so far is small enough to be sent
    /// again.
    fn send(&mut self, context: &mut Context<'_>, bytes: &[u8]) -> Result<(), Error> {
        let x = &mut *self.x;
        if x.replayable && x.to_server.kept() + bytes.len() <= REPLAY_BYTES {
            x.to_server.append(bytes);
            return Ok(());
        }
        if x.replayable {
            // All of it has been sent, or more would not have been read.
            debug_assert!(x.to_server.is_empty());
            x.replayable = false;
            x.to_server.clear();
        }
        let sent = match self.connection.stream.poll_write(context, bytes) {
            Poll::Ready(Ok(count)) => count,
            Poll::Pending => 0,
            Poll::Ready(Err(_)) => return self.turn_deaf().map(|_| ()),
        };
        x.to_server.append(&bytes[sent..]);
        Ok(())
    }

    fn after_step(&mut self, consumed: usize) -> Result<(), Error> {
        self.x.bytes_in += consumed as u64;
        self.x.attempt.client_progress(consumed);
        if !self.x.tail.is_empty() {
            self.x.to_server.append(&self.x.tail);
            self.x.tail.clear();
        }
        let limit = body_limit(self.course.route, self.course.listener);
        if limit.exceeded_by(self.x.request_body.chunk_data_bytes()) {
            return Err(Error::BodyTooLarge);
        }
        Ok(())
    }
}
