//! What HTTP/2 has written to a connection and has not left yet.
//!
//! The library writes each longer frame by itself, and says that all is to leave now after each of
//! them. A connection that carries many streams often has several responses to write at once, and a
//! system call for each costs more than the responses do. So short frames wait here, side by side,
//! until whoever drives the connection has let the library do all that it can: then they leave in
//! one piece. Long ones, whose copying would cost more than it saves, leave at once and take along
//! what waits.

use std::cell::{RefCell, RefMut};
use std::future::Future;
use std::io::{self, IoSlice};
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use tidegate_net::stream::Stream;

use crate::held::Held;

/// Bytes that may wait. What would be more leaves at once: it is as much as a record of TLS holds.
const WAITING_MAX: usize = 16 * 1024;
/// Memory for what waits begins with so much, and grows from there: most has less to say.
const WAITING_MIN: usize = 4 * 1024;
/// Slices of one write: what waits, a frame's head, and its data.
const SLICES: usize = 3;

/// A stream, and what is to be written to it.
#[derive(Debug)]
struct Line {
    stream: Stream,
    waiting: Held,
}

/// A way onto a stream that the library and whoever drives it share.
#[derive(Clone, Debug)]
pub(crate) struct Outlet(Rc<RefCell<Line>>);

impl Outlet {
    pub(super) fn new(stream: Stream) -> Self {
        Self(Rc::new(RefCell::new(Line { stream, waiting: Held::default() })))
    }

    /// Runs what writes, and lets leave what it has written each time that it can do no more.
    pub(crate) async fn drive<T>(&self, future: impl Future<Output = T>) -> T {
        let mut future = pin!(future);
        std::future::poll_fn(|context| {
            let polled = future.as_mut().poll(context);
            self.push(context);
            polled
        })
        .await
    }

    /// Lets leave what waits, as far as the stream takes it; the task is woken for the rest. That a
    /// stream has failed shows when it is read.
    pub(crate) fn push(&self, context: &mut Context<'_>) {
        let _ = self.line().poll_push(context);
    }

    /// Takes what the slices hold, or a part of it.
    pub(super) fn poll_write(
        &self,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.line().poll_write(context, slices)
    }

    pub(super) fn poll_read(
        &self,
        context: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        self.line().stream.poll_read(context, buffer)
    }

    pub(super) fn poll_shutdown(&self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut line = self.line();
        ready!(line.poll_push(context))?;
        line.stream.poll_shutdown(context)
    }

    fn line(&self) -> RefMut<'_, Line> {
        self.0.borrow_mut()
    }
}

impl Line {
    fn poll_push(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.waiting.is_empty() {
            let count = ready!(self.stream.poll_write(context, self.waiting.waiting()))?;
            self.waiting.consume(count);
        }
        // A connection at rest owns no buffer.
        self.waiting.trim(0);
        Poll::Ready(Ok(()))
    }

    fn poll_write(
        &mut self,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let length: usize = slices.iter().map(|slice| slice.len()).sum();
        let kept = self.waiting.kept();
        if kept + length <= WAITING_MAX {
            self.waiting.vector().reserve(length.max(WAITING_MIN - kept.min(WAITING_MIN)));
            slices.iter().for_each(|slice| self.waiting.append(slice));
            return Poll::Ready(Ok(length));
        }
        loop {
            let mut all = [IoSlice::new(self.waiting.waiting()); SLICES];
            let more = all[1..].iter_mut().zip(slices);
            let used = 1 + more.map(|(place, slice)| *place = *slice).count();
            let count = ready!(self.stream.poll_write_vectored(context, &all[..used]))?;
            let waited = self.waiting.waiting().len().min(count);
            self.waiting.consume(waited);
            if count > waited {
                return Poll::Ready(Ok(count - waited));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::net::{TcpListener, TcpStream};
    use std::task::Waker;

    use super::*;

    /// An outlet, and whoever reads what leaves by it.
    fn pair() -> (tokio::runtime::Runtime, Outlet, TcpStream) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.expect("a runtime");
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let peer = TcpStream::connect(listener.local_addr().expect("bound")).expect("it listens");
        let stream = listener.accept().expect("a client").0;
        stream.set_nonblocking(true).expect("a socket");
        let guard = runtime.enter();
        let stream = tokio::net::TcpStream::from_std(stream).expect("a driver");
        drop(guard);
        (runtime, Outlet::new(Stream::new(stream)), peer)
    }

    fn write(outlet: &Outlet, bytes: &[u8]) -> usize {
        let mut context = Context::from_waker(Waker::noop());
        match outlet.poll_write(&mut context, &[IoSlice::new(bytes)]) {
            Poll::Ready(count) => count.expect("it is open"),
            Poll::Pending => 0,
        }
    }

    #[test]
    fn short_frames_wait_for_each_other() {
        let (runtime, outlet, mut peer) = pair();
        let pushed = std::future::poll_fn(|context| outlet.line().poll_push(context));
        assert_eq!(write(&outlet, b"zero "), 5);
        runtime.block_on(pushed).expect("it is open");
        let mut read = [0; 5];
        peer.read_exact(&mut read).expect("it has left");
        runtime.block_on(outlet.drive(async {
            assert_eq!((write(&outlet, b"one "), write(&outlet, b"two")), (4, 3));
            peer.set_nonblocking(true).expect("a socket");
            assert!(peer.read(&mut [0]).is_err(), "nothing has left");
        }));
        peer.set_nonblocking(false).expect("a socket");
        let mut read = [0; 7];
        peer.read_exact(&mut read).expect("it has left");
        assert_eq!(&read, b"one two");
        assert!(!outlet.line().waiting.owns_memory());
    }

    #[test]
    fn all_arrives_in_order_through_a_stream_that_is_full_at_times() {
        const LENGTH: usize = 8 * 1024 * 1024;
        let (runtime, outlet, mut peer) = pair();
        let reader = std::thread::spawn(move || {
            let mut read = Vec::new();
            peer.read_to_end(&mut read).expect("an end");
            read
        });
        let all: Vec<u8> = (0..LENGTH).map(|place| (place % 251) as u8).collect();
        runtime.block_on(async {
            let (mut left, mut turn) = (all.as_slice(), 0);
            let written = std::future::poll_fn(|context| {
                while !left.is_empty() {
                    turn += 1;
                    let frame = [9, 700, 70_000, 16_393][turn % 4].min(left.len());
                    let (head, data) = left[..frame].split_at(frame.min(9));
                    let slices = [IoSlice::new(head), IoSlice::new(data)];
                    let count = ready!(outlet.poll_write(context, &slices)).expect("it is open");
                    left = &left[count..];
                    assert!(outlet.line().waiting.kept() <= WAITING_MAX);
                }
                Poll::Ready(())
            });
            outlet.drive(written).await;
            let shutdown = std::future::poll_fn(|context| outlet.poll_shutdown(context)).await;
            shutdown.expect("it is open");
        });
        assert!(reader.join().expect("it reads") == all);
    }
}
