//! Step 8 of 8: br (RFC 7932), by the brotli crate: a window of 256 KiB, about 4 MiB in all at the
//! highest level.
//!
//! The library has no way to begin anew, so that an encoder serves one body. A smaller window for
//! short bodies is no help: below 128 KiB the library searches in a way that takes ten times as
//! long.

use std::fmt;

use brotli::enc::StandardAlloc;
use brotli::enc::encode::{
    BrotliEncoderOperation, BrotliEncoderParameter, BrotliEncoderStateStruct,
};
use tidegate_core::model::compression::{Coding, Level};

use super::encoder::{EncodeError, Flush};

/// The base-2 logarithm of the window.
const WINDOW_BITS: u32 = 18;
const FAILED: EncodeError = EncodeError(Coding::Br);

pub(super) struct Brotli(Box<BrotliEncoderStateStruct<StandardAlloc>>);

impl Brotli {
    pub(super) fn new(level: Level, length: Option<u64>) -> Self {
        use BrotliEncoderParameter::{
            BROTLI_PARAM_LGWIN, BROTLI_PARAM_QUALITY, BROTLI_PARAM_SIZE_HINT,
        };
        // From a mebibyte on the library would take larger tables.
        const HINT_MAX: u64 = (1 << 20) - 1;
        let mut state = Box::new(BrotliEncoderStateStruct::new(StandardAlloc::default()));
        state.set_parameter(BROTLI_PARAM_QUALITY, level.value().into());
        state.set_parameter(BROTLI_PARAM_LGWIN, WINDOW_BITS);
        let hint = length.unwrap_or(HINT_MAX).min(HINT_MAX) as u32;
        state.set_parameter(BROTLI_PARAM_SIZE_HINT, hint);
        Self(state)
    }

    pub(super) fn encode(
        &mut self,
        input: &[u8],
        flush: Flush,
        out: &mut Vec<u8>,
    ) -> Result<(), EncodeError> {
        let operation = match flush {
            Flush::Never => BrotliEncoderOperation::BROTLI_OPERATION_PROCESS,
            Flush::Now => BrotliEncoderOperation::BROTLI_OPERATION_FLUSH,
        };
        self.run(input, operation, out)
    }

    pub(super) fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        self.run(&[], BrotliEncoderOperation::BROTLI_OPERATION_FINISH, out)?;
        if self.0.is_finished() { Ok(()) } else { Err(FAILED) }
    }

    /// Runs until all input is taken and nothing more comes out. The output is taken from where
    /// the library has it, not by way of a buffer between.
    fn run(
        &mut self,
        input: &[u8],
        operation: BrotliEncoderOperation,
        out: &mut Vec<u8>,
    ) -> Result<(), EncodeError> {
        let (mut left, mut position) = (input.len(), 0);
        loop {
            let (mut room, mut filled) = (0, 0);
            let ran = self.0.compress_stream(
                operation,
                &mut left,
                input,
                &mut position,
                &mut room,
                &mut [],
                &mut filled,
                &mut None,
                &mut |_, _, _, _| (),
            );
            if !ran {
                return Err(FAILED);
            }
            // Zero asks for all there is; the slice goes on behind that.
            let mut length = 0;
            let made = self.0.take_output(&mut length);
            out.extend_from_slice(&made[..length]);
            if left == 0 && !self.0.has_more_output() {
                return Ok(());
            }
        }
    }
}

impl fmt::Debug for Brotli {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Brotli").finish_non_exhaustive()
    }
}
