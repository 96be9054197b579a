//! Heads from the parts that HTTP/2 carries them in (RFC 9113, section 8.3): pseudo-fields and a
//! list of fields, decoded already.
//!
//! The outcome is the same [`Head`] that the parser of HTTP/1 fills, under the same limits, so that
//! nothing behind this point knows the difference. A message that is malformed (RFC 9113, section
//! 8.1.1) is told from one that is merely refused: the first ends its stream without an answer.

use thiserror::Error;

use super::chunked::{TRAILER_BYTES_MAX, TRAILER_FIELDS_MAX, may_trail};
use super::field_kind::FieldKind;
use super::framing::Framing;
use super::head::{BodyLength, FieldSpan, Head, Version};
use super::parse::{ReplyError, RequestError, settle_host, settle_path};
use super::reply::ReplyHead;
use super::scan::{ScanError, is_token_byte};
use super::scheme::Scheme;
use super::status::reason;
use super::write::field;

/// The most fields that the Cookie of one request may be spread over.
const CRUMBS_MAX: usize = 512;
/// What HTTP/1 spends on a field beside its name and its value: a colon, a space and the line end.
const FIELD_OVERHEAD: usize = 4;
/// What HTTP/1 spends on a request line beside the method and the target.
const LINE_OVERHEAD: usize = 12;

/// What a request carries outside of its fields.
#[derive(Clone, Copy, Debug)]
pub struct RequestParts<'a> {
    /// What the connection speaks; `:scheme` is only what its client says.
    pub scheme: Scheme,
    /// `:method`.
    pub method: &'a str,
    /// `:authority`.
    pub authority: Option<&'a str>,
    /// `:path`; empty for an ordinary CONNECT.
    pub path: &'a str,
    /// The key of the WebSocket handshake that an extended CONNECT (RFC 8441) becomes.
    pub websocket_key: Option<&'a str>,
    /// Whether the stream ended with the head.
    pub ended: bool,
}

/// The limits of a head, as HTTP/1 counts.
#[derive(Clone, Copy, Debug)]
pub struct HeadLimits {
    /// Bytes of the head.
    pub bytes: usize,
    /// Fields; the crumbs of a Cookie count as one.
    pub fields: usize,
}

/// Why a request cannot be taken.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum AssembleError {
    /// No message at all: its stream is reset.
    #[error("malformed message")]
    Malformed,
    /// A message that is answered with an error.
    #[error(transparent)]
    Refused(#[from] RequestError),
}

/// Fills `head` with a request. `fields` gives the fields anew each time, as they are walked twice:
/// a Cookie may come in crumbs, which become one field again (RFC 9113, section 8.2.3).
pub fn request<'a, F: Iterator<Item = (&'a [u8], &'a [u8])>>(
    parts: RequestParts<'_>,
    fields: impl Fn() -> F,
    limits: HeadLimits,
    head: &mut Head,
) -> Result<(), AssembleError> {
    head.clear();
    (head.version, head.scheme) = (Version::Http2, parts.scheme);
    let start_line = parts.method.len() + parts.path.len() + LINE_OVERHEAD;
    let mut budget = Budget::new(limits, start_line)?;
    let mut framing = Framing::default();
    for (name, value) in fields().filter(|(name, _)| *name != b"cookie") {
        let kind = check_field(name, value)?;
        match kind {
            FieldKind::ContentLength => {
                framing.content_length(value).map_err(|_| AssembleError::Malformed)?;
            }
            FieldKind::Expect if value.eq_ignore_ascii_case(b"100-continue") => {
                head.expects_continue = true;
            }
            FieldKind::Expect => return Err(RequestError::Expectation.into()),
            _ => {}
        }
        budget.take(name, value)?;
        push(head, name, value, kind);
    }
    join_crumbs(fields(), &mut budget, head)?;
    head.method = head.append(parts.method);
    if let Some(key) = parts.websocket_key {
        become_handshake(key, head);
    }
    settle(parts, head)?;
    head.body = match framing.request(Version::Http2) {
        _ if parts.ended || parts.websocket_key.is_some() => BodyLength::Empty,
        Ok(BodyLength::Exact(bytes)) => BodyLength::Exact(bytes),
        _ => BodyLength::UntilEnd,
    };
    Ok(())
}

/// Where a request goes. A Host beside `:authority` must name the same (RFC 9113, section 8.3.1).
fn settle(parts: RequestParts<'_>, head: &mut Head) -> Result<(), RequestError> {
    let mut hosts = head.fields.iter().filter(|field| field.kind == FieldKind::Host);
    let host = hosts.next().map(|field| field.value);
    if hosts.next().is_some() {
        return Err(RequestError::Host);
    }
    if let Some(authority) = parts.authority {
        if host.is_some() {
            settle_host(head, host)?;
        }
        let named = head.host;
        let authority = head.append(authority);
        settle_host(head, Some(authority))?;
        if host.is_some() && head.raw(named) != head.raw(head.host) {
            return Err(RequestError::Host);
        }
    } else {
        settle_host(head, host)?;
    }
    let path = head.append(parts.path);
    head.target = path;
    match parts.path {
        // CONNECT names no path; an asterisk is for OPTIONS alone.
        "" => (head.path, head.path_unmerged) = (path, path),
        "*" if parts.method == "OPTIONS" => (head.path, head.path_unmerged) = (path, path),
        text if text.starts_with('/') && !text.contains('#') => {
            settle_path(head, path.start as usize)?;
        }
        _ => return Err(RequestError::Target),
    }
    Ok(())
}

/// Turns an extended CONNECT into the handshake that a server on HTTP/1.1 knows (RFC 8441, section
/// 5). The key, which HTTP/2 has no use for, is the proxy's own.
fn become_handshake(key: &str, head: &mut Head) {
    head.method = head.append("GET");
    push(head, b"upgrade", b"websocket", FieldKind::Upgrade);
    push(head, b"sec-websocket-key", key.as_bytes(), FieldKind::Plain);
    head.connection.upgrade = true;
}

/// Puts the crumbs of a Cookie together.
fn join_crumbs<'a>(
    fields: impl Iterator<Item = (&'a [u8], &'a [u8])>,
    budget: &mut Budget,
    head: &mut Head,
) -> Result<(), AssembleError> {
    let mut crumbs = fields.filter(|(name, _)| *name == b"cookie").map(|(_, value)| value);
    let Some(first) = crumbs.next() else { return Ok(()) };
    check_field(b"cookie", first)?;
    budget.take(b"cookie", first)?;
    let name = head.append("cookie");
    let mut value = head.append(first);
    for (place, crumb) in crumbs.enumerate() {
        check_field(b"cookie", crumb)?;
        if place + 2 > CRUMBS_MAX {
            return Err(RequestError::TooManyFields.into());
        }
        budget.lengthen(crumb.len() + 2)?;
        head.append("; ");
        value.end = head.append(crumb).end;
    }
    head.fields.push(FieldSpan { name, value, kind: FieldKind::of(b"cookie") });
    Ok(())
}

fn push(head: &mut Head, name: &[u8], value: &[u8], kind: FieldKind) {
    let (name, value) = (head.append(name), head.append(value));
    head.fields.push(FieldSpan { name, value, kind });
}

/// What a field is, if it may stand in an HTTP/2 message (RFC 9113, section 8.2).
fn check_field(name: &[u8], value: &[u8]) -> Result<FieldKind, AssembleError> {
    let named = !name.is_empty()
        && name.iter().all(|byte| is_token_byte(*byte) && !byte.is_ascii_uppercase());
    if !named || !is_bare_value(value) {
        return Err(AssembleError::Malformed);
    }
    match FieldKind::of(name) {
        FieldKind::HopByHop if name == b"te" && value.eq_ignore_ascii_case(b"trailers") => {
            Ok(FieldKind::HopByHop)
        }
        FieldKind::HopByHop if name == b"http2-settings" => Ok(FieldKind::HopByHop),
        FieldKind::Connection
        | FieldKind::HopByHop
        | FieldKind::Upgrade
        | FieldKind::TransferEncoding => Err(AssembleError::Malformed),
        FieldKind::FramingAlias => Err(RequestError::FramingAlias.into()),
        kind => Ok(kind),
    }
}

/// Whether a value holds no control byte but a tab inside, and no space around it.
fn is_bare_value(value: &[u8]) -> bool {
    let blank = |byte: Option<&u8>| matches!(byte, Some(b' ' | b'\t'));
    !blank(value.first())
        && !blank(value.last())
        && value.iter().all(|byte| matches!(byte, b'\t' | b' '..=b'~' | 0x80..))
}

/// What a head may still take.
struct Budget {
    bytes: usize,
    fields: usize,
}

impl Budget {
    fn new(limits: HeadLimits, start_line: usize) -> Result<Self, RequestError> {
        let too_long = ScanError::TooLong { in_start_line: true };
        let bytes = limits.bytes.checked_sub(start_line).ok_or(too_long)?;
        Ok(Self { bytes, fields: limits.fields })
    }

    fn take(&mut self, name: &[u8], value: &[u8]) -> Result<(), RequestError> {
        self.fields = self.fields.checked_sub(1).ok_or(RequestError::TooManyFields)?;
        self.lengthen(name.len() + value.len() + FIELD_OVERHEAD)
    }

    fn lengthen(&mut self, bytes: usize) -> Result<(), RequestError> {
        let too_long = ScanError::TooLong { in_start_line: false };
        self.bytes = self.bytes.checked_sub(bytes).ok_or(too_long)?;
        Ok(())
    }
}

/// Fills `reply` with a response. Whatever its Content-Length, the body lasts until the stream
/// ends, as trailers may come behind it; `ended` says that the stream ended with the head.
pub fn reply<'a>(
    status: u16,
    fields: impl Iterator<Item = (&'a [u8], &'a [u8])>,
    ended: bool,
    limits: HeadLimits,
    reply: &mut ReplyHead,
) -> Result<(), ReplyError> {
    reply.clear();
    reply.version = Version::Http2;
    reply.status = status;
    // HTTP/2 has no phrase, and some clients of HTTP/1 want one.
    reply.reason = reply.append(reason(status).as_bytes());
    let mut budget = Budget { bytes: limits.bytes, fields: limits.fields };
    let mut framing = Framing::default();
    for (name, value) in fields {
        let kind = check_field(name, value).map_err(|_| ReplyError::Field)?;
        match kind {
            FieldKind::ContentLength => framing.content_length(value)?,
            FieldKind::Date => reply.has_date = true,
            _ => {}
        }
        budget.take(name, value).map_err(|error| match error {
            RequestError::Scan(error) => ReplyError::Scan(error),
            _ => ReplyError::TooManyFields,
        })?;
        let (name, value) = (reply.append(name), reply.append(value));
        reply.fields.push(FieldSpan { name, value, kind });
    }
    reply.body = match status {
        100..=199 | 204 if framing.claims_body() => return Err(ReplyError::ForbiddenBody),
        100..=199 | 204 | 304 => BodyLength::Empty,
        _ if ended => BodyLength::Empty,
        _ => BodyLength::UntilEnd,
    };
    Ok(())
}

/// The trailer fields that may go on, as lines with an empty one behind them; empty when there are
/// none. What is malformed is no trailer.
#[must_use]
pub fn trailers<'a>(fields: impl Iterator<Item = (&'a [u8], &'a [u8])>) -> Vec<u8> {
    let mut lines = Vec::new();
    for (name, value) in fields.take(TRAILER_FIELDS_MAX) {
        let fits = lines.len() + name.len() + value.len() + FIELD_OVERHEAD <= TRAILER_BYTES_MAX;
        if fits && may_trail(name) && check_field(name, value).is_ok() {
            field(name, value, &mut lines);
        }
    }
    if !lines.is_empty() {
        lines.extend_from_slice(b"\r\n");
    }
    lines
}

/// The fields in lines that this crate has written, the empty line aside.
pub fn fields_of(lines: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    let lines = lines.split(|byte| *byte == b'\n').filter_map(|line| line.strip_suffix(b"\r"));
    lines.filter_map(|line| {
        let colon = memchr::memchr(b':', line)?;
        Some((&line[..colon], line.get(colon + 2..)?))
    })
}

#[cfg(test)]
mod tests;
