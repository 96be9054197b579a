//! Step 6 of 8: a new connection to a server, within its time. From `pick`, to `connection`.
//!
//! A PROXY header goes out first, where the pool has one, as part of opening the connection: until
//! it is sent there is none, and another server can be tried.

use std::net::SocketAddr;
use std::pin::pin;
use std::task::{Context, Poll};

use tidegate_core::time::Instant;
use tidegate_net::clock;
use tidegate_net::stream::Stream;

use crate::deadlines::Deadline;
use crate::error::Error;

/// Connects to `address` before `due`, and sends the header, which may be empty.
pub(crate) async fn connect(
    address: SocketAddr,
    header: &[u8],
    due: Instant,
    deadline: &Deadline,
) -> Result<Stream, Error> {
    let mut connecting = pin!(async {
        let mut stream = Stream::connect(address).await?;
        let mut left = header;
        std::future::poll_fn(|context| poll_send(&mut stream, &mut left, context)).await?;
        Ok::<_, std::io::Error>(stream)
    });
    deadline.arm(due);
    std::future::poll_fn(|context| {
        if let Poll::Ready(result) = connecting.as_mut().poll(context) {
            return Poll::Ready(result.map_err(|_| Error::Connect));
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

fn poll_send(
    stream: &mut Stream,
    left: &mut &[u8],
    context: &mut Context<'_>,
) -> Poll<std::io::Result<()>> {
    while !left.is_empty() {
        let count = std::task::ready!(stream.poll_write(context, left))?;
        *left = &left[count..];
    }
    Poll::Ready(Ok(()))
}
