//! Changes to a response head: fields that go, come, or get a longer value.
//!
//! What is added stands at the end of the head's buffer, in the form in which it is written out.

use super::field_kind::FieldKind;
use super::head::{FieldSpan, Span};
use super::reply::ReplyHead;

impl ReplyHead {
    /// Removes all fields of this name.
    pub fn remove(&mut self, name: &str) {
        let Self { buffer, fields, .. } = self;
        fields.retain(|field| !field.name.of(buffer).eq_ignore_ascii_case(name.as_bytes()));
    }

    /// Adds a field behind the others. Both texts have to be what a head may hold.
    pub fn append(&mut self, name: &str, value: &[u8]) {
        let start = self.put(name.as_bytes());
        self.buffer.extend_from_slice(b": ");
        let value = self.put(value);
        self.buffer.extend_from_slice(b"\r\n");
        let kind = FieldKind::of(name.as_bytes());
        self.has_date |= kind == FieldKind::Date;
        self.fields.push(FieldSpan { name: start, value, kind });
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

    fn put(&mut self, bytes: &[u8]) -> Span {
        let start = self.buffer.len();
        self.buffer.extend_from_slice(bytes);
        Span::new(start, self.buffer.len())
    }
}

/// Repeats a range of the buffer at its end.
fn copy(buffer: &mut Vec<u8>, span: Span) -> Span {
    let start = buffer.len();
    buffer.extend_from_within(span.start as usize..span.end as usize);
    Span::new(start, buffer.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::parse;
    use crate::http::write::{self, BodyFraming, Persistence, ReplyOptions};

    fn head(text: &[u8]) -> ReplyHead {
        let mut head = ReplyHead::default();
        parse::reply(text, 100, false, &mut head).expect("a head");
        head
    }

    fn written(head: &ReplyHead) -> String {
        let mut out = Vec::new();
        let options = ReplyOptions {
            framing: BodyFraming::AsReceived,
            persistence: Persistence::Default,
            date: b"now",
        };
        write::reply(head, options, &mut out);
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn changes_are_written_out() {
        let mut head = head(b"HTTP/1.1 200 OK\r\nA: 1\r\nb:2\r\nDate: x\r\na: 3\r\n\r\n");
        head.surround("B", b"<", b">");
        head.remove("A");
        head.append("c", b"4");
        head.surround("missing", b"<", b">");
        assert_eq!(written(&head), "HTTP/1.1 200 OK\r\nb: <2>\r\nDate: x\r\nc: 4\r\n\r\n");
        head.surround("c", b"", b"5");
        head.remove("b");
        assert_eq!(written(&head), "HTTP/1.1 200 OK\r\nDate: x\r\nc: 45\r\n\r\n");
        assert_eq!(head.values("C").collect::<Vec<_>>(), [b"45"]);
    }

    #[test]
    fn a_date_that_was_added_is_not_added_again() {
        let mut head = head(b"HTTP/1.1 200 OK\r\n\r\n");
        head.append("Date", b"then");
        assert_eq!(written(&head), "HTTP/1.1 200 OK\r\nDate: then\r\n\r\n");
    }
}
