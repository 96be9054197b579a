//! The table of sessions: a bounded [`Store`] in memory that all cores share.
//!
//! A user's requests come on several cores, so that all must see the same entry. The table is cut
//! into shards, each behind a lock that is held for some tens of nanoseconds and never while
//! anybody waits for something else (why, and what it costs:
//! `docs/decisions/012-the-session-table-takes-a-lock.md`).
//!
//! Every operation takes constant time. A session lives for one time to live after its last use,
//! the same for all: in a shard the one used longest ago is the one whose end is nearest, so that
//! one list in the order of use says both whom to evict when the shard is full and who is over.
//! Each operation looks at the two at its end, and control sweeps the rest in small steps; there
//! are no timers.
//!
//! What it may ever need is reserved at the start, 56 bytes an entry, so that nothing grows while a
//! lock is held; memory that was never used is not resident. Sessions spread over the shards by
//! their hash, hence the first shard is full when the table is so to about 97 in 100.

mod shard;

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};

use self::shard::Shard;
use super::id::SessionId;
use super::store::{Home, Store};
use super::tag::ServerTag;
use crate::time::{Duration, Instant};

/// Remembers the servers of sessions in this process.
#[derive(Debug)]
pub struct Table {
    shards: Box<[Slot]>,
    entries_max: NonZeroU32,
    /// How long a session lives after its last use, in nanoseconds.
    ttl: AtomicU64,
}

/// A shard, kept off the cache lines of its neighbours.
#[derive(Debug)]
#[repr(align(128))]
struct Slot(Mutex<Shard>);

/// What a table holds, and what became of what it held.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TableTally {
    /// Sessions that are remembered.
    pub entries: u64,
    /// Sessions that lived and were forgotten for want of room.
    pub evicted: u64,
    /// Sessions that were not used for their time to live.
    pub expired: u64,
}

impl Table {
    /// The most shards; a power of two.
    const SHARDS_MAX: u32 = 64;
    /// Smaller shards would be filled too unevenly.
    const SHARD_MIN: u32 = 1024;
    /// How many entries are swept while a lock is held.
    const SWEEP_STEP: usize = 64;

    /// An empty table of at most so many sessions that live for `ttl` after their last use.
    #[must_use]
    pub fn new(entries_max: NonZeroU32, ttl: Duration) -> Self {
        let shards = (entries_max.get() / Self::SHARD_MIN).clamp(1, Self::SHARDS_MAX);
        let shards = 1 << shards.ilog2();
        let each = entries_max.get() / shards;
        let slot = |_| Slot(Mutex::new(Shard::new(each)));
        Self {
            shards: (0..shards).map(slot).collect(),
            entries_max,
            ttl: AtomicU64::new(nanos(ttl)),
        }
    }

    /// The most sessions it remembers.
    #[must_use]
    pub const fn entries_max(&self) -> NonZeroU32 {
        self.entries_max
    }

    /// Control only: the server of a session that lives, which is not used by that.
    #[must_use]
    pub fn peek(&self, id: SessionId, now: Instant) -> Option<ServerTag> {
        self.shard(id).peek(id, now, self.ttl())
    }

    /// Control only: sessions live for so long from now on, those that are remembered as well.
    pub fn set_ttl(&self, ttl: Duration) {
        self.ttl.store(nanos(ttl), Relaxed);
    }

    /// Control only: takes over what another table remembers, as far as there is room.
    pub fn take_over(&self, other: &Self) {
        let mut entries = Vec::new();
        other.shards.iter().for_each(|slot| entries.extend(slot.lock().entries()));
        // In the order of their use, which is that in which they end.
        entries.sort_unstable_by_key(|(_, _, used)| *used);
        for (id, home, used) in entries {
            self.shard(id).put(id, home, used, self.ttl());
        }
    }

    /// Control only: forgets all that is over by `now`, and counts the sessions of each server.
    #[must_use]
    pub fn sweep(&self, now: Instant) -> BTreeMap<ServerTag, u32> {
        let mut live = BTreeMap::new();
        for slot in &self.shards {
            while slot.lock().sweep(Self::SWEEP_STEP, now, self.ttl()) == Self::SWEEP_STEP {}
            for (&server, &sessions) in slot.lock().live() {
                *live.entry(server).or_default() += sessions;
            }
        }
        live
    }

    /// What it holds, and what became of what it held.
    #[must_use]
    pub fn tally(&self) -> TableTally {
        self.shards.iter().map(|slot| slot.lock().tally()).fold(
            TableTally::default(),
            |sum, one| TableTally {
                entries: sum.entries + one.entries,
                evicted: sum.evicted + one.evicted,
                expired: sum.expired + one.expired,
            },
        )
    }

    fn ttl(&self) -> Duration {
        Duration::from_nanos(self.ttl.load(Relaxed))
    }

    /// The shard of a session: by the upper half of its number, as places within go by the lower.
    fn shard(&self, id: SessionId) -> MutexGuard<'_, Shard> {
        let place = (id.bits() >> 32) as usize & (self.shards.len() - 1);
        self.shards[place].lock()
    }
}

impl Slot {
    /// A shard is whole between any two steps, hence also where a thread panicked.
    fn lock(&self) -> MutexGuard<'_, Shard> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store for Table {
    type Error = Infallible;

    fn get(&self, id: SessionId, now: Instant) -> Result<Option<ServerTag>, Infallible> {
        let ttl = self.ttl();
        Ok(self.shard(id).get(id, now, ttl))
    }

    fn put(&self, id: SessionId, home: Home) -> Result<(), Infallible> {
        let ttl = self.ttl();
        self.shard(id).put(id, home, home.at, ttl);
        Ok(())
    }

    fn remove(&self, id: SessionId, now: Instant) -> Result<(), Infallible> {
        self.shard(id).remove(id, now);
        Ok(())
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
