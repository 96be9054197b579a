//! Step 8 of 8: compression on the relay's way back.
//!
//! The data of a response goes through an encoder, which keeps bytes back until it has enough of
//! them. When the server has nothing more to say for the moment, what is kept is brought out, so
//! that nobody waits for it.

use tidegate_core::compress::apply::apply;
use tidegate_core::compress::decide::{Decision, decide};
use tidegate_core::http::head::BodyLength;
use tidegate_core::http::reply::ReplyHead;

use super::{Relay, put_chunk};
use crate::error::Error;
use crate::filter::compress::encoder::Flush;
use crate::held::Held;

/// What is gathered of a response before it is sent, so that a small one leaves in one piece.
const GATHER_BYTES: usize = 16 * 1024;

impl Relay<'_> {
    /// Decides whether the body that follows this head is compressed, and changes the head to it.
    pub(super) fn begin_compression(&mut self, reply: &mut ReplyHead) {
        let Some(policy) = &self.course.route.compression else { return };
        let mut decision = decide(policy, &self.x.head, reply);
        if let Decision::Encode(coding) = decision
            && self.x.head.method() != "HEAD"
        {
            let length = match reply.body() {
                BodyLength::Exact(bytes) => Some(bytes),
                _ => None,
            };
            self.x.encoder = self.worker.encoders().take(policy, coding, length);
            if self.x.encoder.is_none() {
                decision = Decision::Vary;
            }
        }
        apply(decision, reply);
    }

    /// Whether what waits for the client may wait for more of its kind.
    pub(super) fn gathers(&self) -> bool {
        self.x.encoder.is_some() && self.x.to_client.waiting().len() < GATHER_BYTES
    }

    /// Puts data through the encoder.
    pub(super) fn encode(&mut self, data: &[u8], flush: Flush) -> Result<(), Error> {
        let Some(encoder) = &mut self.x.encoder else { return Ok(()) };
        let mut out = Held::default();
        self.worker.lend(&mut out);
        let encoded = self.worker.encoders().encode(encoder, data, flush, out.vector());
        self.queue_encoded(out);
        encoded.map_err(|_| Error::Encode)
    }

    /// Brings out what the encoder keeps back. True when something waits for the client then.
    pub(super) fn bring_out(&mut self) -> Result<bool, Error> {
        if self.x.encoder.as_ref().is_some_and(|encoder| encoder.holds()) {
            self.encode(&[], Flush::Now)?;
        }
        Ok(self.x.encoder.is_some() && !self.x.to_client.is_empty())
    }

    /// Brings out the end of the compressed body.
    pub(super) fn finish_encoder(&mut self) -> Result<(), Error> {
        let Some(encoder) = self.x.encoder.take() else { return Ok(()) };
        let mut out = Held::default();
        self.worker.lend(&mut out);
        let finished = self.worker.encoders().finish(encoder, out.vector());
        self.queue_encoded(out);
        finished.map_err(|_| Error::Encode)
    }

    fn queue_encoded(&mut self, mut out: Held) {
        self.worker.lend(&mut self.x.to_client);
        if self.x.attempt.rechunks {
            put_chunk(out.waiting(), self.x.to_client.vector());
        } else {
            self.x.to_client.append(out.waiting());
        }
        out.clear();
        self.worker.reclaim(&mut out);
    }
}
