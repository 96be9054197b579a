//! Responses, from both ends: the bytes the origin sends, and the generator's reader that tells
//! where one ends.
//!
//! The reader counts and never keeps: a body is not checked, only measured. It knows Content-Length
//! and chunked framing, not responses that end with their connection.

use std::fmt::Write as _;

use crate::page;

/// The longest body the origin makes, in bytes.
const BODY_MAX: usize = 64 * 1024 * 1024;
/// Data bytes of one chunk of a chunked response.
const CHUNK: usize = 8192;
/// What every response of the origin starts with, and a date of constant length.
const FIELDS: &str = "Server: origin\r\nDate: Fri, 20 Nov 2026 20:00:00 GMT\r\n";

/// The whole response to `path`: `/s/N` has N bytes and a Content-Length, `/h/N` the same as a page
/// of HTML, `/c/N` has N bytes in chunks, anything else (or more than 64 MiB) is not found.
#[must_use]
pub fn for_path(path: &str) -> Vec<u8> {
    let sized = |prefix| {
        let digits: &str = path.strip_prefix(prefix)?;
        digits.parse::<usize>().ok().filter(|&length| length <= BODY_MAX)
    };
    if let Some(length) = sized("/s/") {
        with_length("200 OK", "text/plain", vec![b'x'; length])
    } else if let Some(length) = sized("/h/") {
        with_length("200 OK", "text/html", page::html(length).into_bytes())
    } else if let Some(length) = sized("/c/") {
        chunked(length)
    } else {
        with_length("404 Not Found", "text/plain", Vec::new())
    }
}

fn with_length(status: &str, kind: &str, body: Vec<u8>) -> Vec<u8> {
    let length = body.len();
    let fields = format!("{FIELDS}Content-Type: {kind}\r\nContent-Length: {length}");
    let head = format!("HTTP/1.1 {status}\r\n{fields}\r\n\r\n");
    [head.into_bytes(), body].concat()
}

fn chunked(length: usize) -> Vec<u8> {
    let fields = format!("{FIELDS}Content-Type: text/plain\r\nTransfer-Encoding: chunked");
    let mut text = format!("HTTP/1.1 200 OK\r\n{fields}\r\n\r\n");
    let mut left = length;
    while left > 0 {
        let size = left.min(CHUNK);
        write!(text, "{size:x}\r\n{}\r\n", "x".repeat(size)).expect("a String takes any text");
        left -= size;
    }
    text.push_str("0\r\n\r\n");
    text.into_bytes()
}

/// Follows the responses on one connection, whatever pieces they arrive in.
#[derive(Debug, Default)]
pub struct Reader {
    /// The head so far; empty once the body has begun.
    head: Vec<u8>,
    body: Body,
}

/// Where in a response the reader is.
#[derive(Debug, Default)]
enum Body {
    /// Still in the head.
    #[default]
    NotYet,
    /// So many bytes are missing.
    Left(usize),
    /// Chunks, until the last bytes seen are those of the last chunk.
    Chunks([u8; 5]),
}

/// One finished response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finished {
    /// Its status, for example 200.
    pub status: u16,
    /// The cookie that it sets first, as a request carries it.
    pub cookie: Option<String>,
}

/// The response is broken, or framed in a way the reader does not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unreadable;

impl Reader {
    /// Takes the next bytes; says when they complete the response. A client without pipelining has
    /// nothing behind it, so bytes that follow are unreadable.
    ///
    /// # Errors
    /// When the bytes are not a response that ends by Content-Length or chunks.
    pub fn feed(&mut self, mut bytes: &[u8]) -> Result<Option<Finished>, Unreadable> {
        if matches!(self.body, Body::NotYet) {
            let before = self.head.len();
            self.head.extend_from_slice(bytes);
            let Some(end) = self.head.windows(4).position(|four| four == b"\r\n\r\n") else {
                return Ok(None);
            };
            self.head.truncate(end + 4);
            bytes = &bytes[end + 4 - before..];
            self.body = framing(&self.head)?;
        }
        if !self.body.consume(bytes)? {
            return Ok(None);
        }
        let status = status(&self.head).ok_or(Unreadable)?;
        let cookie = cookie(&self.head);
        self.head.clear();
        self.body = Body::NotYet;
        Ok(Some(Finished { status, cookie }))
    }
}

impl Body {
    /// Counts `bytes`; true when the body is complete.
    fn consume(&mut self, bytes: &[u8]) -> Result<bool, Unreadable> {
        match self {
            Self::NotYet => Ok(false),
            Self::Left(left) => {
                *left = left.checked_sub(bytes.len()).ok_or(Unreadable)?;
                Ok(*left == 0)
            }
            Self::Chunks(tail) => {
                // The origin's bodies hold no digits, so these five bytes can only be the last
                // chunk.
                let fresh = &bytes[bytes.len().saturating_sub(tail.len())..];
                tail.rotate_left(fresh.len());
                let keep = tail.len() - fresh.len();
                tail[keep..].copy_from_slice(fresh);
                Ok(tail == b"0\r\n\r\n")
            }
        }
    }
}

fn framing(head: &[u8]) -> Result<Body, Unreadable> {
    let text = std::str::from_utf8(head).map_err(|_| Unreadable)?;
    for (name, value) in fields(text) {
        if name.eq_ignore_ascii_case("content-length") {
            return value.parse().map(Body::Left).map_err(|_| Unreadable);
        }
        if name.eq_ignore_ascii_case("transfer-encoding") && value.eq_ignore_ascii_case("chunked") {
            return Ok(Body::Chunks([0; 5]));
        }
    }
    Err(Unreadable)
}

/// The names and values of a head.
fn fields(head: &str) -> impl Iterator<Item = (&str, &str)> {
    let lines = head.split("\r\n").filter_map(|line| line.split_once(':'));
    lines.map(|(name, value)| (name, value.trim()))
}

fn cookie(head: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(head).ok()?;
    let (_, set) = fields(text).find(|(name, _)| name.eq_ignore_ascii_case("set-cookie"))?;
    set.split(';').next().map(str::to_owned)
}

fn status(head: &[u8]) -> Option<u16> {
    let digits = head.strip_prefix(b"HTTP/1.1 ")?.get(..3)?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const OK: Result<Option<Finished>, Unreadable> =
        Ok(Some(Finished { status: 200, cookie: None }));

    #[test]
    fn what_the_origin_sends_is_read_whole_however_it_is_cut() {
        for path in ["/s/0", "/s/1", "/s/100", "/c/0", "/c/5", "/c/20000"] {
            let bytes = for_path(path);
            for piece in [1, 2, 3, 7, 100, bytes.len()] {
                let mut reader = Reader::default();
                let mut pieces = bytes.chunks(piece).peekable();
                while let Some(part) = pieces.next() {
                    let expected = if pieces.peek().is_none() { OK } else { Ok(None) };
                    assert_eq!(reader.feed(part), expected, "{path} in pieces of {piece}");
                }
            }
        }
    }

    #[test]
    fn a_reader_reads_one_response_after_another() {
        let mut reader = Reader::default();
        for path in ["/s/10", "/c/10", "/s/0"] {
            assert_eq!(reader.feed(&for_path(path)), OK, "{path}");
        }
    }

    #[test]
    fn an_unknown_path_is_not_found() {
        for path in ["/", "/s/", "/s/x", "/s/67108865", "/t/1"] {
            let finished = Reader::default().feed(&for_path(path));
            assert_eq!(finished, Ok(Some(Finished { status: 404, cookie: None })), "{path}");
        }
    }

    #[test]
    fn a_cookie_is_told_without_its_attributes() {
        let head = "HTTP/1.1 200 OK\r\nset-cookie: a=b; Path=/\r\nContent-Length: 0\r\n\r\n";
        let finished = Reader::default().feed(head.as_bytes());
        let cookie = Some("a=b".to_owned());
        assert_eq!(finished, Ok(Some(Finished { status: 200, cookie })));
    }

    #[test]
    fn bytes_behind_a_response_and_unknown_framing_are_unreadable() {
        let mut surplus = for_path("/s/1");
        surplus.push(b'x');
        for bytes in [&surplus[..], b"HTTP/1.1 200 OK\r\n\r\n", b"junk\r\n\r\n"] {
            assert_eq!(Reader::default().feed(bytes), Err(Unreadable));
        }
    }
}
