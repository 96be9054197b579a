//! Step 8 of 8: gzip (RFC 1952), by zlib-rs: a window of 32 KiB, about 350 KiB in all.
//!
//! At level 6 pages come out within two percent of the size that zlib gives them, and at level 1
//! cheaper and larger, so that levels are passed through.

use std::fmt;

use flate2::{Compress, Compression, FlushCompress, Status};
use tidegate_core::model::compression::{Coding, Level};

use super::encoder::{EncodeError, Flush};

/// The base-2 logarithm of the largest window that the format has.
const WINDOW_BITS: u8 = 15;
/// Room that is made in the output at a time.
const ROOM: usize = 4 * 1024;
const FAILED: EncodeError = EncodeError(Coding::Gzip);

pub(super) struct Gzip {
    stream: Compress,
    level: Level,
}

impl Gzip {
    pub(super) fn new(level: Level) -> Self {
        Self { stream: Compress::new_gzip(compression(level), WINDOW_BITS), level }
    }

    pub(super) fn renew(&mut self, level: Level) -> Result<(), EncodeError> {
        self.stream.reset();
        if level != self.level {
            self.stream.set_level(compression(level)).map_err(|_| FAILED)?;
            self.level = level;
        }
        Ok(())
    }

    pub(super) fn encode(
        &mut self,
        input: &[u8],
        flush: Flush,
        out: &mut Vec<u8>,
    ) -> Result<(), EncodeError> {
        let flush = match flush {
            Flush::Never => FlushCompress::None,
            Flush::Now => FlushCompress::Sync,
        };
        self.run(input, flush, out).map(|_| ())
    }

    pub(super) fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        match self.run(&[], FlushCompress::Finish, out)? {
            Status::StreamEnd => Ok(()),
            Status::Ok | Status::BufError => Err(FAILED),
        }
    }

    /// Runs until all input is taken and there was room to spare for what came out.
    fn run(
        &mut self,
        mut input: &[u8],
        flush: FlushCompress,
        out: &mut Vec<u8>,
    ) -> Result<Status, EncodeError> {
        loop {
            out.reserve(ROOM);
            let before = self.stream.total_in();
            let status = self.stream.compress_vec(input, out, flush).map_err(|_| FAILED)?;
            let taken = usize::try_from(self.stream.total_in() - before).map_err(|_| FAILED)?;
            input = &input[taken..];
            if input.is_empty() && out.len() < out.capacity() {
                return Ok(status);
            }
        }
    }
}

fn compression(level: Level) -> Compression {
    Compression::new(level.value().into())
}

impl fmt::Debug for Gzip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gzip").field("level", &self.level).finish_non_exhaustive()
    }
}
