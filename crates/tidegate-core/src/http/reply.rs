//! A response head: the same buffer and ranges as a request's [`super::head::Head`].

use super::field_kind::FieldKind;
use super::head::{BodyLength, Connection, Field, FieldSpan, Span, Version};

/// A response head, reused from one response to the next.
#[derive(Debug, Default)]
pub struct ReplyHead {
    pub(super) buffer: Vec<u8>,
    pub(super) version: Version,
    pub(super) status: u16,
    pub(super) reason: Span,
    pub(super) body: BodyLength,
    pub(super) connection: Connection,
    pub(super) has_date: bool,
    pub(super) fields: Vec<FieldSpan>,
}

impl ReplyHead {
    /// The version it was written in.
    #[must_use]
    pub const fn version(&self) -> Version {
        self.version
    }

    /// The status: 100 to 999.
    #[must_use]
    pub const fn status(&self) -> u16 {
        self.status
    }

    /// Whether another head for the same request follows.
    #[must_use]
    pub const fn is_interim(&self) -> bool {
        matches!(self.status, 100..=199) && self.status != 101
    }

    /// How long its body is, the request's method taken into account.
    #[must_use]
    pub const fn body(&self) -> BodyLength {
        self.body
    }

    /// Whether it says how many bytes its body has.
    #[must_use]
    pub fn announces_length(&self) -> bool {
        self.fields.iter().any(|field| field.kind == FieldKind::ContentLength)
    }

    /// What its Connection field says of this hop.
    #[must_use]
    pub const fn connection(&self) -> Connection {
        self.connection
    }

    /// Whether the sender keeps the connection open after the message (RFC 9112, section 9.3).
    #[must_use]
    pub fn keeps_alive(&self) -> bool {
        let connection = self.connection;
        !connection.close && (self.version >= Version::Http11 || connection.keep_alive)
    }

    /// The fields in the order they came.
    pub fn fields(&self) -> impl Iterator<Item = Field<'_>> {
        self.fields.iter().map(|field| field.of(&self.buffer))
    }

    /// Every value of the fields with this name, in the order they came.
    pub fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        self.fields()
            .filter(move |field| field.name.eq_ignore_ascii_case(name.as_bytes()))
            .map(|field| field.value)
    }

    /// Puts bytes behind what the buffer holds and says where they stand.
    pub(super) fn append(&mut self, bytes: &[u8]) -> Span {
        let start = self.buffer.len();
        self.buffer.extend_from_slice(bytes);
        Span::new(start, self.buffer.len())
    }

    /// Makes the head empty, keeping its memory.
    pub fn clear(&mut self) {
        self.buffer.clear();
        self.fields.clear();
        self.status = 0;
        self.reason = Span::default();
        self.body = BodyLength::Empty;
        self.connection = Connection::default();
        self.has_date = false;
    }
}
