//! Step 8 of 8: a tunnel, after the protocol was switched: bytes both ways, understood by neither.
//!
//! Each direction ends by itself, and its end is passed on; the tunnel is over when both have
//! ended, when a side fails, or when no byte has moved for the tunnel's idle time.

use std::io;
use std::task::{Context, Poll, ready};

use tidegate_core::time::{Duration, Instant};
use tidegate_net::clock;

use super::Next;
use super::state::Exchange;
use crate::downstream::client::Client;
use crate::held::Held;
use crate::upstream::connection::Connection;
use crate::wire::{Part, Wire};
use crate::worker::Worker;

/// Bytes of one read: a slow reader makes us hold so many at most.
const READ: usize = 64 * 1024;

/// One direction of a tunnel.
#[derive(Debug, Default)]
struct Flow {
    /// The reading side has ended.
    ended: bool,
    /// The end has been passed on.
    closed: bool,
    bytes: u64,
}

/// Runs a tunnel to its end. What either side sent too early waits in its buffer and goes first.
pub(super) async fn run(
    worker: &Worker,
    client: &mut Client,
    connection: &mut Connection,
    x: &mut Exchange,
    idle: Duration,
) -> Next {
    let (mut up, mut down) = (Flow::default(), Flow::default());
    let mut to_server = std::mem::take(&mut client.input);
    let mut moved = (0, clock::now());
    client.deadline.arm(moved.1 + idle);
    std::future::poll_fn(|context| {
        let upward =
            up.poll(worker, context, &mut client.wire, &mut connection.wire, &mut to_server);
        let downward =
            down.poll(worker, context, &mut connection.wire, &mut client.wire, &mut x.to_client);
        match (upward, downward) {
            (Poll::Ready(Ok(())), Poll::Ready(Ok(()))) => Poll::Ready(()),
            (Poll::Ready(Err(_)), _) | (_, Poll::Ready(Err(_))) => Poll::Ready(()),
            _ if is_idle(client, up.bytes + down.bytes, &mut moved, idle) => Poll::Ready(()),
            _ => Poll::Pending,
        }
    })
    .await;
    x.bytes_in += up.bytes;
    x.bytes_out += down.bytes;
    Next::Close
}

/// Whether nothing moved for the idle time. Looks only when the deadline fired.
fn is_idle(client: &Client, bytes: u64, moved: &mut (u64, Instant), idle: Duration) -> bool {
    let now = clock::now();
    if bytes != moved.0 {
        *moved = (bytes, now);
    }
    if !client.deadline.fired() {
        return false;
    }
    client.deadline.arm(moved.1 + idle);
    now.since(moved.1) >= idle
}

impl Flow {
    /// Moves what can be moved; ready when the direction has ended.
    fn poll(
        &mut self,
        worker: &Worker,
        context: &mut Context<'_>,
        from: &mut Wire,
        to: &mut Wire,
        held: &mut Held,
    ) -> Poll<io::Result<()>> {
        loop {
            while !held.is_empty() {
                let count = ready!(to.poll_write(context, held.waiting(), Part::More))?;
                held.consume(count);
                self.bytes += count as u64;
            }
            if self.closed {
                return Poll::Ready(Ok(()));
            }
            if self.ended {
                ready!(to.poll_shutdown(context))?;
                self.closed = true;
                return Poll::Ready(Ok(()));
            }
            let mut scratch = worker.scratch();
            let count = ready!(from.poll_read(context, &mut scratch[..READ]))?;
            self.ended = count == 0;
            if self.ended {
                continue;
            }
            let bytes = &scratch[..count];
            let sent = match to.poll_write(context, bytes, Part::More) {
                Poll::Ready(result) => result?,
                Poll::Pending => 0,
            };
            self.bytes += sent as u64;
            held.append(&bytes[sent..]);
        }
    }
}
