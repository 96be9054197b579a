//! Finds the end of a message head, once, however slowly its bytes come.
//!
//! The scan remembers how far it has looked, so that a head that arrives a byte at a time costs no
//! more than one that arrives whole. On the way it refuses what only a lenient parser would take:
//! CR or LF without the other, and an empty line before the first one beyond the single CRLF that
//! RFC 9112, section 2.2 forgives.

use thiserror::Error;

/// Why the bytes cannot become a head.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum ScanError {
    /// A line ends in LF without CR.
    #[error("a line ends in LF without CR")]
    BareLineFeed,
    /// CR stands somewhere else than before LF.
    #[error("CR without LF")]
    BareReturn,
    /// The message does not begin with a token.
    #[error("the message does not begin with a token")]
    NotAToken,
    /// A second empty line precedes the start line.
    #[error("more than one empty line precedes the start line")]
    EmptyLines,
    /// The head is longer than allowed.
    #[error("the head is longer than allowed")]
    TooLong {
        /// Whether not even the start line has ended.
        in_start_line: bool,
    },
}

/// How far a head has been scanned.
#[derive(Clone, Copy, Debug, Default)]
pub struct Scan {
    /// Bytes known to hold no end of the head.
    seen: usize,
    /// Where the line that `seen` lies in begins.
    line: usize,
    /// Bytes of the one forgiven empty line: 0 or 2.
    skipped: usize,
    /// Whether the first byte of the start line has been seen, and was fit to be one.
    begun: bool,
}

impl Scan {
    /// Bytes of the forgiven CRLF before the start line.
    #[must_use]
    pub const fn skipped(&self) -> usize {
        self.skipped
    }

    /// Looks at what has come so far; `Some(length)` once the head, its empty line included, is
    /// whole.
    ///
    /// `bytes` must begin with the bytes of the call before. A head longer than `limit` is refused.
    pub fn advance(&mut self, bytes: &[u8], limit: usize) -> Result<Option<usize>, ScanError> {
        if !self.begun && !self.begin(bytes)? {
            return Ok(None);
        }
        while let Some(offset) = memchr::memchr2(b'\r', b'\n', &bytes[self.seen..]) {
            let end = self.seen + offset;
            match bytes[end..] {
                [b'\r', b'\n', ..] => {}
                [b'\r'] => return self.wait(end, bytes.len(), limit),
                [b'\r', ..] => return Err(ScanError::BareReturn),
                _ => return Err(ScanError::BareLineFeed),
            }
            if end + 1 >= limit {
                return Err(self.too_long());
            }
            if end == self.line {
                return Ok(Some(end + 2));
            }
            self.seen = end + 2;
            self.line = end + 2;
        }
        self.wait(bytes.len(), bytes.len(), limit)
    }

    /// Remembers that the first `seen` bytes of `length` hold no end.
    fn wait(
        &mut self,
        seen: usize,
        length: usize,
        limit: usize,
    ) -> Result<Option<usize>, ScanError> {
        self.seen = seen;
        if length > limit { Err(self.too_long()) } else { Ok(None) }
    }

    const fn too_long(&self) -> ScanError {
        ScanError::TooLong { in_start_line: self.line == self.skipped }
    }

    /// Looks at the first byte of the start line; false while it has not come.
    fn begin(&mut self, bytes: &[u8]) -> Result<bool, ScanError> {
        let start = match bytes {
            [b'\r'] => return Ok(false),
            [b'\r', b'\n', rest @ ..] => {
                (self.seen, self.line, self.skipped) = (2, 2, 2);
                rest
            }
            _ => bytes,
        };
        match start.first() {
            None => return Ok(false),
            Some(b'\r' | b'\n') if self.skipped > 0 => return Err(ScanError::EmptyLines),
            Some(b'\n') => return Err(ScanError::BareLineFeed),
            Some(b'\r') => return Err(ScanError::BareReturn),
            Some(byte) if !is_token_byte(*byte) => return Err(ScanError::NotAToken),
            Some(_) => self.begun = true,
        }
        Ok(true)
    }
}

/// Whether a byte may stand in a token (RFC 9110, section 5.6.2).
#[must_use]
pub const fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'!' | b'#'
                | b'$'
                | b'%'
                | b'&'
                | b'\''
                | b'*'
                | b'+'
                | b'-'
                | b'.'
                | b'^'
                | b'_'
                | b'`'
                | b'|'
                | b'~'
        )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn whole(bytes: &[u8]) -> Result<Option<usize>, ScanError> {
        Scan::default().advance(bytes, 1000)
    }

    #[test]
    fn the_end_is_behind_the_empty_line() {
        assert_eq!(whole(b"GET / HTTP/1.1\r\nA: b\r\n\r\nrest"), Ok(Some(24)));
        assert_eq!(whole(b"\r\nGET / HTTP/1.1\r\n\r\n"), Ok(Some(20)));
        assert_eq!(whole(b"GET / HTTP/1.1\r\nA: b\r\n\r"), Ok(None));
    }

    #[test]
    fn odd_line_ends_are_refused() {
        assert_eq!(whole(b"GET / HTTP/1.1\n\n"), Err(ScanError::BareLineFeed));
        assert_eq!(whole(b"GET / HTTP/1.1\r\nA: b\n\r\n"), Err(ScanError::BareLineFeed));
        assert_eq!(whole(b"\r\n\r\nGET / HTTP/1.1\r\n\r\n"), Err(ScanError::EmptyLines));
        assert_eq!(whole(b"\nGET / HTTP/1.1\r\n\r\n"), Err(ScanError::BareLineFeed));
        for bare in [&b"GET / HTTP/1.1\rHost: a"[..], b"G\r\r\n\r\n", b"A\r\nB: \rc", b"\rGET"] {
            assert_eq!(whole(bare), Err(ScanError::BareReturn));
        }
        assert_eq!(whole(b"\x16\x03\x01\x02"), Err(ScanError::NotAToken));
        assert_eq!(whole(b" GET / HTTP/1.1\r\n"), Err(ScanError::NotAToken));
    }

    #[test]
    fn a_long_head_is_refused_before_it_ends() {
        let error = |bytes: &[u8]| Scan::default().advance(bytes, 20);
        let start = ScanError::TooLong { in_start_line: true };
        assert_eq!(error(b"GET /aaaaaaaaaaaaaaaaaaaaaaaa"), Err(start));
        let fields = ScanError::TooLong { in_start_line: false };
        assert_eq!(error(b"GET / HTTP/1.1\r\nA: bbbbbbb"), Err(fields));
    }

    proptest! {
        #[test]
        fn arriving_in_pieces_changes_nothing(
            bytes in proptest::collection::vec(
                prop_oneof![Just(b'\r'), Just(b'\n'), Just(b'a'), Just(b' ')], 0..60),
            cuts in proptest::collection::vec(0usize..60, 0..8),
        ) {
            let mut cuts: Vec<usize> = cuts.into_iter().filter(|cut| *cut < bytes.len()).collect();
            cuts.sort_unstable();
            let mut scan = Scan::default();
            let mut pieces = Ok(None);
            for cut in cuts {
                pieces = scan.advance(&bytes[..cut], 1000);
                if pieces != Ok(None) { break; }
            }
            if pieces == Ok(None) { pieces = scan.advance(&bytes, 1000); }
            prop_assert_eq!(pieces, whole(&bytes));
        }
    }
}
