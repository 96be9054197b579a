//! Step 8 of 8: one body on its way into a content coding.

use thiserror::Error;
use tidegate_core::model::compression::{Coding, Level};

use super::brotli::Brotli;
use super::gzip::Gzip;
use super::zstd::Zstd;

/// Why an encoder failed. None does on account of what it is fed; the memory may run out.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("the {} encoder failed", .0.as_str())]
pub struct EncodeError(pub Coding);

/// Whether all that was fed so far has to come out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flush {
    /// No: the encoder may wait for more, which makes the whole smaller.
    Never,
    /// Yes: a receiver can decode every byte that was fed.
    Now,
}

/// How a body is to be encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setting {
    /// Into which coding.
    pub coding: Coding,
    /// How hard.
    pub level: Level,
    /// The length of the body, where it is known. No other number of bytes may then be fed.
    pub length: Option<u64>,
}

/// An encoder in the midst of a body.
#[derive(Debug)]
pub struct Encoder {
    inner: Inner,
    /// Whether there may be something inside that a receiver needs.
    holds: bool,
}

#[derive(Debug)]
enum Inner {
    Gzip(Gzip),
    Brotli(Brotli),
    Zstd(Zstd),
}

impl Encoder {
    /// Bytes that one encoder may hold, at any level and for a body of any length.
    pub const MEMORY_MAX: usize = 5 << 20;

    /// An encoder at the start of a body.
    ///
    /// # Errors
    /// [`EncodeError`] when there is no memory.
    pub fn new(setting: Setting) -> Result<Self, EncodeError> {
        let inner = match setting.coding {
            Coding::Gzip => Inner::Gzip(Gzip::new(setting.level)),
            Coding::Br => Inner::Brotli(Brotli::new(setting.level, setting.length)),
            Coding::Zstd => Inner::Zstd(Zstd::new(setting.level, setting.length)?),
        };
        Ok(Self { inner, holds: true })
    }

    /// Makes it ready for another body in the same coding, whatever became of the one before.
    ///
    /// # Errors
    /// As [`Encoder::new`].
    pub fn renew(&mut self, setting: Setting) -> Result<(), EncodeError> {
        debug_assert_eq!(self.coding(), setting.coding);
        self.holds = true;
        match &mut self.inner {
            Inner::Gzip(gzip) => gzip.renew(setting.level),
            Inner::Brotli(brotli) => {
                *brotli = Brotli::new(setting.level, setting.length);
                Ok(())
            }
            Inner::Zstd(zstd) => zstd.renew(setting.level, setting.length),
        }
    }

    /// Its coding.
    #[must_use]
    pub const fn coding(&self) -> Coding {
        match self.inner {
            Inner::Gzip(_) => Coding::Gzip,
            Inner::Brotli(_) => Coding::Br,
            Inner::Zstd(_) => Coding::Zstd,
        }
    }

    /// Whether a flush would bring something out.
    #[must_use]
    pub const fn holds(&self) -> bool {
        self.holds
    }

    /// Takes in a piece of the body, and puts what comes out behind what `out` holds. An empty
    /// piece with [`Flush::Now`] is how a flush is asked for later.
    ///
    /// # Errors
    /// [`EncodeError`]: the body cannot be finished, and what was sent of it has to be cut off.
    pub fn encode(
        &mut self,
        input: &[u8],
        flush: Flush,
        out: &mut Vec<u8>,
    ) -> Result<(), EncodeError> {
        if input.is_empty() && (flush == Flush::Never || !self.holds) {
            return Ok(());
        }
        self.holds = flush == Flush::Never;
        match &mut self.inner {
            Inner::Gzip(gzip) => gzip.encode(input, flush, out),
            Inner::Brotli(brotli) => brotli.encode(input, flush, out),
            Inner::Zstd(zstd) => zstd.encode(input, flush, out),
        }
    }

    /// Ends the body. Afterwards the encoder is of use only for another.
    ///
    /// # Errors
    /// As [`Encoder::encode`]; also when a length was given and another was fed.
    pub fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        self.holds = false;
        match &mut self.inner {
            Inner::Gzip(gzip) => gzip.finish(out),
            Inner::Brotli(brotli) => brotli.finish(out),
            Inner::Zstd(zstd) => zstd.finish(out),
        }
    }
}
