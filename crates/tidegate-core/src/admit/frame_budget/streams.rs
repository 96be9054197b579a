//! Which streams are young, and which were answered, in fixed memory.
//!
//! A client numbers its streams upwards (RFC 9113, section 5.1.1), so that the number of a stream
//! tells its age: what was the highest number a second ago divides the young from the old. It also
//! names a bit in a ring, which says whether the stream was answered. The ring knows the last
//! [`REMEMBERED`] streams; older ones count as answered, as they have seen that many opened after
//! them.

use crate::time::{Duration, Instant};

/// A stream is young for this long, and for up to twice as long while others are opened.
const YOUNG: Duration = Duration::from_secs(1);
/// More than a client may have open at once.
const REMEMBERED: u32 = 256;

/// The streams of one connection.
#[derive(Clone, Debug)]
pub(super) struct Streams {
    /// The highest that the client opened, and when.
    last: u32,
    opened: Instant,
    /// The highest that is not young any more.
    old: u32,
    /// The highest at some time past, which becomes `old` when that is a second ago.
    mark: u32,
    marked: Instant,
    /// A bit for each stream that is remembered: it was answered, or reset.
    settled: [u64; (REMEMBERED / u64::BITS) as usize],
}

/// What a stream was when the client reset it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reset {
    pub(super) young: bool,
    /// Something had been sent on it, or it had been reset before.
    pub(super) answered: bool,
}

impl Streams {
    pub(super) const fn new(now: Instant) -> Self {
        Self {
            last: 0,
            opened: now,
            old: 0,
            mark: 0,
            marked: now,
            settled: [0; (REMEMBERED / u64::BITS) as usize],
        }
    }

    /// HEADERS came; whether they open a stream.
    pub(super) fn open(&mut self, stream: u32, now: Instant) -> bool {
        self.age(now);
        if stream <= self.last {
            return false;
        }
        self.last = stream;
        self.opened = now;
        let (word, bit) = place(stream);
        self.settled[word] &= !bit;
        true
    }

    /// HEADERS were sent; whether they are the first on a stream that is remembered.
    pub(super) fn answer(&mut self, stream: u32) -> bool {
        !self.settle(stream)
    }

    /// The client resets a stream.
    pub(super) fn reset(&mut self, stream: u32, now: Instant) -> Reset {
        self.age(now);
        Reset { young: stream > self.old, answered: self.settle(stream) }
    }

    /// Sets the bit of a stream; whether it was set before, as it is for those that are not
    /// remembered.
    fn settle(&mut self, stream: u32) -> bool {
        if stream > self.last || (self.last - stream) / 2 >= REMEMBERED {
            return true;
        }
        let (word, bit) = place(stream);
        let before = self.settled[word] & bit != 0;
        self.settled[word] |= bit;
        before
    }

    fn age(&mut self, now: Instant) {
        if now.since(self.opened) >= YOUNG {
            (self.old, self.mark, self.marked) = (self.last, self.last, now);
        } else if now.since(self.marked) >= YOUNG {
            (self.old, self.mark, self.marked) = (self.mark, self.last, now);
        }
    }
}

/// The word and the bit of a stream: those of a client have odd numbers.
const fn place(stream: u32) -> (usize, u64) {
    let position = (stream / 2) % REMEMBERED;
    ((position / u64::BITS) as usize, 1 << (position % u64::BITS))
}
