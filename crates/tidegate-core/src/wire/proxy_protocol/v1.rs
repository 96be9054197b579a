//! Version 1: a line of text, `PROXY TCP4 192.0.2.1 192.0.2.2 56324 443` and CRLF.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use super::{Header, HeaderError, Reading, more};

/// How the line begins.
pub(super) const SIGNATURE: &[u8] = b"PROXY ";
/// The longest line with its CRLF: the document's bound, which the longest addresses stay below.
pub const LENGTH_MAX: usize = 107;
/// The shortest: `PROXY UNKNOWN`.
pub(super) const LENGTH_MIN: usize = 15;
const UNKNOWN: &[u8] = b"PROXY UNKNOWN";

/// Reads a line from bytes that begin like one.
pub(super) fn read(bytes: &[u8]) -> Result<Reading, HeaderError> {
    const BEFORE_LINE_FEED: usize = LENGTH_MAX - 1;
    let line = &bytes[..bytes.len().min(BEFORE_LINE_FEED)];
    match memchr::memchr2(b'\r', b'\n', line) {
        Some(end) => match (bytes[end], bytes.get(end + 1)) {
            (b'\r', None) => Ok(more(1)),
            (b'\r', Some(b'\n')) => {
                Ok(Reading::Whole { header: parse(&line[..end])?, length: end + 2 })
            }
            _ => Err(HeaderError::LineEnd),
        },
        None if line.len() == BEFORE_LINE_FEED => Err(HeaderError::LineTooLong),
        None => Ok(more(missing(line))),
    }
}

/// How many bytes an unfinished line lacks at least: the shortest of each field that is to come,
/// and CRLF.
fn missing(line: &[u8]) -> usize {
    if line.len() < UNKNOWN.len() || line.starts_with(UNKNOWN) {
        return LENGTH_MIN.saturating_sub(line.len()).max(2);
    }
    let spaces = line.iter().filter(|byte| **byte == b' ').count();
    let fields = 5usize.saturating_sub(spaces) * " 0".len();
    fields + usize::from(line.ends_with(b" ")) + "\r\n".len()
}

fn parse(line: &[u8]) -> Result<Header, HeaderError> {
    if let Some(rest) = line.strip_prefix(UNKNOWN) {
        // Whatever stands behind the word is to be ignored.
        let ends = rest.first().is_none_or(|byte| *byte == b' ');
        return if ends { Ok(Header::Local) } else { Err(HeaderError::Family) };
    }
    let text = std::str::from_utf8(line).map_err(|_| HeaderError::Line)?;
    let mut fields = text.split(' ').skip(1);
    let mut field = || fields.next().ok_or(HeaderError::Line);
    let protocol = field()?;
    if !matches!(protocol, "TCP4" | "TCP6") {
        return Err(HeaderError::Family);
    }
    let (from, to, from_port, to_port) = (field()?, field()?, field()?, field()?);
    if fields.next().is_some() {
        return Err(HeaderError::Line);
    }
    Ok(Header::Proxied {
        source: address(protocol, from, from_port)?,
        destination: address(protocol, to, to_port)?,
    })
}

fn address(protocol: &str, ip: &str, port: &str) -> Result<SocketAddr, HeaderError> {
    let ip = match protocol {
        "TCP4" => ip.parse::<Ipv4Addr>().map(Into::into),
        _ => ip.parse::<Ipv6Addr>().map(Into::into),
    };
    Ok(SocketAddr::new(ip.map_err(|_| HeaderError::Address)?, self::port(port)?))
}

/// Decimal, without a sign or leading zeros.
fn port(text: &str) -> Result<u16, HeaderError> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit());
    let leading = text.len() > 1 && text.starts_with('0');
    text.parse().ok().filter(|_| plain && !leading).ok_or(HeaderError::Port)
}

pub(super) fn write(header: Header) -> String {
    match header {
        Header::Local => "PROXY UNKNOWN\r\n".to_owned(),
        Header::Proxied { source, destination } => {
            let protocol = if source.is_ipv4() { "TCP4" } else { "TCP6" };
            let (from, to) = (source.ip(), destination.ip());
            format!("PROXY {protocol} {from} {to} {} {}\r\n", source.port(), destination.port())
        }
    }
}
