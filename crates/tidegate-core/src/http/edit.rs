//! Heads that are changed on their way: fields set and removed, another path, another host.
//!
//! A head is ranges into one buffer. New text goes behind what the buffer holds, fields as whole
//! lines, so that writing copies them as it copies those that came; of what goes, the range goes
//! and the bytes stay. The other fields keep their order. What a value may hold is checked here, at
//! the last place before it is part of a message. What the client asked for stays known, for those
//! who tell of it.
//!
//! Which fields may be changed at all is not asked here: nothing protected is in a configuration.

use thiserror::Error;

use super::authority;
use super::field_kind::FieldKind;
use super::head::{BodyLength, Connection, FieldSpan, Head, Span, host_of};
use super::path::{self, PathError};
use super::reply::ReplyHead;
use super::status::reason;

/// Why a head is not changed as it was to be.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum ChangeError {
    /// CR, LF, NUL or another control byte in a value.
    #[error("a field value with a control byte")]
    Value,
    /// The new path is none.
    #[error("a path that is none")]
    Path(#[from] PathError),
    /// The new path has a dot segment or an escape that its canonical form has not.
    #[error("a path that is not canonical")]
    NotCanonical,
    /// The new host is none.
    #[error("a host that is none")]
    Host,
}

/// The fields of a head, to be changed.
#[derive(Debug)]
pub struct FieldsMut<'a> {
    buffer: &'a mut Vec<u8>,
    fields: &'a mut Vec<FieldSpan>,
    connection: &'a mut Connection,
}

impl FieldsMut<'_> {
    /// Removes every field of a name.
    pub fn remove(&mut self, name: &str) {
        let buffer = &*self.buffer;
        let named = |field: &FieldSpan| field.name.of(buffer).eq_ignore_ascii_case(name.as_bytes());
        self.fields.retain(|field| !named(field));
    }

    /// Makes one field of a name, a token, hold a value; an empty value only removes.
    ///
    /// # Errors
    /// [`ChangeError::Value`], and then nothing is changed.
    pub fn set(&mut self, name: &str, value: &[u8]) -> Result<(), ChangeError> {
        if !is_value(value) {
            return Err(ChangeError::Value);
        }
        self.remove(name);
        let value = value.trim_ascii();
        if !value.is_empty() {
            append(self.buffer, self.fields, name, value);
        }
        Ok(())
    }

    /// Takes out what Connection names, so that it cannot name what is set afterwards (RFC 9110,
    /// section 7.6.1).
    pub fn settle_connection(&mut self) {
        if !std::mem::take(&mut self.connection.nominates) {
            return;
        }
        let buffer = &*self.buffer;
        let lists = self.fields.iter().filter(|field| field.kind == FieldKind::Connection);
        let lists: Vec<&[u8]> = lists.map(|field| field.value.of(buffer)).collect();
        let named = |name: &[u8]| {
            let mut words = lists.iter().flat_map(|list| list.split(|byte| *byte == b','));
            words.any(|word| word.trim_ascii().eq_ignore_ascii_case(name))
        };
        self.fields.retain(|field| {
            let name = field.name.of(buffer);
            FieldKind::is_protected(name) || !named(name)
        });
    }
}

impl Head {
    /// Its fields, to be changed.
    pub const fn fields_mut(&mut self) -> FieldsMut<'_> {
        let Self { buffer, fields, connection, .. } = self;
        FieldsMut { buffer, fields, connection }
    }

    /// Takes leading segments off the path, in both of its forms. `prefix` is canonical, without a
    /// trailing slash; a path that does not begin with it stays.
    pub fn strip_path_prefix(&mut self, prefix: &str) {
        let Some(merged) = self.without_prefix(self.path, prefix) else { return };
        // Unmerged, the prefix may stand with slashes of its own: then both are the merged form.
        let unmerged = self.without_prefix(self.path_unmerged, prefix).unwrap_or(merged);
        self.asked_path.get_or_insert(self.path);
        (self.path, self.path_unmerged) = (merged, unmerged);
    }

    fn without_prefix(&mut self, path: Span, prefix: &str) -> Option<Span> {
        let rest = self.raw(path).strip_prefix(prefix.as_bytes())?;
        match rest {
            [b'/', ..] => Some(Span { start: path.start + prefix.len() as u32, ..path }),
            [] if path.end > path.start => Some(self.append("/")),
            _ => None,
        }
    }

    /// Replaces the path. The query stays.
    ///
    /// # Errors
    /// [`ChangeError`] when the path is not in canonical form, repeated slashes aside; nothing is
    /// changed then.
    pub fn replace_path(&mut self, path: &[u8]) -> Result<(), ChangeError> {
        let raw = self.append(path);
        let form = path::canonical(&mut self.buffer, raw.start as usize..raw.end as usize)?;
        if self.buffer[form.unmerged.clone()] != *path {
            return Err(ChangeError::NotCanonical);
        }
        self.asked_path.get_or_insert(self.path);
        self.path = Span::new(form.merged.start, form.merged.end);
        self.path_unmerged = Span::new(form.unmerged.start, form.unmerged.end);
        self.path_encodes_slash = form.encodes_slash;
        Ok(())
    }

    /// Replaces the host, with its port if it names one that is not the default of the scheme that
    /// the client used: by both servers tell what it asked for.
    ///
    /// # Errors
    /// [`ChangeError::Host`], and then nothing is changed.
    pub fn replace_authority(&mut self, text: &str) -> Result<(), ChangeError> {
        let form = authority::examine(text.as_bytes(), self.scheme).ok_or(ChangeError::Host)?;
        let lower = text[..form.length].to_ascii_lowercase();
        if self.authority() != lower {
            self.asked_host.get_or_insert(self.host);
            self.host = self.append(&lower);
        }
        Ok(())
    }

    /// The path that the client asked for, canonical, slashes merged; [`Head::path`] is what
    /// became of it.
    #[must_use]
    pub fn asked_path(&self) -> &str {
        self.text(self.asked_path.unwrap_or(self.path))
    }

    /// The host and port that the client asked for; [`Head::authority`] is what became of them.
    #[must_use]
    pub fn asked_authority(&self) -> &str {
        self.text(self.asked_host.unwrap_or(self.host))
    }

    /// The host that the client asked for, without port.
    #[must_use]
    pub fn asked_host(&self) -> &str {
        host_of(self.asked_authority())
    }

    /// Notes that the client has been told to go on: whoever gets the request next need not.
    pub fn settle_expectation(&mut self) {
        self.expects_continue = false;
    }

    pub(super) fn asked_authority_bytes(&self) -> &[u8] {
        self.raw(self.asked_host.unwrap_or(self.host))
    }
}

impl ReplyHead {
    /// Begins a response of the balancer's own, with a body of so many bytes.
    ///
    /// A status that allows no body (RFC 9110, section 6.4.1) says nothing of a length.
    pub fn begin(&mut self, status: u16, body_bytes: usize) {
        self.clear();
        self.status = status;
        let start = self.buffer.len();
        self.buffer.extend_from_slice(reason(status).as_bytes());
        self.reason = Span::new(start, self.buffer.len());
        self.body = match body_bytes {
            0 => BodyLength::Empty,
            bytes => BodyLength::Exact(bytes as u64),
        };
        if !matches!(status, 100..=199 | 204 | 304) {
            let digits = body_bytes.to_string();
            append(&mut self.buffer, &mut self.fields, "Content-Length", digits.as_bytes());
            if let Some(field) = self.fields.last_mut() {
                field.kind = FieldKind::ContentLength;
            }
        }
    }

    /// Its fields, to be changed.
    pub const fn fields_mut(&mut self) -> FieldsMut<'_> {
        let Self { buffer, fields, connection, .. } = self;
        FieldsMut { buffer, fields, connection }
    }

    /// Removes every field of a name.
    pub fn remove_field(&mut self, name: &str) {
        self.fields_mut().remove(name);
    }

    /// Removes every field whose name begins with a prefix in lower case.
    pub fn remove_fields_of(&mut self, prefix: &str) {
        let buffer = &self.buffer;
        let begins = |name: &[u8]| {
            name.get(..prefix.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(prefix.as_bytes()))
        };
        self.fields.retain(|field| !begins(field.name.of(buffer)));
    }

    /// Makes one field of a name, a token, hold a value; an empty value only removes.
    ///
    /// # Errors
    /// [`ChangeError::Value`], and then nothing is changed.
    pub fn set_field(&mut self, name: &str, value: &[u8]) -> Result<(), ChangeError> {
        self.fields_mut().set(name, value)
    }

    /// Adds a field beside others of its name.
    ///
    /// # Errors
    /// [`ChangeError::Value`], and then nothing is changed.
    pub fn add_field(&mut self, name: &str, value: &[u8]) -> Result<(), ChangeError> {
        if !is_value(value) {
            return Err(ChangeError::Value);
        }
        append(&mut self.buffer, &mut self.fields, name, value);
        Ok(())
    }

    /// Puts bytes before and behind the value of the first field of this name, if there is one.
    pub fn surround(&mut self, name: &str, before: &[u8], after: &[u8]) {
        let Self { buffer, fields, .. } = self;
        let named =
            |field: &&mut FieldSpan| field.name.of(buffer).eq_ignore_ascii_case(name.as_bytes());
        let Some(field) = fields.iter_mut().find(named) else { return };
        let FieldSpan { name, value, .. } = field;
        *name = copy(buffer, *name);
        buffer.extend_from_slice(b": ");
        let start = buffer.len();
        buffer.extend_from_slice(before);
        copy(buffer, *value);
        buffer.extend_from_slice(after);
        *value = Span::new(start, buffer.len());
        buffer.extend_from_slice(b"\r\n");
    }
}

/// Repeats a range of the buffer at its end.
fn copy(buffer: &mut Vec<u8>, span: Span) -> Span {
    let start = buffer.len();
    buffer.extend_from_within(span.start as usize..span.end as usize);
    Span::new(start, buffer.len())
}

/// Whether bytes may be the value of a field (RFC 9110, section 5.5): no control byte but a tab.
#[must_use]
pub fn is_value(value: &[u8]) -> bool {
    value.iter().all(|byte| matches!(byte, b'\t' | b' '..=b'~' | 0x80..))
}

/// Appends a field as the line that it will be.
fn append(buffer: &mut Vec<u8>, fields: &mut Vec<FieldSpan>, name: &str, value: &[u8]) {
    let start = buffer.len();
    buffer.extend_from_slice(name.as_bytes());
    let colon = buffer.len();
    buffer.extend_from_slice(b": ");
    buffer.extend_from_slice(value);
    let end = buffer.len();
    buffer.extend_from_slice(b"\r\n");
    let (name, value) = (Span::new(start, colon), Span::new(colon + 2, end));
    fields.push(FieldSpan { name, value, kind: FieldKind::Set });
}

#[cfg(test)]
mod tests;
