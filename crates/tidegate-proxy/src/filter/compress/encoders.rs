//! Step 8 of 8: what a core keeps for compression: encoders to use again, and the account of the
//! time spent.
//!
//! Making an encoder costs as much as encoding a few kibibytes, since its tables come from the
//! system page by page; making it ready again costs a fraction of that. So those that are done are
//! kept, the one used last on top. All time in encoders goes through here and to the ceiling.

use std::sync::Arc;

use tidegate_core::compress::ceiling::{Ceiling, Effort};
use tidegate_core::model::compression::{Coding, Compression, Level};
use tidegate_core::telemetry::compression::CompressionCells;
use tidegate_core::time::Instant;
use tidegate_net::clock;

use super::encoder::{EncodeError, Encoder, Flush, Setting};

/// Encoders of one coding that a core keeps: more than are at work at once unless bodies are long.
const SPARES: usize = 8;

/// A core's encoders.
#[derive(Debug)]
pub struct Encoders {
    spares: [Vec<Encoder>; Coding::ALL.len()],
    ceiling: Ceiling,
    cells: Arc<CompressionCells>,
}

impl Encoders {
    /// None yet; what happens is counted in `cells`.
    #[must_use]
    pub fn new(cells: Arc<CompressionCells>) -> Self {
        Self { spares: Default::default(), ceiling: Ceiling::default(), cells }
    }

    /// An encoder for a body of `length` bytes, if that is known. `None`: the ceiling is reached or
    /// there is no memory, and the body goes as it is.
    pub fn take(
        &mut self,
        policy: &Compression,
        coding: Coding,
        length: Option<u64>,
    ) -> Option<Encoder> {
        let level = match self.ceiling.effort(policy.cpu_ceiling, clock::now()) {
            Effort::Full => policy.levels.of(coding),
            Effort::Lowered => {
                self.cells.lowered.increment();
                Level::cheapest(coding)
            }
            Effort::None => {
                self.cells.skipped.increment();
                return None;
            }
        };
        let encoder = self.begin(Setting { coding, level, length });
        match encoder {
            Ok(_) => self.cells.of(coding).bodies.increment(),
            Err(_) => self.cells.failed.increment(),
        }
        encoder.ok()
    }

    /// Encodes a piece of a body; see [`Encoder::encode`].
    ///
    /// # Errors
    /// As there.
    pub fn encode(
        &mut self,
        encoder: &mut Encoder,
        input: &[u8],
        flush: Flush,
        out: &mut Vec<u8>,
    ) -> Result<(), EncodeError> {
        let (began, before) = (clock::now(), out.len());
        let result = encoder.encode(input, flush, out);
        self.account(encoder.coding(), [input.len(), out.len() - before], began);
        result.inspect_err(|_| self.cells.failed.increment())
    }

    /// Ends a body and takes its encoder back.
    ///
    /// # Errors
    /// As [`Encoder::finish`].
    pub fn finish(&mut self, mut encoder: Encoder, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        let (began, before) = (clock::now(), out.len());
        let result = encoder.finish(out);
        self.account(encoder.coding(), [0, out.len() - before], began);
        self.give(encoder);
        result.inspect_err(|_| self.cells.failed.increment())
    }

    /// Takes the encoder of a body back that will not be finished, or was.
    pub fn give(&mut self, encoder: Encoder) {
        // A brotli encoder cannot be used again: keeping it would only keep its memory.
        let spares = &mut self.spares[encoder.coding() as usize];
        if encoder.coding() != Coding::Br && spares.len() < SPARES {
            spares.push(encoder);
        }
    }

    fn begin(&mut self, setting: Setting) -> Result<Encoder, EncodeError> {
        let began = clock::now();
        let encoder = match self.spares[setting.coding as usize].pop() {
            Some(mut encoder) => encoder.renew(setting).map(|()| encoder),
            None => Encoder::new(setting),
        };
        self.account(setting.coding, [0, 0], began);
        encoder
    }

    /// Notes what was done since `began`: bytes in, bytes out, time.
    fn account(&mut self, coding: Coding, [taken, made]: [usize; 2], began: Instant) {
        let now = clock::now();
        let took = now.since(began);
        self.ceiling.spend(took, now);
        self.cells.nanos.add(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX));
        let cells = self.cells.of(coding);
        cells.bytes_in.add(taken as u64);
        cells.bytes_out.add(made as u64);
    }
}
