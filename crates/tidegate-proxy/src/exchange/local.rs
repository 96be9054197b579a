//! Step 8 of 8: a response that is made here, in the form of the client's protocol.

use std::io;

use tidegate_core::http::assemble;
use tidegate_core::http::head::Version;
use tidegate_core::http::{status, write};

use super::state::Exchange;
use crate::downstream::client::Client;
use crate::wire::{Part, Wire, fields};
use crate::worker::Worker;

/// A response of our own. Its length, its date and what it says of the connection are added.
pub(super) struct Local<'a> {
    pub(super) status: u16,
    /// Fields, as lines.
    pub(super) lines: &'a [u8],
    pub(super) body: &'a [u8],
}

/// Writes the response behind what waits for the client; on a stream, the head goes at once.
pub(super) fn write(
    worker: &Worker,
    client: &mut Client,
    x: &mut Exchange,
    local: &Local<'_>,
) -> io::Result<()> {
    worker.lend(&mut x.to_client);
    let streamed = !client.wire.is_socket();
    // Interim responses may still wait in front of it.
    let out = x.to_client.vector();
    let start = out.len();
    if !streamed {
        write::status_line(local.status, status::reason(local.status).as_bytes(), out);
    }
    write::field(b"Date", worker.date().text(), out);
    out.extend_from_slice(local.lines);
    write::field(b"Content-Length", local.body.len().to_string().as_bytes(), out);
    let bare = x.head.method() == "HEAD" || local.body.is_empty();
    if streamed {
        let fields = fields::map(assemble::fields_of(&out[start..]));
        out.truncate(start);
        let part = if bare { Part::Last } else { Part::More };
        send_stream_head(&mut client.wire, local.status, fields, part)?;
    } else {
        let old = x.head.version() == Version::Http10;
        out.extend_from_slice(match (x.client_persists, old) {
            (false, _) => b"Connection: close\r\n\r\n".as_slice(),
            (true, true) => b"Connection: keep-alive\r\n\r\n",
            (true, false) => b"\r\n",
        });
    }
    if !bare {
        out.extend_from_slice(local.body);
    }
    Ok(())
}

/// Sends a response head on a client's stream.
pub(super) fn send_stream_head(
    wire: &mut Wire,
    status: u16,
    fields: http::HeaderMap,
    part: Part,
) -> io::Result<()> {
    let Wire::Stream(duplex) = wire else { return Err(io::ErrorKind::NotConnected.into()) };
    match status {
        // Extended CONNECT has an ordinary answer (RFC 8441, section 5).
        101 => duplex.send_head(200, fields, Part::More),
        100..=199 => duplex.send_interim(status, fields),
        _ => duplex.send_head(status, fields, part),
    }
}
