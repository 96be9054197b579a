//! Messages read the plain way: lines end in CRLF, a field is a name, a colon and a value.
//!
//! Shares no code with what it is held against. It panics at whatever two readers could see in two
//! ways, so it is only for heads that were accepted or written.

/// A head in its parts.
#[derive(Debug)]
pub(crate) struct PlainHead<'a> {
    pub(crate) start: &'a [u8],
    pub(crate) fields: Vec<(&'a [u8], &'a [u8])>,
}

impl<'a> PlainHead<'a> {
    /// Reads one whole head, its empty line included.
    pub(crate) fn read(bytes: &'a [u8]) -> Self {
        let text = bytes.strip_suffix(b"\r\n\r\n").expect("a head ends in an empty line");
        let mut lines = text.split(|byte| *byte == b'\n');
        let start = line(lines.next().unwrap_or_default(), lines.clone().next().is_none());
        assert!(!start.is_empty(), "a head begins with its start line");
        let mut fields = Vec::new();
        while let Some(raw) = lines.next() {
            fields.push(field(line(raw, lines.clone().next().is_none())));
        }
        Self { start, fields }
    }

    /// The values of the fields with this name, in order.
    pub(crate) fn values<'s>(&'s self, name: &'s str) -> impl Iterator<Item = &'a [u8]> + 's {
        let named = move |(field, _): &&(&[u8], &[u8])| field.eq_ignore_ascii_case(name.as_bytes());
        self.fields.iter().filter(named).map(|(_, value)| *value)
    }

    /// How the head frames what follows it: nothing, one length, or chunks; never two of them.
    pub(crate) fn framing(&self) -> PlainFraming<'a> {
        let lengths: Vec<_> = self.values("content-length").collect();
        let codings: Vec<_> = self.values("transfer-encoding").collect();
        match (&lengths[..], &codings[..]) {
            ([], []) => PlainFraming::None,
            ([length], []) => PlainFraming::Length(length),
            ([], [coding]) if coding.eq_ignore_ascii_case(b"chunked") => PlainFraming::Chunked,
            _ => panic!("ambiguous framing: {lengths:?} {codings:?}"),
        }
    }
}

/// What a head says of the body, as it stands there.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum PlainFraming<'a> {
    None,
    Length(&'a [u8]),
    Chunked,
}

/// A line without its CR; the last one has lost its CRLF already.
fn line(raw: &[u8], last: bool) -> &[u8] {
    let line = if last { raw } else { raw.strip_suffix(b"\r").expect("LF follows CR") };
    let tame = line.iter().all(|byte| !matches!(byte, b'\r' | b'\n' | b'\0'));
    assert!(tame, "CR, LF or NUL within a line: {:?}", text(line));
    line
}

fn field(line: &[u8]) -> (&[u8], &[u8]) {
    let colon = line.iter().position(|byte| *byte == b':').expect("a field has a colon");
    let (name, value) = (&line[..colon], &line[colon + 1..]);
    assert!(
        !name.is_empty() && name.iter().all(is_name_byte),
        "a name is a token: {:?}",
        text(line)
    );
    let is_space = |byte: &u8| matches!(byte, b' ' | b'\t');
    let start = value.iter().position(|byte| !is_space(byte)).unwrap_or(value.len());
    let end = value.iter().rposition(|byte| !is_space(byte)).map_or(start, |last| last + 1);
    let value = &value[start..end];
    let tame = value.iter().all(|byte| !byte.is_ascii_control() || *byte == b'\t');
    assert!(tame, "a value holds no control byte: {:?}", text(line));
    (name, value)
}

fn is_name_byte(byte: &u8) -> bool {
    byte.is_ascii_graphic() && !b"\"(),/:;<=>?@[\\]{}".contains(byte)
}

/// A chunked body read the plain way.
#[derive(Debug)]
pub(crate) struct PlainChunks<'a> {
    pub(crate) data: Vec<u8>,
    /// What stands between the last chunk line and the end, and how long all of it is; `None` until
    /// it has ended.
    pub(crate) end: Option<(&'a [u8], usize)>,
}

impl<'a> PlainChunks<'a> {
    /// Reads frames as far as they have come. Panics where only a lenient reader would go on.
    pub(crate) fn read(frames: &'a [u8]) -> Self {
        let mut data = Vec::new();
        let mut rest = frames;
        loop {
            let Some(line) = line_length(rest) else { return Self { data, end: None } };
            let size = chunk_size(&rest[..line]);
            rest = &rest[line + 2..];
            if size == 0 {
                let trailer = trailer_length(rest);
                let length = frames.len() - rest.len();
                return Self {
                    data,
                    end: trailer.map(|trailer| (&rest[..trailer], length + trailer)),
                };
            }
            data.extend_from_slice(&rest[..size.min(rest.len())]);
            let Some(after) = rest.get(size..).filter(|after| after.len() >= 2) else {
                return Self { data, end: None };
            };
            rest = after.strip_prefix(b"\r\n").expect("data ends in CRLF");
        }
    }
}

fn line_length(bytes: &[u8]) -> Option<usize> {
    bytes.windows(2).position(|pair| pair == b"\r\n")
}

fn chunk_size(line: &[u8]) -> usize {
    assert!(line.iter().all(u8::is_ascii_hexdigit), "a chunk line is digits: {}", text(line));
    let digits = std::str::from_utf8(line).expect("digits are text");
    usize::from_str_radix(digits, 16).expect("a size")
}

/// The length of a trailer section, its empty line included.
fn trailer_length(section: &[u8]) -> Option<usize> {
    let mut length = 0;
    loop {
        let line = line_length(&section[length..])?;
        length += line + 2;
        if line == 0 {
            return Some(length);
        }
    }
}

/// Bytes as they can be shown.
pub(crate) fn text(bytes: &[u8]) -> String {
    bytes.escape_ascii().to_string()
}
