//! A thin cover over epoll: sockets go in with a number, numbers come out.
//!
//! Every connection is registered once, edge triggered, for both directions; nothing is ever
//! changed or removed by hand, since closing a socket removes it. What a number means is up to the
//! caller, who must not reuse one within a batch of events.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use rustix::buffer::spare_capacity;
use rustix::event::{Timespec, epoll};

/// Events taken from the kernel at once.
const BATCH: usize = 256;

/// One epoll instance.
#[derive(Debug)]
pub struct Poll {
    epoll: OwnedFd,
}

/// Room for the events of one wait, used again for the next.
pub struct Batch {
    events: Vec<epoll::Event>,
}

/// What became of one registered socket.
#[derive(Clone, Copy, Debug)]
pub struct Event {
    /// The number given at registration.
    pub token: usize,
    /// The peer will send no more (or the connection is broken); what it sent may still be unread.
    pub ended: bool,
    /// There is something to read: bytes, an end or an error.
    pub readable: bool,
    /// There is room to write.
    pub writable: bool,
}

impl Poll {
    /// An empty set.
    ///
    /// # Errors
    /// When the process is out of file descriptors.
    pub fn new() -> io::Result<Self> {
        Ok(Self { epoll: epoll::create(epoll::CreateFlags::CLOEXEC)? })
    }

    /// Reports `listener` as `token` for as long as it has connections to accept.
    ///
    /// # Errors
    /// When the kernel is out of memory for it.
    pub fn add_listener(&self, listener: &impl AsFd, token: usize) -> io::Result<()> {
        self.add(listener, token, epoll::EventFlags::IN)
    }

    /// Reports `stream` as `token` whenever bytes, room or its end arrive.
    ///
    /// # Errors
    /// When the kernel is out of memory for it.
    pub fn add_stream(&self, stream: &impl AsFd, token: usize) -> io::Result<()> {
        use epoll::EventFlags as Flags;
        self.add(stream, token, Flags::IN | Flags::OUT | Flags::RDHUP | Flags::ET)
    }

    fn add(&self, fd: &impl AsFd, token: usize, flags: epoll::EventFlags) -> io::Result<()> {
        let data = epoll::EventData::new_u64(token as u64);
        Ok(epoll::add(&self.epoll, fd, data, flags)?)
    }

    /// Waits until something happens, at most for `patience` (`None`: for ever), and puts what
    /// happened into `batch`.
    ///
    /// # Errors
    /// Never in practice; an interrupted wait is an empty batch.
    pub fn wait(&self, batch: &mut Batch, patience: Option<Duration>) -> io::Result<()> {
        let patience = patience.map(|limit| Timespec {
            tv_sec: limit.as_secs().try_into().unwrap_or(i64::MAX),
            tv_nsec: limit.subsec_nanos().into(),
        });
        batch.events.clear();
        match epoll::wait(&self.epoll, spare_capacity(&mut batch.events), patience.as_ref()) {
            Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

impl Batch {
    /// Room for the events taken from the kernel at once.
    #[must_use]
    pub fn new() -> Self {
        Self { events: Vec::with_capacity(BATCH) }
    }

    /// What the last wait brought.
    pub fn events(&self) -> impl Iterator<Item = Event> {
        self.events.iter().map(Event::from_kernel)
    }
}

impl Default for Batch {
    fn default() -> Self {
        Self::new()
    }
}

impl Event {
    fn from_kernel(event: &epoll::Event) -> Self {
        use epoll::EventFlags as Flags;
        // The event is packed, so its fields are copied out before use.
        let (flags, data) = (event.flags, event.data);
        let ended = flags.intersects(Flags::RDHUP | Flags::HUP | Flags::ERR);
        Self {
            token: usize::try_from(data.u64()).unwrap_or(usize::MAX),
            ended,
            readable: ended || flags.contains(Flags::IN),
            writable: flags.contains(Flags::OUT),
        }
    }
}
