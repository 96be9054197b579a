//! Step 6 of 8: a way to the server that was picked: a connection that was kept, a berth on one
//! that carries others, or a new one. From `pick`, to the relay.

use std::future::Future;
use std::pin::pin;
use std::task::Poll;

use tidegate_core::model::pool::Protocol;
use tidegate_core::model::server::Member;
use tidegate_core::time::Instant;
use tidegate_net::clock;

use super::Course;
use crate::deadlines::Deadline;
use crate::downstream::client::Client;
use crate::error::Error;
use crate::upstream::connect::connect;
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
    let resting = if attempt.kept { worker.connections.borrow_mut().take(id, now) } else { None };
    if let Some(connection) = resting {
        course.pool.cells.connections_reused.increment();
        return Ok(connection);
    }
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
    due: Instant,
) -> Result<Connection, Error> {
    let id = member.state.id();
    loop {
        match Trunks::find(&worker.trunks, id) {
            Way::Berth(offer, berth) => {
                course.pool.cells.connections_reused.increment();
                return Ok(Connection::offered(offer, berth, id));
            }
            Way::Wait(opening) => wait(opening.notified(), due, &client.deadline).await?,
            Way::Open(opening) => open_trunk(client, course, member, due, opening).await?,
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
    let trunk = Trunk::open(stream).await?;
    course.pool.cells.connections_opened.increment();
    opening.add(trunk, course.pool.entry.pool.timeouts.keep_alive);
    Ok(())
}

/// Waits for another exchange to open a connection, until `due`.
async fn wait(
    opened: impl Future<Output = ()>,
    due: Instant,
    deadline: &Deadline,
) -> Result<(), Error> {
    let mut opened = pin!(opened);
    deadline.arm(due);
    std::future::poll_fn(|context| {
        if opened.as_mut().poll(context).is_ready() {
            return Poll::Ready(Ok(()));
        }
        if deadline.fired() {
            if clock::now() >= due {
                return Poll::Ready(Err(Error::ConnectTimeout));
            }
            deadline.arm(due);
        }
        Poll::Pending
    })
    .await
}
