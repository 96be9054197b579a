//! Step 6 of 8: a way to the server that was picked: a connection that was kept, a berth on one
//! that carries others, or a new one. From `pick`, to the relay.

use std::sync::Arc;

use tidegate_core::model::pool::Protocol;
use tidegate_core::model::server::Member;
use tidegate_core::time::Instant;
use tidegate_net::stream::Stream;

use super::Course;
use crate::downstream::client::Client;
use crate::error::Error;
use crate::upstream::connect::{self, before};
use crate::upstream::connection::Connection;
use crate::upstream::trunk::Trunk;
use crate::upstream::trunks::{Opening, Trunks, Way};
use crate::worker::Worker;

/// What a try may use.
#[derive(Clone, Copy, Debug)]
pub(super) struct Try {
    /// When it began.
    pub(super) now: Instant,
    /// When the exchange has used up its time.
    pub(super) due: Instant,
    /// Whether a kept connection will do.
    pub(super) kept: bool,
}

/// A kept connection to the server, or a new one.
pub(super) async fn open(
    worker: &Worker,
    client: &Client,
    course: &Course<'_>,
    member: &Member,
    attempt: Try,
) -> Result<Connection, Error> {
    let now = attempt.now;
    let due = attempt.due.min(now + course.pool.entry.pool.timeouts.connect);
    if course.pool.entry.pool.protocol == Protocol::Http2 {
        return open_stream(worker, client, course, member, due).await;
    }
    let id = member.state.id();
    let pool = &course.pool.entry.pool;
    // One that was kept began without a header.
    let kept = attempt.kept && pool.send_proxy.is_none();
    let resting = if kept { worker.connections.borrow_mut().take(id, now) } else { None };
    // A pool may have begun, or ceased, to speak TLS while the connection rested.
    if let Some(connection) = resting.filter(|kept| kept.wire.is_tls() == pool.tls.is_some()) {
        course.pool.cells.connections_reused.increment();
        return Ok(connection);
    }
    let announce = |version| client.origin.proxy_header(version);
    let header = pool.send_proxy.map(announce).unwrap_or_default();
    let stream = Box::pin(open_new(worker, client, course, member, (&header, due))).await?;
    Ok(Connection::new(stream, id))
}

/// A new connection, with all that it begins with.
async fn open_new(
    worker: &Worker,
    client: &Client,
    course: &Course<'_>,
    member: &Member,
    (header, due): (&[u8], Instant),
) -> Result<Stream, Error> {
    let pool = &course.pool.entry.pool;
    let tls = worker.shared.contexts.load().pools.get(&pool.name).map(Arc::clone);
    if tls.is_none() && pool.tls.is_some() {
        // It has lost its context: nothing goes out in the clear that was meant to be encrypted.
        return Err(Error::Handshake);
    }
    let opening = connect::Opening { header, tls: tls.as_deref(), protocol: pool.protocol };
    let stream = connect::connect(member.server.address, opening, due, &client.deadline).await?;
    course.pool.cells.connections_opened.increment();
    Ok(stream)
}

/// A berth on an HTTP/2 connection, which may have to be opened first.
async fn open_stream(
    worker: &Worker,
    client: &Client,
    course: &Course<'_>,
    member: &Member,
    due: Instant,
) -> Result<Connection, Error> {
    let id = member.state.id();
    let is_tls = course.pool.entry.pool.tls.is_some();
    loop {
        match Trunks::find(&worker.trunks, id, is_tls) {
            Way::Berth(offer, berth) => {
                course.pool.cells.connections_reused.increment();
                return Ok(Connection::offered(offer, berth, id));
            }
            Way::Wait(opening) => before(due, &client.deadline, opening.notified()).await?,
            // Apart: the rare opening of a connection needs more room than all that comes after.
            Way::Open(opening) => {
                Box::pin(open_trunk(worker, client, course, member, (opening, due))).await?;
            }
        }
    }
}

/// Opens a connection for this exchange and those that wait.
async fn open_trunk(
    worker: &Worker,
    client: &Client,
    course: &Course<'_>,
    member: &Member,
    (opening, due): (Opening, Instant),
) -> Result<(), Error> {
    let stream = open_new(worker, client, course, member, (&[], due)).await?;
    let trunk = before(due, &client.deadline, Trunk::open(stream)).await??;
    opening.add(trunk, course.pool.entry.pool.timeouts.keep_alive);
    Ok(())
}
