//! Step 6 of 8: a way to the server that was picked: a connection that was kept, a berth on one
//! that carries others, or a new one. From `pick`, to the relay.

use tidegate_core::model::pool::Protocol;
use tidegate_core::model::server::Member;
use tidegate_core::time::Instant;

use super::Course;
use crate::downstream::client::Client;
use crate::error::Error;
use crate::upstream::connect::{before, connect};
use crate::upstream::connection::Connection;
use crate::upstream::trunk::Trunk;
use crate::upstream::trunks::{Opening, Trunks, Way};
use crate::worker::Worker;

/// A kept connection to the server, or a new one.
pub(super) async fn open(
    worker: &Worker,
    client: &Client,
    course: &Course<'_>,
    member: &Member,
    now: Instant,
    kept: bool,
) -> Result<Connection, Error> {
    if course.pool.entry.pool.protocol == Protocol::Http2 {
        return open_stream(worker, client, course, member, now).await;
    }
    let id = member.state.id();
    let resting = if kept { worker.connections.borrow_mut().take(id, now) } else { None };
    if let Some(connection) = resting {
        course.pool.cells.connections_reused.increment();
        return Ok(connection);
    }
    let due = now + course.pool.entry.pool.timeouts.connect;
    let stream = connect(member.server.address, due, &client.deadline).await?;
    course.pool.cells.connections_opened.increment();
    Ok(Connection::new(stream, id))
}

/// A berth on an HTTP/2 connection, which may have to be opened first.
async fn open_stream(
    worker: &Worker,
    client: &Client,
    course: &Course<'_>,
    member: &Member,
    now: Instant,
) -> Result<Connection, Error> {
    let id = member.state.id();
    let due = now + course.pool.entry.pool.timeouts.connect;
    loop {
        match Trunks::find(&worker.trunks, id) {
            Way::Berth(offer, berth) => {
                course.pool.cells.connections_reused.increment();
                return Ok(Connection::offered(offer, berth, id));
            }
            Way::Wait(opening) => before(due, &client.deadline, opening.notified()).await?,
            // Apart, as it is rare, and every connection would have room in it for this.
            Way::Open(opening) => {
                Box::pin(open_trunk(client, course, member, due, opening)).await?;
            }
        }
    }
}

/// Opens a connection for this exchange and those that wait.
async fn open_trunk(
    client: &Client,
    course: &Course<'_>,
    member: &Member,
    due: Instant,
    opening: Opening,
) -> Result<(), Error> {
    let stream = connect(member.server.address, due, &client.deadline).await?;
    let trunk = before(due, &client.deadline, Trunk::open(stream)).await??;
    course.pool.cells.connections_opened.increment();
    opening.add(trunk, course.pool.entry.pool.timeouts.keep_alive);
    Ok(())
}
