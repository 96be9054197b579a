//! Step 2 of 8: a client connection. From `accept`, to `h1`.
//!
//! What a connection owns between two requests: its socket, its deadline, and who is at the other
//! end. No buffer.

use std::io;
use std::net::IpAddr;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use tidegate_core::model::ids::ListenerName;
use tidegate_core::time::{Duration, Instant};
use tidegate_net::clock;
use tidegate_net::stream::Stream;

use crate::deadlines::Deadline;
use crate::downstream::accept::Admission;
use crate::downstream::tls::Secure;
use crate::held::Held;
use crate::worker::Worker;

/// How much of what a client still sends is read away before its connection is closed.
pub(crate) const DRAIN_BYTES: usize = 64 * 1024;
/// How long that may take.
pub(crate) const DRAIN_TIME: Duration = Duration::from_secs(1);

/// A client connection.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) stream: Stream,
    /// Bytes read and not yet understood: the rest of a head, a body, or requests behind the
    /// current one.
    pub(crate) input: Held,
    pub(crate) peer: IpAddr,
    pub(crate) listener: ListenerName,
    pub(crate) deadline: Deadline,
    /// What is known because the connection is encrypted; `None`: it is not.
    pub(crate) secure: Option<Rc<Secure>>,
    /// When the connection should be asked to go.
    pub(crate) retire_at: Instant,
    /// Counts it against the limits while it lives.
    pub(crate) _admission: Admission,
}

impl Client {
    /// Puts bytes behind the unread ones.
    pub(crate) fn unread(&mut self, worker: &Worker, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        worker.lend(&mut self.input);
        self.input.append(bytes);
    }

    /// Whether the connection should not be kept for another request.
    pub(crate) fn is_retiring(&self, worker: &Worker, now: Instant) -> bool {
        worker.stopping.get() || self.deadline.is_dismissed() || now >= self.retire_at
    }

    /// Closes our side, then reads away what the client still sends: closing with unread bytes
    /// would reset the connection, and the client could lose the response (RFC 9112, section 9.6).
    pub(crate) async fn linger(mut self, worker: &Worker) {
        let due = clock::now() + DRAIN_TIME;
        self.deadline.arm(due);
        let mut left = DRAIN_BYTES;
        std::future::poll_fn(|context| {
            // A peer that is gone already needs no farewell.
            let _ = self.stream.poll_shutdown(context);
            match self.poll_discard(worker, context, &mut left) {
                Poll::Pending if self.deadline.fired() => Poll::Ready(()),
                Poll::Pending => Poll::Pending,
                Poll::Ready(_) => Poll::Ready(()),
            }
        })
        .await;
    }

    /// Reads and forgets until the client closes, fails, or `left` bytes have come.
    fn poll_discard(
        &mut self,
        worker: &Worker,
        context: &mut Context<'_>,
        left: &mut usize,
    ) -> Poll<io::Result<()>> {
        let mut scratch = worker.scratch();
        while *left > 0 {
            let count = ready!(self.stream.poll_read(context, &mut scratch))?;
            if count == 0 {
                break;
            }
            *left = left.saturating_sub(count);
        }
        Poll::Ready(Ok(()))
    }
}
