//! Bytes to heads: one whole HTTP/1 message head, tokenised by `httparse` and then judged strictly.
//!
//! The tokeniser runs with every leniency off. What it lets pass and a proxy must not is refused
//! here: aliases of framing fields, two Hosts, a target in the wrong form. A head that was parsed
//! is safe to route by and to write out again. The caller finds the end of the head first (`scan`).

use std::mem::MaybeUninit;

use httparse::Header;
use thiserror::Error;

use super::authority;
use super::field_kind::FieldKind;
use super::framing::{Framing, FramingError};
use super::head::{BodyLength, Connection, FieldSpan, Head, Span, Version};
use super::path::{self, PathError};
use super::reply::ReplyHead;
use super::scan::ScanError;
use super::scheme::Scheme;

/// The most fields the tokeniser can be asked for: bounds the stack it needs.
const FIELDS_MAX: usize = 512;

/// Why a request head is refused.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum RequestError {
    /// The bytes are no head.
    #[error(transparent)]
    Scan(#[from] ScanError),
    /// The request line is not `METHOD target HTTP/1.x`.
    #[error("malformed request line")]
    RequestLine,
    /// A version other than 1.0 and 1.1.
    #[error("unsupported HTTP version")]
    Version,
    /// A field line that RFC 9112, section 5 does not allow.
    #[error("malformed header field")]
    Field,
    /// A name that servers may read as a framing field.
    #[error("a field name that imitates a framing field")]
    FramingAlias,
    /// More fields than allowed.
    #[error("too many header fields")]
    TooManyFields,
    /// Host is missing, repeated, empty or not a host.
    #[error("missing, repeated or malformed host")]
    Host,
    /// The target's form does not suit the method, or it holds a fragment.
    #[error("malformed request target")]
    Target,
    /// The path is refused.
    #[error(transparent)]
    Path(#[from] PathError),
    /// The framing is refused.
    #[error(transparent)]
    Framing(#[from] FramingError),
    /// An expectation other than `100-continue`.
    #[error("unknown expectation")]
    Expectation,
}

impl RequestError {
    /// The status that answers it.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::Scan(ScanError::TooLong { in_start_line: true }) => 414,
            Self::Scan(ScanError::TooLong { in_start_line: false }) | Self::TooManyFields => 431,
            Self::Version => 505,
            Self::Framing(FramingError::UnknownCoding) => 501,
            Self::Expectation => 417,
            _ => 400,
        }
    }
}

/// Why a response head is refused. The client gets 502 for all of them.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum ReplyError {
    /// The bytes are no head.
    #[error(transparent)]
    Scan(#[from] ScanError),
    /// The status line is not `HTTP/1.x 3DIGIT reason`.
    #[error("malformed status line")]
    StatusLine,
    /// A field line that RFC 9112, section 5 does not allow.
    #[error("malformed header field")]
    Field,
    /// More fields than allowed.
    #[error("too many header fields")]
    TooManyFields,
    /// The framing is refused.
    #[error(transparent)]
    Framing(#[from] FramingError),
    /// A body where the status forbids one.
    #[error("a body where the status allows none")]
    ForbiddenBody,
}

/// Parses `bytes`, one whole request head that came over `scheme`, into `head`. At most
/// `fields_max` fields are taken.
pub fn request(
    bytes: &[u8],
    fields_max: usize,
    scheme: Scheme,
    head: &mut Head,
) -> Result<(), RequestError> {
    head.clear();
    head.scheme = scheme;
    head.buffer.extend_from_slice(bytes);
    tokenise_request(head, fields_max)?;
    let Facts { framing, host } = gather(head)?;
    head.body = framing.request(head.version)?;
    settle_target(head, host)
}

fn tokenise_request(head: &mut Head, fields_max: usize) -> Result<(), RequestError> {
    let mut headers = [const { MaybeUninit::<Header<'_>>::uninit() }; FIELDS_MAX];
    let mut request = httparse::Request::new(&mut []);
    let Head { buffer, fields, .. } = head;
    let slots = &mut headers[..fields_max.min(FIELDS_MAX)];
    let parsed = httparse::ParserConfig::default()
        .parse_request_with_uninit_headers(&mut request, buffer, slots)
        .map_err(|error| request_error(error, buffer))?;
    if parsed.is_partial() {
        return Err(RequestError::RequestLine);
    }
    let (Some(method), Some(target)) = (request.method, request.path) else {
        return Err(RequestError::RequestLine);
    };
    let spans = Spans::of(buffer);
    (head.method, head.target) = (spans.span(method.as_bytes()), spans.span(target.as_bytes()));
    head.version = if request.version == Some(0) { Version::Http10 } else { Version::Http11 };
    fields.extend(request.headers.iter().map(|header| spans.field(header)));
    Ok(())
}

fn request_error(error: httparse::Error, bytes: &[u8]) -> RequestError {
    match error {
        httparse::Error::TooManyHeaders => RequestError::TooManyFields,
        httparse::Error::HeaderName | httparse::Error::HeaderValue => RequestError::Field,
        httparse::Error::Version if names_other_version(bytes) => RequestError::Version,
        _ => RequestError::RequestLine,
    }
}

/// Whether the request line ends in ` HTTP/D.D` or ` HTTP/D`: well formed, though not a version we
/// speak. When it does end in one that we speak, what is wrong is in front of it.
fn names_other_version(bytes: &[u8]) -> bool {
    let line = bytes.trim_ascii_start().split(|byte| *byte == b'\r').next().unwrap_or_default();
    let Some(space) = line.iter().rposition(|byte| *byte == b' ') else { return false };
    match line[space + 1..].strip_prefix(b"HTTP/") {
        Some(b"1.0" | b"1.1") => false,
        Some([major, b'.', minor]) => major.is_ascii_digit() && minor.is_ascii_digit(),
        Some([major]) => major.is_ascii_digit(),
        _ => false,
    }
}

/// What one walk over a request's fields brings together.
struct Facts {
    framing: Framing,
    host: Option<Span>,
}

fn gather(head: &mut Head) -> Result<Facts, RequestError> {
    let mut facts = Facts { framing: Framing::default(), host: None };
    let Head { buffer, fields, connection, .. } = head;
    let mut expectation = None;
    for field in fields.iter() {
        let value = field.value.of(buffer);
        match field.kind {
            FieldKind::Plain => {}
            FieldKind::Host if facts.host.replace(field.value).is_some() => {
                return Err(RequestError::Host);
            }
            FieldKind::ContentLength => facts.framing.content_length(value)?,
            FieldKind::TransferEncoding => facts.framing.transfer_encoding(value)?,
            FieldKind::Connection => connection.read(value),
            // A second one makes a list of them, and no list of expectations is known.
            FieldKind::Expect => {
                let known = value.eq_ignore_ascii_case(b"100-continue") && expectation.is_none();
                expectation = Some(known);
            }
            FieldKind::FramingAlias => return Err(RequestError::FramingAlias),
            _ => {}
        }
    }
    match expectation {
        Some(false) => return Err(RequestError::Expectation),
        // RFC 9110, section 10.1.1: a 1.0 client cannot mean it.
        Some(true) => head.expects_continue = head.version == Version::Http11,
        None => {}
    }
    Ok(facts)
}

/// Reads the target's form (RFC 9112, section 3.2), and with it where the authority and the path
/// stand.
fn settle_target(head: &mut Head, host: Option<Span>) -> Result<(), RequestError> {
    let target = head.target.of(&head.buffer);
    let method = head.method.of(&head.buffer);
    if target.contains(&b'#') {
        return Err(RequestError::Target);
    }
    let start = head.target.start as usize;
    match target {
        b"*" if method == b"OPTIONS" => {
            (head.path, head.path_unmerged) = (head.target, head.target);
            settle_host(head, host)
        }
        [b'/', ..] => {
            settle_host(head, host)?;
            settle_path(head, start)
        }
        _ if method == b"CONNECT" => {
            (head.path, head.path_unmerged) = (head.target, head.target);
            settle_host(head, Some(head.target))
        }
        _ => {
            let (authority, path) = absolute(target).ok_or(RequestError::Target)?;
            let authority = Span::new(start + authority.0, start + authority.1);
            // The Host of an absolute-form request is replaced, but it must still be one.
            settle_host(head, host)?;
            settle_host(head, Some(authority))?;
            settle_path(head, start + path)
        }
    }
}

/// The authority and the beginning of the path of an absolute-form target, as offsets into it.
fn absolute(target: &[u8]) -> Option<((usize, usize), usize)> {
    let scheme = ["http://", "https://"].into_iter().find(|scheme| {
        target
            .get(..scheme.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(scheme.as_bytes()))
    })?;
    let rest = &target[scheme.len()..];
    let length = rest.iter().position(|byte| matches!(byte, b'/' | b'?')).unwrap_or(rest.len());
    let end = scheme.len() + length;
    (length > 0).then_some(((scheme.len(), end), end))
}

pub(super) fn settle_host(head: &mut Head, host: Option<Span>) -> Result<(), RequestError> {
    let Some(host) = host else {
        // Only HTTP/1.0 may leave it out.
        return if head.version == Version::Http10 { Ok(()) } else { Err(RequestError::Host) };
    };
    let raw = host.of(&head.buffer);
    if raw.is_empty() && head.version == Version::Http10 {
        return Ok(());
    }
    let form = authority::examine(raw, head.scheme).ok_or(RequestError::Host)?;
    head.host = if form.canonical {
        host
    } else {
        let start = head.buffer.len();
        head.buffer.extend_from_within(host.start as usize..host.start as usize + form.length);
        head.buffer[start..].make_ascii_lowercase();
        Span::new(start, head.buffer.len())
    };
    Ok(())
}

/// Splits the query off the target and brings the path into canonical form.
pub(super) fn settle_path(head: &mut Head, start: usize) -> Result<(), RequestError> {
    let end = head.target.end as usize;
    let rest = &head.buffer[start..end];
    let length = memchr::memchr(b'?', rest).unwrap_or(rest.len());
    head.query = (length < rest.len()).then(|| Span::new(start + length + 1, end));
    let raw = &rest[..length];
    if path::is_plain(raw) {
        head.path = Span::new(start, start + length);
        head.path_unmerged = head.path;
        return Ok(());
    }
    let canonical = path::canonical(&mut head.buffer, start..start + length)?;
    head.path_encodes_slash = canonical.encodes_slash;
    head.path = Span::new(canonical.merged.start, canonical.merged.end);
    head.path_unmerged = Span::new(canonical.unmerged.start, canonical.unmerged.end);
    Ok(())
}

/// Parses `bytes`, one whole response head, into `reply`. `to_head` says that it answers a HEAD
/// request.
pub fn reply(
    bytes: &[u8],
    fields_max: usize,
    to_head: bool,
    reply: &mut ReplyHead,
) -> Result<(), ReplyError> {
    reply.clear();
    reply.buffer.extend_from_slice(bytes);
    tokenise_reply(reply, fields_max)?;
    let mut framing = Framing::default();
    let ReplyHead { buffer, fields, connection, has_date, .. } = reply;
    for field in fields.iter() {
        let value = field.value.of(buffer);
        match field.kind {
            FieldKind::ContentLength => framing.content_length(value)?,
            FieldKind::TransferEncoding => framing.transfer_encoding(value)?,
            FieldKind::Connection => connection.read(value),
            FieldKind::Date => *has_date = true,
            _ => {}
        }
    }
    reply.body = match reply.status {
        100..=199 | 204 if framing.claims_body() => return Err(ReplyError::ForbiddenBody),
        100..=199 | 204 => BodyLength::Empty,
        _ => match framing.response(reply.version)? {
            _ if to_head || reply.status == 304 => BodyLength::Empty,
            length => length,
        },
    };
    Ok(())
}

fn tokenise_reply(reply: &mut ReplyHead, fields_max: usize) -> Result<(), ReplyError> {
    let mut headers = [const { MaybeUninit::<Header<'_>>::uninit() }; FIELDS_MAX];
    let mut response = httparse::Response::new(&mut []);
    let ReplyHead { buffer, fields, .. } = reply;
    let slots = &mut headers[..fields_max.min(FIELDS_MAX)];
    let parsed = httparse::ParserConfig::default()
        .parse_response_with_uninit_headers(&mut response, buffer, slots)
        .map_err(reply_error)?;
    let status = response.code.filter(|status| (100..1000).contains(status));
    let (false, Some(status)) = (parsed.is_partial(), status) else {
        return Err(ReplyError::StatusLine);
    };
    let spans = Spans::of(buffer);
    reply.status = status;
    reply.reason = spans.span(response.reason.unwrap_or_default().as_bytes());
    reply.version = if response.version == Some(0) { Version::Http10 } else { Version::Http11 };
    fields.extend(response.headers.iter().map(|header| spans.field(header)));
    Ok(())
}

fn reply_error(error: httparse::Error) -> ReplyError {
    match error {
        httparse::Error::TooManyHeaders => ReplyError::TooManyFields,
        httparse::Error::HeaderName | httparse::Error::HeaderValue => ReplyError::Field,
        _ => ReplyError::StatusLine,
    }
}

impl Connection {
    /// Takes the value of a Connection field, a list of names.
    fn read(&mut self, value: &[u8]) {
        for name in value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii) {
            let is = |known: &str| name.eq_ignore_ascii_case(known.as_bytes());
            match name.len() {
                0 => {}
                5 if is("close") => self.close = true,
                7 if is("upgrade") => self.upgrade = true,
                10 if is("keep-alive") => self.keep_alive = true,
                _ => {
                    self.nominates = true;
                    self.nominates_protected |= FieldKind::is_protected(name);
                }
            }
        }
    }
}

/// Turns the tokeniser's slices into ranges of the buffer that they are slices of.
struct Spans {
    origin: usize,
    end: usize,
}

impl Spans {
    fn of(buffer: &[u8]) -> Self {
        let origin = buffer.as_ptr() as usize;
        Self { origin, end: origin + buffer.len() }
    }

    fn span(&self, slice: &[u8]) -> Span {
        let start = slice.as_ptr() as usize;
        if slice.is_empty() || start < self.origin || start + slice.len() > self.end {
            return Span::default();
        }
        Span::new(start - self.origin, start - self.origin + slice.len())
    }

    fn field(&self, header: &Header<'_>) -> FieldSpan {
        FieldSpan {
            name: self.span(header.name.as_bytes()),
            value: self.span(header.value),
            kind: FieldKind::of(header.name.as_bytes()),
        }
    }
}

#[cfg(test)]
mod tests;
