//! Just enough of an HTTP/1.1 request to answer it: path, whether to close, how much body to skip.
//!
//! The parser serves a benchmark on loopback, behind a balancer that has checked the request
//! already. It does not validate, does not know chunked request bodies, and limits nothing but the
//! head's size.

/// A head longer than this is not waited for.
pub const HEAD_MAX: usize = 64 * 1024;

/// What the origin needs to know of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The target as sent, for example `/s/100`.
    pub path: String,
    /// Bytes the head takes, its blank line included.
    pub head_len: usize,
    /// Bytes of body that follow the head.
    pub body_len: usize,
    /// The client wants the connection closed after the answer.
    pub close: bool,
}

/// The first request in `received`; `Ok(None)` while its head is incomplete.
///
/// # Errors
/// When what came is not a request, or its head exceeds [`HEAD_MAX`].
pub fn parse(received: &[u8]) -> Result<Option<Request>, Malformed> {
    let Some(end) = received.windows(4).position(|bytes| bytes == b"\r\n\r\n") else {
        return if received.len() > HEAD_MAX { Err(Malformed) } else { Ok(None) };
    };
    let head = std::str::from_utf8(&received[..end]).map_err(|_| Malformed)?;
    let mut lines = head.split("\r\n");
    let (path, version) = request_line(lines.next().unwrap_or_default()).ok_or(Malformed)?;
    let mut request = Request {
        path: path.to_owned(),
        head_len: end + 4,
        body_len: 0,
        close: version == "HTTP/1.0",
    };
    for (name, value) in lines.filter_map(|line| line.split_once(':')) {
        let value = value.trim();
        if name.eq_ignore_ascii_case("content-length") {
            request.body_len = value.parse().map_err(|_| Malformed)?;
        } else if name.eq_ignore_ascii_case("connection") {
            request.close = value.eq_ignore_ascii_case("close");
        }
    }
    Ok(Some(request))
}

/// What came is not an HTTP/1 request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

fn request_line(line: &str) -> Option<(&str, &str)> {
    let mut words = line.split(' ');
    let (_method, path, version) = (words.next()?, words.next()?, words.next()?);
    (version.starts_with("HTTP/1.") && words.next().is_none()).then_some((path, version))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_read_once_its_head_is_whole() {
        let whole = b"GET /s/100 HTTP/1.1\r\nHost: a\r\n\r\nGET /s/2";
        let head_len = whole.len() - b"GET /s/2".len();
        for end in 0..head_len {
            assert_eq!(parse(&whole[..end]), Ok(None), "at {end} bytes");
        }
        let request = parse(whole).expect("it is well formed").expect("it is complete");
        assert_eq!(request.path, "/s/100");
        assert_eq!(request.head_len, head_len);
        assert_eq!((request.body_len, request.close), (0, false));
    }

    #[test]
    fn body_length_and_close_are_found_in_any_case() {
        let bytes = b"POST /s/1 HTTP/1.1\r\nCONTENT-LENGTH: 12\r\nconnection: Close\r\n\r\n";
        let request = parse(bytes).expect("it is well formed").expect("it is complete");
        assert_eq!((request.body_len, request.close), (12, true));
    }

    #[test]
    fn a_1_0_client_is_closed_unless_it_asks_to_stay() {
        for (head, close) in [
            ("GET / HTTP/1.0\r\n\r\n", true),
            ("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", false),
        ] {
            let request = parse(head.as_bytes()).expect("well formed").expect("complete");
            assert_eq!(request.close, close, "{head:?}");
        }
    }

    #[test]
    fn what_is_no_request_is_refused() {
        for bytes in [
            &b"hello\r\n\r\n"[..],
            b"GET / HTTP/2\r\n\r\n",
            b"GET / HTTP/1.1 x\r\n\r\n",
            b"GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n",
            b"\xff / HTTP/1.1\r\n\r\n",
            &[b'x'; HEAD_MAX + 1],
        ] {
            assert_eq!(parse(bytes), Err(Malformed));
        }
    }
}
