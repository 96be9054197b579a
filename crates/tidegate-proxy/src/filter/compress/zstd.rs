//! Step 8 of 8: zstd (RFC 8878), by libzstd: a window of 256 KiB, at most 3 MiB in all at the
//! highest level.
//!
//! A window far below the 8 MiB that every decoder of the coding has to take (RFC 9659). With the
//! length of a short body the library makes do with smaller tables, which are quicker to clear.

use std::fmt;
use std::io;

use tidegate_core::model::compression::{Coding, Level};
use zstd::stream::raw::{CParameter, Encoder, InBuffer, Operation, OutBuffer};

use super::encoder::{EncodeError, Flush};

/// The base-2 logarithm of the window.
const WINDOW_BITS: u32 = 18;
/// Room that is made in the output at a time.
const ROOM: usize = 4 * 1024;

pub(super) struct Zstd {
    context: Encoder<'static>,
    level: Level,
}

impl Zstd {
    pub(super) fn new(level: Level, length: Option<u64>) -> Result<Self, EncodeError> {
        let mut context = Encoder::new(level.value().into()).map_err(failed)?;
        context.set_parameter(CParameter::WindowLog(WINDOW_BITS)).map_err(failed)?;
        context.set_pledged_src_size(length).map_err(failed)?;
        Ok(Self { context, level })
    }

    pub(super) fn renew(&mut self, level: Level, length: Option<u64>) -> Result<(), EncodeError> {
        self.context.reinit().map_err(failed)?;
        if level != self.level {
            let parameter = CParameter::CompressionLevel(level.value().into());
            self.context.set_parameter(parameter).map_err(failed)?;
            self.level = level;
        }
        self.context.set_pledged_src_size(length).map_err(failed)
    }

    pub(super) fn encode(
        &mut self,
        input: &[u8],
        flush: Flush,
        out: &mut Vec<u8>,
    ) -> Result<(), EncodeError> {
        let mut input = InBuffer::around(input);
        while input.pos() < input.src.len() {
            self.step(out, |context, out| context.run(&mut input, out))?;
        }
        match flush {
            Flush::Never => Ok(()),
            Flush::Now => self.drain(out, |context, out| context.flush(out)),
        }
    }

    pub(super) fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        self.drain(out, |context, out| context.finish(out, true))
    }

    /// Takes steps until none leaves anything to come.
    fn drain(
        &mut self,
        out: &mut Vec<u8>,
        step: impl Fn(&mut Encoder<'static>, &mut OutBuffer<'_, Vec<u8>>) -> io::Result<usize>,
    ) -> Result<(), EncodeError> {
        while self.step(out, &step)? > 0 {}
        Ok(())
    }

    fn step(
        &mut self,
        out: &mut Vec<u8>,
        step: impl FnOnce(&mut Encoder<'static>, &mut OutBuffer<'_, Vec<u8>>) -> io::Result<usize>,
    ) -> Result<usize, EncodeError> {
        out.reserve(ROOM);
        let end = out.len();
        let mut out = OutBuffer::around_pos(out, end);
        step(&mut self.context, &mut out).map_err(failed)
    }
}

fn failed(_: io::Error) -> EncodeError {
    EncodeError(Coding::Zstd)
}

impl fmt::Debug for Zstd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Zstd").field("level", &self.level).finish_non_exhaustive()
    }
}
