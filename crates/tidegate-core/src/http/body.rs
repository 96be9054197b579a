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
    /// All until the connection closes.
    UntilClose,
}

impl Body {
    /// The body that a head announces.
    #[must_use]
    pub fn new(length: BodyLength) -> Self {
        match length {
            BodyLength::Empty | BodyLength::Exact(0) => Self::Done,
            BodyLength::Exact(bytes) => Self::Exact(bytes),
            BodyLength::Chunked => Self::Chunked(Chunked::default()),
            BodyLength::UntilClose => Self::UntilClose,
        }
    }

    /// Whether all of it has been read.
    #[must_use]
    pub const fn is_done(&self) -> bool {
        match self {
            Self::Done => true,
            Self::Chunked(chunked) => chunked.is_done(),
            Self::Exact(_) | Self::UntilClose => false,
        }
    }

    /// Reads as much of `buffer` as belongs to the body and leaves at its front what is to be sent
    /// on. After `done`, the bytes of [`Step::produced`] are followed by those that `tail` holds.
    pub fn advance(
        &mut self,
        buffer: &mut [u8],
        keep: Keep,
        tail: &mut Vec<u8>,
    ) -> Result<Step, ChunkError> {
        let available = buffer.len();
        match self {
            Self::Done => Ok(Step { consumed: 0, produced: 0, done: true }),
            Self::UntilClose => Ok(Step { consumed: available, produced: available, done: false }),
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
                if step.done && keep == Keep::Frames {
                    *tail = chunked.take_trailer();
                }
                Ok(step)
            }
        }
    }

    /// Data bytes of a chunked body so far; 0 for the other kinds, whose length is known or has no
    /// bound.
    #[must_use]
    pub const fn chunk_data_bytes(&self) -> u64 {
        match self {
            Self::Chunked(chunked) => chunked.data_bytes(),
            _ => 0,
        }
    }
}
