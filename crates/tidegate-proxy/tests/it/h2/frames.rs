//! Frames of HTTP/2 written and read by hand (RFC 9113, section 4.1; RFC 7541 for field blocks),
//! well-formed or not.

pub const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

pub const DATA: u8 = 0;
pub const HEADERS: u8 = 1;
pub const PRIORITY: u8 = 2;
pub const RST_STREAM: u8 = 3;
pub const SETTINGS: u8 = 4;
pub const PING: u8 = 6;
pub const GOAWAY: u8 = 7;
pub const WINDOW_UPDATE: u8 = 8;
pub const CONTINUATION: u8 = 9;
/// A type that means nothing.
pub const UNKNOWN: u8 = 0xbd;

pub const ACK: u8 = 1;
pub const END_STREAM: u8 = 1;
pub const END_HEADERS: u8 = 4;
pub const PADDED: u8 = 8;
/// A request or a response without a body.
pub const WHOLE: u8 = END_STREAM | END_HEADERS;

pub const NO_ERROR: u32 = 0;
pub const PROTOCOL_ERROR: u32 = 1;
pub const INTERNAL_ERROR: u32 = 2;
pub const FLOW_CONTROL_ERROR: u32 = 3;
pub const STREAM_CLOSED: u32 = 5;
pub const REFUSED_STREAM: u32 = 7;
pub const CANCEL: u32 = 8;
pub const ENHANCE_YOUR_CALM: u32 = 11;

pub const HEADER_TABLE_SIZE: u16 = 1;
pub const ENABLE_PUSH: u16 = 2;
pub const INITIAL_WINDOW_SIZE: u16 = 4;
pub const MAX_FRAME_SIZE: u16 = 5;

/// A frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    pub kind: u8,
    pub flags: u8,
    pub stream: u32,
    pub payload: Vec<u8>,
}

impl Frame {
    pub fn new(kind: u8, flags: u8, stream: u32, payload: impl AsRef<[u8]>) -> Self {
        Self { kind, flags, stream, payload: payload.as_ref().to_vec() }
    }

    pub fn bytes(&self) -> Vec<u8> {
        let length = u32::try_from(self.payload.len()).expect("small").to_be_bytes();
        let mut bytes = length[1..].to_vec();
        bytes.extend([self.kind, self.flags]);
        bytes.extend(self.stream.to_be_bytes());
        bytes.extend(&self.payload);
        bytes
    }

    /// Whether it is the last of its stream in its direction.
    pub fn ends_stream(&self) -> bool {
        matches!(self.kind, DATA | HEADERS) && self.flags & END_STREAM != 0
    }

    /// The number that a payload begins with, in so many bytes from `start`.
    fn word(&self, start: usize) -> u32 {
        let bytes = self.payload[start..start + 4].try_into().expect("four bytes");
        u32::from_be_bytes(bytes)
    }

    /// The error code of RST_STREAM or GOAWAY.
    pub fn code(&self) -> u32 {
        self.word(if self.kind == GOAWAY { 4 } else { 0 })
    }

    /// The last stream of a GOAWAY.
    pub fn last_stream(&self) -> u32 {
        self.word(0)
    }

    /// The status that a response head from the balancer begins with, whose encoder was told to
    /// keep no table.
    pub fn status(&self) -> u16 {
        let updates = self.payload.iter().take_while(|byte| **byte & 0xe0 == 0x20).count();
        let block = &self.payload[updates..];
        match block[0] {
            indexed @ 0x88..=0x8e => {
                [200, 204, 206, 304, 400, 404, 500][usize::from(indexed - 0x88)]
            }
            _ => digits(&block[2..2 + usize::from(block[1] & 0x7f)]),
        }
    }
}

/// Three digits in the code of Huffman (RFC 7541, appendix B): 0 to 2 have five bits, and 3 to 9
/// have six.
fn digits(coded: &[u8]) -> u16 {
    let bits: Vec<u16> = coded
        .iter()
        .flat_map(|byte| (0..8).rev().map(move |at| u16::from(byte >> at & 1)))
        .collect();
    let number = |bits: &[u16]| bits.iter().fold(0, |sum, bit| sum * 2 + bit);
    let (mut value, mut at) = (0, 0);
    for _ in 0..3 {
        let short = number(&bits[at..at + 5]);
        let (digit, taken) =
            if short < 3 { (short, 5) } else { (number(&bits[at..at + 6]) - 0x19 + 3, 6) };
        value = value * 10 + digit;
        at += taken;
    }
    value
}

/// A field block: literals without indexing and without Huffman.
pub fn block<'a>(fields: impl IntoIterator<Item = (&'a str, &'a str)>) -> Vec<u8> {
    raw_block(fields.into_iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())))
}

/// The same of any bytes.
pub fn raw_block<'a>(fields: impl IntoIterator<Item = (&'a [u8], &'a [u8])>) -> Vec<u8> {
    let mut block = Vec::new();
    for (name, value) in fields {
        block.push(0);
        string(name, &mut block);
        string(value, &mut block);
    }
    block
}

fn string(bytes: &[u8], block: &mut Vec<u8>) {
    // An integer with a prefix of seven bits (RFC 7541, section 5.1).
    let mut length = bytes.len();
    if length < 0x7f {
        block.push(u8::try_from(length).expect("checked"));
    } else {
        block.push(0x7f);
        length -= 0x7f;
        while length >= 0x80 {
            block.push(u8::try_from(length & 0x7f).expect("masked") | 0x80);
            length >>= 7;
        }
        block.push(u8::try_from(length).expect("checked"));
    }
    block.extend(bytes);
}

/// The pseudo-fields of a plain GET.
pub fn pseudo(path: &str) -> [(&str, &str); 4] {
    [(":method", "GET"), (":scheme", "http"), (":path", path), (":authority", "shop.example.com")]
}

/// A field block of a GET with these fields.
pub fn request<'a>(path: &'a str, fields: &[(&'a str, &'a str)]) -> Vec<u8> {
    block(pseudo(path).into_iter().chain(fields.iter().copied()))
}

/// A field block of a POST with these fields.
pub fn upload(fields: &[(&str, &str)]) -> Vec<u8> {
    let mut pseudo = pseudo("/upload");
    pseudo[0].1 = "POST";
    block(pseudo.into_iter().chain(fields.iter().copied()))
}

/// A whole GET.
pub fn ask(stream: u32, path: &str) -> Frame {
    Frame::new(HEADERS, WHOLE, stream, request(path, &[]))
}

pub fn settings(values: &[(u16, u32)]) -> Frame {
    let payload: Vec<u8> = values
        .iter()
        .flat_map(|(id, value)| [&id.to_be_bytes()[..], &value.to_be_bytes()].concat())
        .collect();
    Frame::new(SETTINGS, 0, 0, payload)
}

pub fn reset(stream: u32, code: u32) -> Frame {
    Frame::new(RST_STREAM, 0, stream, code.to_be_bytes())
}

pub fn window(stream: u32, increment: u32) -> Frame {
    Frame::new(WINDOW_UPDATE, 0, stream, increment.to_be_bytes())
}

pub fn ping() -> Frame {
    Frame::new(PING, 0, 0, *b"tidegate")
}

pub fn goaway(last: u32, code: u32) -> Frame {
    Frame::new(GOAWAY, 0, 0, [last.to_be_bytes(), code.to_be_bytes()].concat())
}

#[test]
fn a_status_is_read_in_either_form() {
    let status = |block: &[u8]| Frame::new(HEADERS, WHOLE, 1, block).status();
    assert_eq!(status(&[0x88]), 200);
    assert_eq!(status(&[0x20, 0x8d]), 404);
    // From RFC 7541, appendix C.6.1.
    assert_eq!(status(&[0x48, 0x82, 0x64, 0x02]), 302);
}
