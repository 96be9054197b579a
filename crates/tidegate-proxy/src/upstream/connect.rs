//! Step 6 of 8: a new connection to a server, within its time. From `pick`, to `connection`.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::pin;
use std::task::Poll;

use tidegate_core::time::Instant;
use tidegate_net::clock;
use tidegate_net::stream::Stream;

use crate::deadlines::Deadline;
use crate::error::Error;

/// Connects to `address` before `due`.
pub(crate) async fn connect(
    address: SocketAddr,
    due: Instant,
    deadline: &Deadline,
) -> Result<Stream, Error> {
    before(due, deadline, Stream::connect(address)).await?.map_err(|_| Error::Connect)
}

/// Waits for a part of connecting, until `due`.
pub(crate) async fn before<F: Future>(
    due: Instant,
    deadline: &Deadline,
    part: F,
) -> Result<F::Output, Error> {
    let mut part = pin!(part);
    deadline.arm(due);
    std::future::poll_fn(|context| {
        if let Poll::Ready(done) = part.as_mut().poll(context) {
            return Poll::Ready(Ok(done));
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
