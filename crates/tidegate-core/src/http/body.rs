//! A message body as it is read: how much of the next bytes belong to it, and when it ends.

use super::chunked::{ChunkError, Chunked, Keep, Step};
use super::head::BodyLength;

/// The state of one body.
#[derive(Debug, Default)]
pub enum Body {
    /// All of it has been read.
    #[default]
    Done,
    /// So many bytes are left; never 0.
    Exact(u64),
    /// Chunks.
    Chunked(Chunked),
    /// All until its sender ends it; so many bytes have come.
    UntilEnd(u64),
}

impl Body {
    /// The body that a head announces.
    #[must_use]
    pub fn new(length: BodyLength) -> Self {
        match length {
            BodyLength::Empty | BodyLength::Exact(0) => Self::Done,
            BodyLength::Exact(bytes) => Self::Exact(bytes),
            BodyLength::Chunked => Self::Chunked(Chunked::default()),
            BodyLength::UntilEnd => Self::UntilEnd(0),
        }
    }

    /// Whether all of it has been read.
    #[must_use]
    pub const fn is_done(&self) -> bool {
        match self {
            Self::Done => true,
            Self::Chunked(chunked) => chunked.is_done(),
            Self::Exact(_) | Self::UntilEnd(_) => false,
        }
    }

    /// Reads as much of `buffer` as belongs to the body and leaves at its front what is to be sent
    /// on. Once `done`, `tail` holds the trailer fields that may go on as lines, and an empty line
    /// behind them; it is empty when there are none, as the frames that were kept end already.
    pub fn advance(
        &mut self,
        buffer: &mut [u8],
        keep: Keep,
        tail: &mut Vec<u8>,
    ) -> Result<Step, ChunkError> {
        let available = buffer.len();
        match self {
            Self::Done => Ok(Step { consumed: 0, produced: 0, done: true }),
            Self::UntilEnd(bytes) => {
                *bytes += available as u64;
                Ok(Step { consumed: available, produced: available, done: false })
            }
            Self::Exact(left) => {
                let taken = usize::try_from(*left).map_or(available, |left| left.min(available));
                *left -= taken as u64;
                let done = *left == 0;
                if done {
                    *self = Self::Done;
                }
                Ok(Step { consumed: taken, produced: taken, done })
            }
            Self::Chunked(chunked) => {
                let step = chunked.advance(buffer, keep)?;
                if step.done {
                    *tail = chunked.take_trailer();
                }
                Ok(step)
            }
        }
    }

    /// Notes that the sender of a body of unknown length has ended it.
    pub fn end(&mut self) {
        debug_assert!(matches!(self, Self::UntilEnd(_)));
        *self = Self::Done;
    }

    /// Data bytes so far of a body that did not announce how many come; 0 for one that did.
    #[must_use]
    pub const fn unannounced_bytes(&self) -> u64 {
        match self {
            Self::Chunked(chunked) => chunked.data_bytes(),
            Self::UntilEnd(bytes) => *bytes,
            Self::Done | Self::Exact(_) => 0,
        }
    }
}
