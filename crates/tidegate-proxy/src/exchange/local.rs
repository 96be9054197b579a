//! Step 8 of 8: responses in the form of the client's protocol, above all those that are made here.

use std::io;

use tidegate_core::http::assemble;
use tidegate_core::http::head::Version;
use tidegate_core::http::reply::ReplyHead;
use tidegate_core::http::write::{self, BodyFraming, Persistence, ReplyOptions};

use super::state::Exchange;
use crate::downstream::client::Client;
use crate::held::Held;
use crate::wire::{Part, Wire, fields};
use crate::worker::Worker;

/// Writes a response behind what waits for the client; on a stream, the head goes at once. The
/// date, and what is said of the connection, are added.
pub(super) fn write(
    worker: &Worker,
    client: &mut Client,
    x: &mut Exchange,
    reply: &ReplyHead,
    body: &[u8],
) -> io::Result<()> {
    x.status = Some(reply.status());
    let bare = x.head.method() == "HEAD" || body.is_empty();
    let part = if bare { Part::Last } else { Part::More };
    let persistence = match (x.client_persists, x.head.version()) {
        (false, _) => Persistence::Close,
        (true, Version::Http10) => Persistence::KeepAlive,
        (true, Version::Http11 | Version::Http2) => Persistence::Default,
    };
    write_head(worker, client, x, reply, (BodyFraming::AsReceived, persistence, part))?;
    if !bare {
        worker.lend(&mut x.to_client);
        x.to_client.append(body);
    }
    Ok(())
}

/// Writes a response head in the form of the client's protocol: behind what waits for the client,
/// or on its stream.
pub(super) fn write_head(
    worker: &Worker,
    client: &mut Client,
    x: &mut Exchange,
    reply: &ReplyHead,
    (framing, persistence, part): (BodyFraming, Persistence, Part),
) -> io::Result<()> {
    let date = worker.date();
    let options = ReplyOptions { framing, persistence, date: date.text(), more: &x.cookies };
    if client.wire.is_socket() {
        worker.lend(&mut x.to_client);
        write::reply(reply, options, x.to_client.vector());
        return Ok(());
    }
    let options = ReplyOptions { framing: BodyFraming::Stream, ..options };
    let mut lines = Held::default();
    worker.lend(&mut lines);
    write::reply(reply, options, lines.vector());
    let fields = fields::map(assemble::fields_of(lines.waiting()));
    lines.clear();
    worker.reclaim(&mut lines);
    send_stream_head(&mut client.wire, reply.status(), fields, part)
}

/// Tells a client that waits for it to send its body (RFC 9110, section 10.1.1).
pub(super) fn go_on(worker: &Worker, client: &mut Client, x: &mut Exchange) -> io::Result<()> {
    let reply = &mut *worker.reply();
    reply.begin(100, 0);
    let form = (BodyFraming::AsReceived, Persistence::Default, Part::More);
    write_head(worker, client, x, reply, form)
}

/// Sends a response head on a client's stream.
fn send_stream_head(
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
