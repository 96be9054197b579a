//! The chunked coding (RFC 9112, section 7.1), tracked in place while its bytes pass through.
//!
//! The machine reads a buffer and leaves in it what is to be sent on: the frames themselves
//! ([`Keep::Frames`]) or only the data ([`Keep::Data`]). A chunk line that is plain hexadecimal and
//! CRLF stays as it is, so that ordinary traffic is forwarded without a byte being moved;
//! extensions are checked and cut out. Trailers are held back until they are whole, and come out
//! filtered through [`Chunked::take_trailer`].

use thiserror::Error;

use super::field_kind::FieldKind;
use super::scan::is_token_byte;

/// What the reader wants to be left with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// Chunk lines, data and the final empty line.
    Frames,
    /// Data alone.
    Data,
}

/// Why chunked bytes are refused.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum ChunkError {
    /// The size is not 1 to 16 hexadecimal digits.
    #[error("malformed chunk size")]
    Size,
    /// The extension is not of the form that RFC 9112, section 7.1.1 gives.
    #[error("malformed chunk extension")]
    Extension,
    /// More than 16 KiB of extensions in one message.
    #[error("too many bytes of chunk extensions")]
    TooMuchExtension,
    /// CRLF is missing where a line or the data must end.
    #[error("a chunk does not end in CRLF")]
    LineEnd,
    /// The trailer section is malformed or longer than 8 KiB.
    #[error("malformed or oversize trailer section")]
    Trailer,
}

/// What one step did with the front of the buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// Bytes that were read.
    pub consumed: usize,
    /// Bytes that are left at the front of the buffer to be sent on; at most `consumed`.
    pub produced: usize,
    /// Whether the body has ended; what follows `consumed` belongs to another message.
    pub done: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// In the size, this many digits in.
    Size(u8),
    Extension(Extension),
    /// After the CR of a chunk line.
    LineFeed,
    Data,
    DataReturn,
    DataLineFeed,
    /// At the start of a trailer line.
    TrailerStart,
    /// After a CR at the start of a trailer line.
    LastLineFeed,
    /// Inside the trailer section.
    Trailer,
    Done,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Extension {
    /// After `;`: a name must follow.
    Name,
    InName,
    /// After `=`: a value must follow.
    Value,
    InValue,
    Quoted,
    Escaped,
    /// After a closing quote.
    Closed,
}

/// The most bytes of extensions in one message.
const EXTENSION_BYTES_MAX: u32 = 16 * 1024;
/// The most bytes and fields of a trailer section.
pub(super) const TRAILER_BYTES_MAX: usize = 8 * 1024;
pub(super) const TRAILER_FIELDS_MAX: usize = 64;

/// The state of one chunked body.
#[derive(Debug)]
pub struct Chunked {
    state: State,
    /// The size being read, then the data bytes left in the chunk.
    left: u64,
    extension_bytes: u32,
    data_bytes: u64,
    /// The trailer section so far, then, once done, what is to be sent of it. Empty as a rule.
    trailer: Vec<u8>,
}

impl Default for Chunked {
    fn default() -> Self {
        Self {
            state: State::Size(0),
            left: 0,
            extension_bytes: 0,
            data_bytes: 0,
            trailer: Vec::new(),
        }
    }
}

impl Chunked {
    /// Data bytes so far, framing not counted.
    #[must_use]
    pub const fn data_bytes(&self) -> u64 {
        self.data_bytes
    }

    /// Whether the last chunk and the trailers have been read.
    #[must_use]
    pub const fn is_done(&self) -> bool {
        matches!(self.state, State::Done)
    }

    /// Reads as much of `buffer` as belongs to the body.
    pub fn advance(&mut self, buffer: &mut [u8], keep: Keep) -> Result<Step, ChunkError> {
        let (mut read, mut written) = (0, 0);
        while read < buffer.len() && self.state != State::Done {
            let (length, kept) = if self.state == State::Data {
                (self.data(buffer.len() - read), true)
            } else {
                let (length, framing) = self.line(&buffer[read..])?;
                (length, framing && keep == Keep::Frames)
            };
            if kept {
                if written != read {
                    buffer.copy_within(read..read + length, written);
                }
                written += length;
            }
            read += length;
        }
        Ok(Step { consumed: read, produced: written, done: self.state == State::Done })
    }

    /// The bytes that end the frames after a trailer section: the fields that may go on, and an
    /// empty line. Empty when there was no trailer, as its empty line has then passed already.
    #[must_use]
    pub fn take_trailer(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.trailer)
    }

    fn data(&mut self, available: usize) -> usize {
        let length = usize::try_from(self.left).map_or(available, |left| left.min(available));
        self.left -= length as u64;
        self.data_bytes += length as u64;
        if self.left == 0 {
            self.state = State::DataReturn;
        }
        length
    }

    /// Reads framing bytes; returns how many, and whether they are part of the plain frames.
    fn line(&mut self, bytes: &[u8]) -> Result<(usize, bool), ChunkError> {
        let byte = bytes[0];
        match self.state {
            State::Size(digits) => self.size(digits, byte),
            State::Extension(extension) => self.extension(extension, byte),
            State::LineFeed => {
                expect(byte, b'\n', ChunkError::LineEnd)?;
                self.state = if self.left == 0 { State::TrailerStart } else { State::Data };
                Ok((1, true))
            }
            State::DataReturn => self.expect_next(byte, b'\r', State::DataLineFeed),
            State::DataLineFeed => self.expect_next(byte, b'\n', State::Size(0)),
            State::TrailerStart if byte == b'\r' => {
                self.state = State::LastLineFeed;
                Ok((1, true))
            }
            State::LastLineFeed => self.expect_next(byte, b'\n', State::Done),
            State::TrailerStart | State::Trailer => self.trailer(bytes),
            State::Data | State::Done => Ok((0, false)),
        }
    }

    fn expect_next(
        &mut self,
        byte: u8,
        expected: u8,
        next: State,
    ) -> Result<(usize, bool), ChunkError> {
        expect(byte, expected, ChunkError::LineEnd)?;
        self.state = next;
        Ok((1, true))
    }

    fn size(&mut self, digits: u8, byte: u8) -> Result<(usize, bool), ChunkError> {
        match byte {
            b'\r' if digits > 0 => self.state = State::LineFeed,
            b';' if digits > 0 => {
                self.state = State::Extension(Extension::Name);
                return Ok((1, false));
            }
            _ => {
                let digit = char::from(byte).to_digit(16).ok_or(ChunkError::Size)?;
                if digits == 0 {
                    self.left = 0;
                }
                if digits == 16 {
                    return Err(ChunkError::Size);
                }
                self.left = self.left << 4 | u64::from(digit);
                self.state = State::Size(digits + 1);
            }
        }
        Ok((1, true))
    }

    fn extension(&mut self, extension: Extension, byte: u8) -> Result<(usize, bool), ChunkError> {
        use Extension::{Closed, Escaped, InName, InValue, Name, Quoted, Value};
        self.extension_bytes += 1;
        if self.extension_bytes > EXTENSION_BYTES_MAX {
            return Err(ChunkError::TooMuchExtension);
        }
        let next = match (extension, byte) {
            (InName | InValue | Closed, b'\r') => {
                self.state = State::LineFeed;
                return Ok((1, true));
            }
            (InName | InValue | Closed, b';') => Name,
            (Name | InName, _) if is_token_byte(byte) => InName,
            (InName, b'=') => Value,
            (Value, b'"') => Quoted,
            (Value | InValue, _) if is_token_byte(byte) => InValue,
            (Quoted, b'"') => Closed,
            (Quoted, b'\\') => Escaped,
            (Quoted | Escaped, b'\t' | b' '..=b'~' | 0x80..) => Quoted,
            _ => return Err(ChunkError::Extension),
        };
        self.state = State::Extension(next);
        Ok((1, false))
    }

    /// Holds the trailer section back until its empty line, then filters it.
    fn trailer(&mut self, bytes: &[u8]) -> Result<(usize, bool), ChunkError> {
        self.state = State::Trailer;
        let length = memchr::memchr(b'\n', bytes).map_or(bytes.len(), |offset| offset + 1);
        self.trailer.extend_from_slice(&bytes[..length]);
        if self.trailer.len() > TRAILER_BYTES_MAX {
            return Err(ChunkError::Trailer);
        }
        if self.trailer.ends_with(b"\n") && !self.trailer.ends_with(b"\r\n") {
            return Err(ChunkError::Trailer);
        }
        if self.trailer.ends_with(b"\r\n\r\n") {
            self.trailer = filter_trailer(&self.trailer)?;
            self.state = State::Done;
        }
        Ok((length, false))
    }
}

fn expect(byte: u8, expected: u8, error: ChunkError) -> Result<(), ChunkError> {
    if byte == expected { Ok(()) } else { Err(error) }
}

/// The trailer fields that may go on (RFC 9110, section 6.5.1), and the empty line.
fn filter_trailer(section: &[u8]) -> Result<Vec<u8>, ChunkError> {
    let mut fields = [httparse::EMPTY_HEADER; TRAILER_FIELDS_MAX];
    let parsed = httparse::parse_headers(section, &mut fields).map_err(|_| ChunkError::Trailer)?;
    let httparse::Status::Complete((_, fields)) = parsed else {
        return Err(ChunkError::Trailer);
    };
    let mut kept = Vec::with_capacity(section.len());
    for field in fields.iter().filter(|field| may_trail(field.name.as_bytes())) {
        kept.extend_from_slice(field.name.as_bytes());
        kept.extend_from_slice(b": ");
        kept.extend_from_slice(field.value);
        kept.extend_from_slice(b"\r\n");
    }
    kept.extend_from_slice(b"\r\n");
    Ok(kept)
}

/// Whether a field may stand in a trailer: nothing that frames, routes, authenticates or carries
/// cookies.
pub(super) fn may_trail(name: &[u8]) -> bool {
    const NEVER: [&str; 16] = [
        "authorization",
        "proxy-authorization",
        "proxy-authenticate",
        "www-authenticate",
        "cookie",
        "set-cookie",
        "content-encoding",
        "content-type",
        "content-range",
        "cache-control",
        "age",
        "expires",
        "location",
        "max-forwards",
        "range",
        "trailer",
    ];
    FieldKind::of(name) == FieldKind::Plain
        && !NEVER.iter().any(|never| name.eq_ignore_ascii_case(never.as_bytes()))
}

#[cfg(test)]
mod tests;
