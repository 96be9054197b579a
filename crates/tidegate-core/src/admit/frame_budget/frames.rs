//! Frame headers out of a stream of bytes (RFC 9113, section 4.1), however it is cut.
//!
//! Of payloads only what judges them is read: the length of padding, and the code of RST_STREAM.

/// Bytes of a frame header.
const HEADER: usize = 9;
/// Bytes of a header and of the most that is read behind it.
const PREFIX: usize = HEADER + 4;
/// Bytes that a client says before its first frame (RFC 9113, section 3.4).
const PREFACE: u32 = 24;

const ACK: u8 = 0x1;
const END_STREAM: u8 = 0x1;
const END_HEADERS: u8 = 0x4;
const PADDED: u8 = 0x8;
const PRIORITY: u8 = 0x20;

/// The types of frames (RFC 9113, section 6) that are told apart here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Data,
    Headers,
    Priority,
    ResetStream,
    Settings,
    Ping,
    WindowUpdate,
    Continuation,
    /// PUSH_PROMISE, which no client may send, GOAWAY, and what the protocol does not know.
    Other,
}

/// A frame, as far as it is looked at.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame {
    pub(super) kind: Kind,
    pub(super) stream: u32,
    length: u32,
    flags: u8,
    /// The first bytes of the payload that are read, as a number.
    detail: u32,
}

/// Where one direction of a connection stands.
#[derive(Clone, Debug, Default)]
pub(super) struct Frames {
    /// Bytes to pass over before the next header.
    skip: u32,
    /// The header so far, and what is read of the payload.
    prefix: [u8; PREFIX],
    filled: usize,
}

impl Frames {
    /// At the beginning of what a client says.
    pub(super) fn after_preface() -> Self {
        Self { skip: PREFACE, ..Self::default() }
    }

    /// Reads on to the next frame whose beginning is there, and leaves what lies behind that;
    /// `None` when the bytes are used up.
    pub(super) fn next(&mut self, bytes: &mut &[u8]) -> Option<Frame> {
        self.pass(bytes);
        self.fill(bytes, HEADER)?;
        let frame = Frame::new(&self.prefix);
        let detail = frame.detail_length();
        self.fill(bytes, HEADER + detail)?;
        let read = &self.prefix[HEADER..HEADER + detail];
        let number = read.iter().fold(0, |number, byte| number << 8 | u32::from(*byte));
        self.filled = 0;
        self.skip = frame.length - detail as u32;
        Some(Frame { detail: number, ..frame })
    }

    /// Whether the payload of the last frame has come.
    pub(super) const fn is_whole(&self) -> bool {
        self.skip == 0
    }

    fn pass(&mut self, bytes: &mut &[u8]) {
        let length = usize::try_from(self.skip).map_or(bytes.len(), |skip| skip.min(bytes.len()));
        *bytes = &bytes[length..];
        self.skip -= length as u32;
    }

    /// Fills the prefix up to `end`; `None` when the bytes do not suffice.
    fn fill(&mut self, bytes: &mut &[u8], end: usize) -> Option<()> {
        let length = end.saturating_sub(self.filled).min(bytes.len());
        let (taken, rest) = bytes.split_at(length);
        self.prefix[self.filled..self.filled + length].copy_from_slice(taken);
        self.filled += length;
        *bytes = rest;
        (self.filled >= end).then_some(())
    }
}

impl Frame {
    fn new(prefix: &[u8; PREFIX]) -> Self {
        let [l0, l1, l2, kind, flags, s0, s1, s2, s3, ..] = *prefix;
        Self {
            kind: Kind::new(kind),
            // The highest bit is reserved, to be ignored.
            stream: u32::from_be_bytes([s0 & 0x7f, s1, s2, s3]),
            length: u32::from_be_bytes([0, l0, l1, l2]),
            flags,
            detail: 0,
        }
    }

    /// How many bytes of the payload are read.
    fn detail_length(&self) -> usize {
        let wanted = match self.kind {
            Kind::ResetStream => PREFIX - HEADER,
            Kind::Data | Kind::Headers => usize::from(self.has(PADDED)),
            _ => 0,
        };
        wanted.min(self.length as usize)
    }

    const fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    pub(super) const fn is_ack(&self) -> bool {
        self.has(ACK)
    }

    pub(super) fn ends_stream(&self) -> bool {
        self.kind != Kind::Continuation && self.has(END_STREAM)
    }

    /// Whether the field block that it carries a part of goes on behind it.
    pub(super) const fn leaves_fields_open(&self) -> bool {
        matches!(self.kind, Kind::Headers | Kind::Continuation) && !self.has(END_HEADERS)
    }

    /// Bytes on the wire.
    pub(super) const fn bytes(&self) -> u32 {
        HEADER as u32 + self.length
    }

    /// Bytes of the message that it carries: the payload without padding and priority.
    pub(super) fn content(&self) -> u32 {
        if self.kind == Kind::Continuation {
            return self.length;
        }
        let padding = if self.has(PADDED) { 1 + self.detail } else { 0 };
        let priority = if self.kind == Kind::Headers && self.has(PRIORITY) { 5 } else { 0 };
        self.length.saturating_sub(padding + priority)
    }

    /// Whether a stream is reset for what the other end did, not for what became of a server:
    /// PROTOCOL_ERROR, FLOW_CONTROL_ERROR, STREAM_CLOSED or FRAME_SIZE_ERROR (RFC 9113, section 7).
    pub(super) const fn blames_the_peer(&self) -> bool {
        matches!(self.detail, 1 | 3 | 5 | 6)
    }

    /// Whether a stream is reset before anything was done for it: REFUSED_STREAM.
    pub(super) const fn refuses(&self) -> bool {
        self.detail == 7
    }
}

impl Kind {
    const fn new(byte: u8) -> Self {
        match byte {
            0x0 => Self::Data,
            0x1 => Self::Headers,
            0x2 => Self::Priority,
            0x3 => Self::ResetStream,
            0x4 => Self::Settings,
            0x6 => Self::Ping,
            0x8 => Self::WindowUpdate,
            0x9 => Self::Continuation,
            _ => Self::Other,
        }
    }
}
