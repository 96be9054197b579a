//! One canonical form of a request path, for routing and for forwarding.
//!
//! Two programs that read one path differently are how access rules are walked around, so a path is
//! brought into one form before anything judges it, and that form is what a server gets. Ordinary
//! paths are in that form already: [`is_plain`] sees it in one scan, and they are left where they
//! are. The others are rewritten by [`canonical`], or refused where no rewriting is safe.
//!
//! | written | becomes |
//! |---|---|
//! | an escaped unreserved character, `%41` | the character (RFC 3986, section 6.2.2.2) |
//! | any other escape | itself, in upper case; `%2F` and `%5C` are reported to the route |
//! | a raw byte of UTF-8, or ASCII that a path may not hold | its escape |
//! | `.` and `..`, also escaped | resolved (RFC 3986, section 5.2.4) |
//! | `//` | `/` in the merged form, kept in the unmerged one |
//! | `\`, `#`, `?`, a space, a control byte; `%00`; a broken escape; not UTF-8 | refused |
//! | `..` above the root; a dot segment in disguise, such as `..;x` or `..%2F` | refused |
//!
//! An escape is decoded once: `%252e` stays, as it says `%2e` and not a dot. `..` takes the segment
//! before it and the empty ones in between. RFC 3986 would take one empty segment alone, but then
//! `/a//../b` would be `/a/b` unmerged and `/b` merged, and what was judged would not be what is
//! forwarded. So the merged form is always the unmerged one with its slashes merged.
//!
//! The query is no part of this: it is never decoded or changed.

use std::ops::Range;

/// Where the canonical forms of a path lie in the buffer that they were appended to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Canonical {
    /// The form with repeated slashes merged.
    pub merged: Range<usize>,
    /// The form with repeated slashes kept; the same range as `merged` when there are none.
    pub unmerged: Range<usize>,
    /// Whether `%2F` or `%5C` stood in it, even in a segment that `..` took out again.
    pub encodes_slash: bool,
}

/// Why a path has no canonical form. Each is answered with 400.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// It does not begin with a slash.
    #[error("path does not begin with a slash")]
    Relative,
    /// A control byte, a space, `\`, `#` or `?` that is not escaped.
    #[error("path holds a byte that must be escaped")]
    Byte,
    /// `%00`.
    #[error("path holds an escaped NUL")]
    Nul,
    /// `%` without two hexadecimal digits after it.
    #[error("path holds a broken percent escape")]
    Escape,
    /// Its bytes, decoded, are not UTF-8: overlong, a surrogate, or a sequence cut short.
    #[error("path is not UTF-8")]
    Utf8,
    /// A dot segment that only some servers see: with parameters, or beside an escaped slash.
    #[error("path holds a dot segment in disguise")]
    Disguise,
    /// `..` with no segment left to take.
    #[error("path leaves the root")]
    Root,
}

/// Whether a path is its own canonical form, merged and unmerged, and encodes no slash.
///
/// Errs towards `false`: escapes, empty segments and segments with a leading dot are left to
/// [`canonical`].
#[must_use]
pub fn is_plain(path: &[u8]) -> bool {
    let mut after_slash = false;
    for byte in path {
        match CLASS[usize::from(*byte)] {
            Class::Plain => after_slash = false,
            Class::Dot if !after_slash => {}
            Class::Slash if !after_slash => after_slash = true,
            _ => return false,
        }
    }
    path.first() == Some(&b'/')
}

/// Appends the canonical forms of the path that stands at `path` in `buffer`, and says where they
/// lie.
///
/// An empty path is `/` (RFC 9110, section 4.2.3). At most six bytes are appended for each one of
/// the path, and nothing is allocated beyond the growth of `buffer`.
///
/// # Errors
/// [`PathError`] when the path has no canonical form; `buffer` is then as it was.
pub fn canonical(buffer: &mut Vec<u8>, path: Range<usize>) -> Result<Canonical, PathError> {
    let start = buffer.len();
    debug_assert!(path.end <= start);
    let mut writer = Writer { buffer, source: path, start, encodes_slash: false };
    match writer.path() {
        Ok(()) => Ok(writer.finish()),
        Err(error) => {
            buffer.truncate(start);
            Err(error)
        }
    }
}

/// Reads the source and appends the unmerged form, segment by segment.
struct Writer<'a> {
    buffer: &'a mut Vec<u8>,
    /// What is still to be read.
    source: Range<usize>,
    /// Where the unmerged form begins.
    start: usize,
    encodes_slash: bool,
}

impl Writer<'_> {
    fn path(&mut self) -> Result<(), PathError> {
        if !matches!(self.next(), Some(b'/') | None) {
            return Err(PathError::Relative);
        }
        loop {
            let slash = self.buffer.len();
            self.buffer.push(b'/');
            let ended = self.segment()?;
            let dots = self.resolve(slash)?;
            match ended {
                Ended::BySlash => {}
                // `/a/.` and `/a/b/..` name the directory, `/a/`.
                Ended::ByPath => {
                    if dots {
                        self.buffer.push(b'/');
                    }
                    return Ok(());
                }
            }
        }
    }

    fn next(&mut self) -> Option<u8> {
        self.source.next().map(|at| self.buffer[at])
    }

    /// Appends one segment, its escapes settled.
    fn segment(&mut self) -> Result<Ended, PathError> {
        let mut text = Utf8::default();
        while let Some(byte) = self.next() {
            match CLASS[usize::from(byte)] {
                Class::Plain | Class::Dot => {
                    text.check(byte)?;
                    self.buffer.push(byte);
                }
                Class::Slash => return text.finish().map(|()| Ended::BySlash),
                Class::Percent => {
                    let byte = self.unescape()?;
                    text.check(byte)?;
                    self.settle(byte)?;
                }
                Class::Escaped => {
                    text.check(byte)?;
                    self.escape(byte);
                }
                Class::Refused => return Err(PathError::Byte),
            }
        }
        text.finish().map(|()| Ended::ByPath)
    }

    /// The byte that the two digits after a `%` stand for.
    fn unescape(&mut self) -> Result<u8, PathError> {
        let mut digit = || {
            let digit = self.next().and_then(|byte| char::from(byte).to_digit(16));
            digit.map(|digit| digit as u8).ok_or(PathError::Escape)
        };
        Ok(digit()? << 4 | digit()?)
    }

    /// Appends a byte that was escaped.
    fn settle(&mut self, byte: u8) -> Result<(), PathError> {
        match byte {
            0 => return Err(PathError::Nul),
            _ if is_unreserved(byte) => self.buffer.push(byte),
            _ => self.escape(byte),
        }
        Ok(())
    }

    fn escape(&mut self, byte: u8) {
        const HEX: &[u8; 16] = b"0123456789ABCDEF";
        let digits = [HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 0xF)]];
        self.buffer.extend_from_slice(&[b'%', digits[0], digits[1]]);
        self.encodes_slash |= matches!(byte, b'/' | b'\\');
    }

    /// Takes the segment that was written from `slash` on out again when it is a dot segment, and
    /// says so.
    fn resolve(&mut self, slash: usize) -> Result<bool, PathError> {
        let segment = &self.buffer[slash + 1..];
        let parent = match segment {
            b"." => false,
            b".." => true,
            _ if disguises_dots(segment) => return Err(PathError::Disguise),
            _ => return Ok(false),
        };
        self.buffer.truncate(slash);
        if parent {
            self.remove_segment()?;
        }
        Ok(true)
    }

    /// Removes the last segment, and the empty ones after it.
    fn remove_segment(&mut self) -> Result<(), PathError> {
        while self.buffer.len() > self.start && self.buffer.ends_with(b"/") {
            self.buffer.pop();
        }
        let slash = self.buffer[self.start..].iter().rposition(|byte| *byte == b'/');
        self.buffer.truncate(self.start + slash.ok_or(PathError::Root)?);
        Ok(())
    }

    /// Appends the merged form where it differs.
    fn finish(self) -> Canonical {
        let unmerged = self.start..self.buffer.len();
        let mut merged = unmerged.clone();
        if self.buffer[self.start..].windows(2).any(|pair| pair == b"//") {
            merged = unmerged.end..unmerged.end;
            for at in unmerged.clone() {
                if !self.buffer[at..unmerged.end].starts_with(b"//") {
                    self.buffer.push(self.buffer[at]);
                }
            }
            merged.end = self.buffer.len();
        }
        debug_assert!(!merged.is_empty() && self.buffer[merged.start] == b'/');
        Canonical { merged, unmerged, encodes_slash: self.encodes_slash }
    }
}

/// What ended a segment.
enum Ended {
    BySlash,
    ByPath,
}

/// Whether a canonical segment hides a dot segment from one server that another would see.
///
/// Some servers cut parameters off before they resolve dots, some decode `%2F` or `%5C` first, some
/// both. So each stretch between escaped slashes is looked at: it must not be dots alone before a
/// parameter, an escaped delimiter or its end.
fn disguises_dots(segment: &[u8]) -> bool {
    let after_slash =
        |at: usize| segment[..at].ends_with(b"%2F") || segment[..at].ends_with(b"%5C");
    (0..segment.len())
        .filter(|at| *at == 0 || after_slash(*at))
        .any(|at| begins_with_dot_name(&segment[at..]))
}

fn begins_with_dot_name(text: &[u8]) -> bool {
    let dots = text.iter().take_while(|byte| **byte == b'.').count();
    let rest = &text[dots..];
    let ends: [&[u8]; 6] = [b";", b"%3B", b"%23", b"%3F", b"%2F", b"%5C"];
    matches!(dots, 1 | 2) && (rest.is_empty() || ends.iter().any(|end| rest.starts_with(end)))
}

/// Checks that bytes are UTF-8, as they come.
#[derive(Default)]
struct Utf8 {
    pending: [u8; 4],
    length: usize,
}

impl Utf8 {
    fn check(&mut self, byte: u8) -> Result<(), PathError> {
        if byte.is_ascii() {
            return self.finish();
        }
        self.pending[self.length] = byte;
        self.length += 1;
        match std::str::from_utf8(&self.pending[..self.length]) {
            Ok(_) => self.length = 0,
            // No sequence is cut short at its fourth byte, so `pending` never overflows.
            Err(error) if error.error_len().is_none() => {}
            Err(_) => return Err(PathError::Utf8),
        }
        Ok(())
    }

    fn finish(&self) -> Result<(), PathError> {
        if self.length == 0 { Ok(()) } else { Err(PathError::Utf8) }
    }
}

/// What a raw byte is to a path.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    /// It stands as it is (`pchar` of RFC 3986, section 3.3).
    Plain,
    /// A dot: plain, unless it begins a segment.
    Dot,
    /// It ends a segment.
    Slash,
    /// It begins an escape.
    Percent,
    /// It is written as an escape.
    Escaped,
    /// It has no place in a path.
    Refused,
}

const CLASS: [Class; 256] = {
    let mut table = [Class::Escaped; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = class_of(byte as u8);
        byte += 1;
    }
    table
};

const fn class_of(byte: u8) -> Class {
    match byte {
        b'.' => Class::Dot,
        b'/' => Class::Slash,
        b'%' => Class::Percent,
        0..=b' ' | 0x7F | b'\\' | b'#' | b'?' => Class::Refused,
        b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b'+' | b',' | b';' | b'=' | b':'
        | b'@' => Class::Plain,
        _ if is_unreserved(byte) => Class::Plain,
        _ => Class::Escaped,
    }
}

/// RFC 3986, section 2.3.
const fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

#[cfg(test)]
mod tests;
