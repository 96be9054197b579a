//! Heads to bytes: what goes on to a server, and what goes back to a client.
//!
//! Every head is written anew; nothing is forwarded that was not understood. Fields that came in
//! the very form that this module would give them, one behind the other, are copied as one run,
//! which is nearly always the whole of a head. The rest is written field by field.

use super::field_kind::FieldKind;
use super::forwarded::Forwarding;
use super::head::{Connection, FieldSpan, Head};
use super::reply::ReplyHead;

/// The one transfer coding, as it is always written: a receiver that reads it in one case only must
/// see the body that was seen here.
const CHUNKED: &[u8] = b"Transfer-Encoding: chunked\r\n";

/// How the body behind a head is framed on this hop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyFraming {
    /// As the fields that came in say: they pass.
    AsReceived,
    /// In chunks, though the message came without.
    Chunked,
    /// By closing the connection, though the message came in chunks.
    Close,
    /// By the stream that carries it (RFC 9113, section 8.1): only the fields are written, and none
    /// of those that frame an HTTP/1 message or speak of its connection.
    Stream,
}

/// What this hop says in its own Connection field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Persistence {
    /// Nothing: the version's default.
    Default,
    /// `close`.
    Close,
    /// `keep-alive`, for an HTTP/1.0 client that asked for it.
    KeepAlive,
    /// `upgrade`, and the Upgrade field with it.
    Upgrade,
}

/// Writes a request head for a server: canonical path, the proxy's own fields, no field of the hop
/// before.
///
/// `unmerged` keeps repeated slashes in the path. `fallback_host` stands in when an HTTP/1.0 client
/// named none.
pub fn request(
    head: &Head,
    forwarding: &Forwarding<'_>,
    options: RequestOptions<'_>,
    out: &mut Vec<u8>,
) {
    if options.framing == BodyFraming::Stream {
        request_fields(head, forwarding, &options, out);
        if head.accepts_trailers() {
            field(b"TE", b"trailers", out);
        }
        return forwarding.write(head, out);
    }
    out.extend_from_slice(head.raw(head.method));
    out.push(b' ');
    target(head, options.merge_slashes, out);
    out.extend_from_slice(b" HTTP/1.1\r\n");
    request_fields(head, forwarding, &options, out);
    forwarding.write(head, out);
    if options.upgrade {
        out.extend_from_slice(b"Connection: upgrade\r\n");
    }
    out.extend_from_slice(b"\r\n");
}

/// Writes the path and the query as a server is to see them.
pub fn target(head: &Head, merge_slashes: bool, out: &mut Vec<u8>) {
    let path = if merge_slashes { head.path } else { head.path_unmerged };
    out.extend_from_slice(head.raw(path));
    if let Some(query) = head.query {
        out.push(b'?');
        out.extend_from_slice(head.raw(query));
    }
}

/// How a request is written.
#[derive(Clone, Copy, Debug)]
pub struct RequestOptions<'a> {
    /// How its body is framed on the way to the server; never by closing.
    pub framing: BodyFraming,
    /// Whether `//` in the path becomes `/`.
    pub merge_slashes: bool,
    /// Whether the Upgrade field goes on.
    pub upgrade: bool,
    /// The Host when the client named none.
    pub fallback_host: &'a str,
}

fn request_fields(
    head: &Head,
    forwarding: &Forwarding<'_>,
    options: &RequestOptions<'_>,
    out: &mut Vec<u8>,
) {
    let streamed = options.framing == BodyFraming::Stream;
    let named = head.raw(head.host);
    let host = if named.is_empty() { options.fallback_host.as_bytes() } else { named };
    let host_passes = !streamed && head.values_of(FieldKind::Host).next() == Some(host);
    if !host_passes && !streamed {
        field(b"Host", host, out);
    }
    let nominated = Nominated::of(head.connection, &head.buffer, &head.fields);
    let mut chunked = options.framing == BodyFraming::Chunked;
    let mut run = Run::new(&head.buffer);
    for span in &head.fields {
        let passes = match span.kind {
            FieldKind::Plain => !forwarding.withholds(span.name.of(&head.buffer)),
            FieldKind::Date | FieldKind::Via => true,
            FieldKind::ContentLength => true,
            FieldKind::TransferEncoding => {
                chunked = !streamed;
                false
            }
            FieldKind::Host => host_passes,
            FieldKind::Expect => head.expects_continue,
            FieldKind::Upgrade => options.upgrade,
            kind => forwarding.passes(kind),
        };
        if passes && !nominated.contains(span) {
            run.add(span, out);
        }
    }
    run.flush(out);
    if chunked {
        out.extend_from_slice(CHUNKED);
    }
}

/// How a response is written.
#[derive(Clone, Copy, Debug)]
pub struct ReplyOptions<'a> {
    /// How its body is framed on the way to the client.
    pub framing: BodyFraming,
    /// What the client is told of the connection.
    pub persistence: Persistence,
    /// The Date of a response that came without: RFC 9110, section 5.6.7 form.
    pub date: &'a [u8],
    /// Field lines of our own for the final response.
    pub more: &'a [u8],
}

/// Writes a response head for a client.
pub fn reply(head: &ReplyHead, options: ReplyOptions<'_>, out: &mut Vec<u8>) {
    let streamed = options.framing == BodyFraming::Stream;
    if !streamed {
        status_line(head.status, head.reason.of(&head.buffer), out);
    }
    let nominated = Nominated::of(head.connection, &head.buffer, &head.fields);
    let reframed = matches!(options.framing, BodyFraming::Chunked | BodyFraming::Close);
    let mut chunked = options.framing == BodyFraming::Chunked;
    let mut run = Run::new(&head.buffer);
    for span in &head.fields {
        let passes = match span.kind {
            FieldKind::Connection | FieldKind::HopByHop => false,
            FieldKind::Upgrade => options.persistence == Persistence::Upgrade && !streamed,
            // RFC 9110, section 8.6: not even a zero may stand there.
            FieldKind::ContentLength => !reframed && !matches!(head.status, 100..=199 | 204),
            FieldKind::TransferEncoding => {
                chunked |= options.framing == BodyFraming::AsReceived;
                false
            }
            FieldKind::FramingAlias => false,
            _ => true,
        };
        if passes && !nominated.contains(span) {
            run.add(span, out);
        }
    }
    run.flush(out);
    if !head.is_interim() {
        if !head.has_date {
            field(b"Date", options.date, out);
        }
        out.extend_from_slice(options.more);
    }
    if streamed {
        return;
    }
    if chunked {
        out.extend_from_slice(CHUNKED);
    }
    out.extend_from_slice(match options.persistence {
        Persistence::Default => b"".as_slice(),
        Persistence::Close => b"Connection: close\r\n",
        Persistence::KeepAlive => b"Connection: keep-alive\r\n",
        Persistence::Upgrade => b"Connection: upgrade\r\n",
    });
    out.extend_from_slice(b"\r\n");
}

/// Writes a status line.
pub fn status_line(status: u16, reason: &[u8], out: &mut Vec<u8>) {
    let digits = [status / 100 % 10, status / 10 % 10, status % 10];
    out.extend_from_slice(b"HTTP/1.1 ");
    out.extend(digits.map(|digit| b'0' + digit as u8));
    out.push(b' ');
    out.extend_from_slice(reason);
    out.extend_from_slice(b"\r\n");
}

/// Writes a field line.
pub fn field(name: &[u8], value: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(name);
    out.extend_from_slice(b": ");
    out.extend_from_slice(value);
    out.extend_from_slice(b"\r\n");
}

/// A run of field lines that stand in the buffer as they are to be written.
struct Run<'a> {
    buffer: &'a [u8],
    start: usize,
    end: usize,
}

impl<'a> Run<'a> {
    const fn new(buffer: &'a [u8]) -> Self {
        Self { buffer, start: 0, end: 0 }
    }

    fn add(&mut self, span: &FieldSpan, out: &mut Vec<u8>) {
        let (name, value) = (span.name, span.value);
        let (start, end) = (name.start as usize, value.end as usize + 2);
        let as_written = value.start == name.end + 2
            && self.buffer.get(value.end as usize..end) == Some(b"\r\n")
            && self.buffer[name.end as usize..value.start as usize] == *b": ";
        if as_written && start == self.end {
            self.end = end;
            return;
        }
        self.flush(out);
        if as_written {
            (self.start, self.end) = (start, end);
        } else {
            field(name.of(self.buffer), value.of(self.buffer), out);
        }
    }

    fn flush(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.buffer[self.start..self.end]);
        (self.start, self.end) = (0, 0);
    }
}

/// The fields that a Connection field removes from this hop on (RFC 9110, section 7.6.1).
struct Nominated<'a> {
    buffer: &'a [u8],
    /// Empty unless Connection names more than the usual words.
    fields: &'a [FieldSpan],
}

impl<'a> Nominated<'a> {
    fn of(connection: Connection, buffer: &'a [u8], fields: &'a [FieldSpan]) -> Self {
        Self { buffer, fields: if connection.nominates { fields } else { &[] } }
    }

    /// Whether a field is named, and may be: naming a protected one has no effect.
    fn contains(&self, span: &FieldSpan) -> bool {
        if self.fields.is_empty() {
            return false;
        }
        let name = span.name.of(self.buffer);
        let named =
            self.fields.iter().filter(|field| field.kind == FieldKind::Connection).any(|field| {
                let value = field.value.of(self.buffer);
                value
                    .split(|byte| *byte == b',')
                    .any(|word| word.trim_ascii().eq_ignore_ascii_case(name))
            });
        named && !FieldKind::is_protected(name)
    }
}

#[cfg(test)]
mod tests;
