//! The one message head of every protocol: a buffer, and ranges into it.
//!
//! A `Head` is reused from one message to the next, so that parsing allocates nothing once its
//! buffer and its field list have grown to size. Names keep the case they came in; every look-up
//! ignores case. Codecs fill a head, filters and routing read it, and no other part of a message is
//! shown to them.

use std::net::IpAddr;

use super::field_kind::FieldKind;
use super::scheme::Scheme;

/// A range of a head's buffer. Heads are bounded far below 4 GiB by `header_bytes`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) start: u32,
    pub(super) end: u32,
}

impl Span {
    pub(super) fn new(start: usize, end: usize) -> Self {
        debug_assert!(start <= end && u32::try_from(end).is_ok());
        Self { start: start as u32, end: end as u32 }
    }

    pub(super) fn of(self, bytes: &[u8]) -> &[u8] {
        &bytes[self.start as usize..self.end as usize]
    }
}

/// The protocol version that a message was written in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    /// HTTP/1.0.
    Http10,
    /// HTTP/1.1.
    #[default]
    Http11,
    /// HTTP/2.
    Http2,
}

impl Version {
    /// As it is written in a start line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Http10 => "HTTP/1.0",
            Self::Http11 => "HTTP/1.1",
            Self::Http2 => "HTTP/2.0",
        }
    }
}

/// One header field.
#[derive(Clone, Copy, Debug)]
pub struct Field<'a> {
    /// Its name, in the case it came in: a token.
    pub name: &'a [u8],
    /// Its value without surrounding white space; no CR, LF or NUL.
    pub value: &'a [u8],
}

/// Where one header field stands, and what a proxy has to know of its name.
#[derive(Clone, Copy, Debug)]
pub(super) struct FieldSpan {
    pub(super) name: Span,
    pub(super) value: Span,
    pub(super) kind: FieldKind,
}

impl FieldSpan {
    pub(super) fn of(self, bytes: &[u8]) -> Field<'_> {
        Field { name: self.name.of(bytes), value: self.value.of(bytes) }
    }
}

/// How long a message body is (RFC 9112, section 6.3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BodyLength {
    /// There is none.
    #[default]
    Empty,
    /// So many bytes; never 0.
    Exact(u64),
    /// Chunks, and then trailers.
    Chunked,
    /// All until its sender ends it: by closing the connection (HTTP/1, responses only) or the
    /// stream (HTTP/2).
    UntilEnd,
}

/// What the Connection fields of a message say (RFC 9110, section 7.6.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Connection {
    /// `close`.
    pub close: bool,
    /// `keep-alive`, which only HTTP/1.0 needs.
    pub keep_alive: bool,
    /// `upgrade`.
    pub upgrade: bool,
    /// Names of fields that a client must not have removed, such as `host`. They are not heeded.
    pub nominates_protected: bool,
    /// Other names: fields that must not go further.
    pub(super) nominates: bool,
}

/// A request head.
#[derive(Debug, Default)]
pub struct Head {
    pub(super) buffer: Vec<u8>,
    pub(super) version: Version,
    pub(super) scheme: Scheme,
    pub(super) method: Span,
    pub(super) target: Span,
    pub(super) host: Span,
    pub(super) path: Span,
    pub(super) path_unmerged: Span,
    pub(super) query: Option<Span>,
    pub(super) path_encodes_slash: bool,
    /// What `host` and `path` were before an edit.
    pub(super) asked_host: Option<Span>,
    pub(super) asked_path: Option<Span>,
    pub(super) body: BodyLength,
    pub(super) connection: Connection,
    pub(super) expects_continue: bool,
    pub(super) fields: Vec<FieldSpan>,
}

impl Head {
    /// The version it was written in.
    #[must_use]
    pub const fn version(&self) -> Version {
        self.version
    }

    /// The method, a token.
    #[must_use]
    pub fn method(&self) -> &str {
        self.text(self.method)
    }

    /// The request target as it was sent.
    #[must_use]
    pub fn target(&self) -> &str {
        self.text(self.target)
    }

    /// The host in lower case, without trailing dot and default port; the port remains when it is
    /// another.
    #[must_use]
    pub fn authority(&self) -> &str {
        self.text(self.host)
    }

    /// The host of [`Head::authority`], without the port. An IPv6 address keeps its brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        host_of(self.authority())
    }

    /// The canonical path, slashes merged: what routing reads. `*` for the asterisk form.
    #[must_use]
    pub fn path(&self) -> &str {
        self.text(self.path)
    }

    /// The canonical path with repeated slashes kept: what a route that does not merge them
    /// forwards.
    #[must_use]
    pub fn path_unmerged(&self) -> &str {
        self.text(self.path_unmerged)
    }

    /// Whether the path holds `%2F` or `%5C`.
    #[must_use]
    pub const fn path_encodes_slash(&self) -> bool {
        self.path_encodes_slash
    }

    /// The query without its `?`, never decoded or changed.
    #[must_use]
    pub fn query(&self) -> Option<&str> {
        self.query.map(|span| self.text(span))
    }

    /// The fields in the order they came.
    pub fn fields(&self) -> impl Iterator<Item = Field<'_>> {
        self.fields.iter().map(|field| field.of(&self.buffer))
    }

    /// How long its body is.
    #[must_use]
    pub const fn body(&self) -> BodyLength {
        self.body
    }

    /// What its Connection field asks of this hop.
    #[must_use]
    pub const fn connection(&self) -> Connection {
        self.connection
    }

    /// Whether the client waits for `100 (Continue)` before it sends the body.
    #[must_use]
    pub const fn expects_continue(&self) -> bool {
        self.expects_continue
    }

    /// Every value of the fields with this name, in the order they came.
    pub fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        self.fields()
            .filter(move |field| field.name.eq_ignore_ascii_case(name.as_bytes()))
            .map(|field| field.value)
    }

    /// The values of the fields of one kind, in the order they came.
    pub(super) fn values_of(&self, kind: FieldKind) -> impl DoubleEndedIterator<Item = &[u8]> {
        let fields = self.fields.iter().filter(move |field| field.kind == kind);
        fields.map(|field| field.value.of(&self.buffer))
    }

    /// Whether the client can do with trailers (RFC 9110, section 6.5.1).
    #[must_use]
    pub fn accepts_trailers(&self) -> bool {
        let words = self.values("te").flat_map(|value| value.split(|byte| *byte == b','));
        words.into_iter().any(|word| word.trim_ascii().eq_ignore_ascii_case(b"trailers"))
    }

    /// The values of the cookies with this name (RFC 6265, section 5.4), quotes kept.
    pub fn cookies<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        self.values("cookie").flat_map(move |crumbs| {
            crumbs.split(|byte| *byte == b';').filter_map(move |crumb| {
                let crumb = crumb.trim_ascii();
                crumb.strip_prefix(name.as_bytes())?.strip_prefix(b"=")
            })
        })
    }

    /// The values of a query key as they stand, percent signs kept; `a=1&a=2` has two, `a` an empty
    /// one.
    pub fn query_values<'a>(&'a self, key: &'a str) -> impl Iterator<Item = &'a str> {
        self.query().into_iter().flat_map(|query| query.split('&')).filter_map(move |pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (name == key).then_some(value)
        })
    }

    /// Makes the head empty, keeping its memory.
    pub fn clear(&mut self) {
        self.buffer.clear();
        self.fields.clear();
        self.query = None;
        self.path_encodes_slash = false;
        self.asked_host = None;
        self.asked_path = None;
        self.body = BodyLength::default();
        self.connection = Connection::default();
        self.expects_continue = false;
        for span in [
            &mut self.method,
            &mut self.target,
            &mut self.host,
            &mut self.path,
            &mut self.path_unmerged,
        ] {
            *span = Span::default();
        }
    }

    /// The bytes of a range. Writing needs no text, and so no look at whether they are UTF-8.
    pub(super) fn raw(&self, span: Span) -> &[u8] {
        span.of(&self.buffer)
    }

    /// Puts bytes behind what the buffer holds and says where they stand.
    pub(super) fn append(&mut self, bytes: impl AsRef<[u8]>) -> Span {
        let start = self.buffer.len();
        self.buffer.extend_from_slice(bytes.as_ref());
        Span::new(start, self.buffer.len())
    }

    /// Whether the client keeps the connection open after the message (RFC 9112, section 9.3).
    #[must_use]
    pub fn keeps_alive(&self) -> bool {
        let connection = self.connection;
        !connection.close && (self.version >= Version::Http11 || connection.keep_alive)
    }

    pub(super) fn text(&self, span: Span) -> &str {
        std::str::from_utf8(span.of(&self.buffer)).unwrap_or_default()
    }
}

/// The host of an authority, without its port.
#[must_use]
pub fn host_of(authority: &str) -> &str {
    let bytes = authority.as_bytes();
    let end = match bytes.first() {
        Some(b'[') => memchr::memchr(b']', bytes).map(|bracket| bracket + 1),
        _ => memchr::memchr(b':', bytes),
    };
    &authority[..end.unwrap_or(authority.len())]
}

/// Parses an address as it stands in a header: bare, or in brackets.
#[must_use]
pub fn address_of(text: &str) -> Option<IpAddr> {
    text.trim_start_matches('[').trim_end_matches(']').parse().ok()
}
