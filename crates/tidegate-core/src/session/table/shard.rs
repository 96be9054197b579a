//! A part of the table: entries in one array, found through chains from an array of heads, and held
//! in a list in the order of their use.
//!
//! Links are places in the array counted from one, so that an array of zeros is empty and comes
//! from the system as untouched pages.

use std::collections::BTreeMap;

use super::TableTally;
use crate::session::id::SessionId;
use crate::session::store::Home;
use crate::session::tag::ServerTag;
use crate::time::{Duration, Instant};

/// A part of the table.
#[derive(Debug)]
pub(super) struct Shard {
    /// The first entry of each chain.
    heads: Box<[u32]>,
    entries: Vec<Entry>,
    entries_max: usize,
    /// The first entry that is free; the others follow in its chain.
    free: u32,
    oldest: u32,
    newest: u32,
    /// The latest time that was heard of. Cores are a little apart, and the order of use must be
    /// that of time.
    clock: Instant,
    /// Sessions by server; none is without any.
    live: BTreeMap<ServerTag, u32>,
    tally: TableTally,
}

#[derive(Debug)]
pub(super) struct Entry {
    id: SessionId,
    home: Home,
    used: Instant,
    /// The next in its chain, or the next that is free.
    next: u32,
    /// Its neighbours in the order of use.
    older: u32,
    newer: u32,
}

/// No entry.
const NONE: u32 = 0;
/// How many of the oldest each operation looks at: one more than it can add, so that what is over
/// goes faster than anything comes.
const SWEEP: usize = 2;

impl Shard {
    pub(super) fn new(entries_max: u32) -> Self {
        let entries_max = entries_max as usize;
        Self {
            heads: vec![NONE; entries_max.next_power_of_two()].into(),
            entries: Vec::with_capacity(entries_max),
            entries_max,
            free: NONE,
            oldest: NONE,
            newest: NONE,
            clock: Instant::ZERO,
            live: BTreeMap::new(),
            tally: TableTally::default(),
        }
    }

    /// The server of a session, which is used `now`.
    pub(super) fn get(&mut self, id: SessionId, now: Instant, ttl: Duration) -> Option<ServerTag> {
        let now = self.advance(now);
        self.sweep(SWEEP, now, ttl);
        let link = self.find(id)?;
        if is_over(self.at(link), now, ttl) {
            self.expire(link);
            return None;
        }
        self.unlist(link);
        self.list(link, now);
        Some(self.at(link).home.server)
    }

    /// The same of a session that is not used.
    pub(super) fn peek(&self, id: SessionId, now: Instant, ttl: Duration) -> Option<ServerTag> {
        let entry = self.at(self.find(id)?);
        (!is_over(entry, now, ttl)).then_some(entry.home.server)
    }

    /// Remembers where a session is that is used at `used`.
    pub(super) fn put(&mut self, id: SessionId, home: Home, used: Instant, ttl: Duration) {
        let now = self.advance(used);
        self.sweep(SWEEP, now, ttl);
        match self.find(id).filter(|link| !is_over(self.at(*link), now, ttl)) {
            Some(link) if self.at(link).home.at > home.at => {}
            Some(link) => {
                self.settle(link, home);
                self.unlist(link);
                self.list(link, now);
            }
            None => self.insert(id, home, now),
        }
    }

    pub(super) fn remove(&mut self, id: SessionId, now: Instant) {
        if let Some(link) = self.find(id).filter(|link| self.at(*link).home.at <= now) {
            self.release(link);
        }
    }

    /// Forgets what is over by `now`, at most so many; returns how many.
    pub(super) fn sweep(&mut self, most: usize, now: Instant, ttl: Duration) -> usize {
        for swept in 0..most {
            if self.oldest == NONE || !is_over(self.at(self.oldest), now, ttl) {
                return swept;
            }
            self.expire(self.oldest);
        }
        most
    }

    /// The sessions of each server that has any.
    pub(super) const fn live(&self) -> &BTreeMap<ServerTag, u32> {
        &self.live
    }

    pub(super) const fn tally(&self) -> TableTally {
        self.tally
    }

    /// All entries with their last use, the one used longest ago first.
    pub(super) fn entries(&self) -> impl Iterator<Item = (SessionId, Home, Instant)> {
        let first = (self.oldest != NONE).then(|| self.at(self.oldest));
        let newer = |entry: &&Entry| (entry.newer != NONE).then(|| self.at(entry.newer));
        std::iter::successors(first, newer).map(|entry| (entry.id, entry.home, entry.used))
    }

    /// The time, which never runs backwards here.
    fn advance(&mut self, now: Instant) -> Instant {
        self.clock = self.clock.max(now);
        self.clock
    }

    fn insert(&mut self, id: SessionId, home: Home, now: Instant) {
        if let Some(link) = self.find(id) {
            self.expire(link);
        }
        if self.free == NONE && self.entries.len() == self.entries_max {
            self.tally.evicted += 1;
            self.release(self.oldest);
        }
        let head = self.head(id);
        let entry = Entry { id, home, used: now, next: self.heads[head], older: NONE, newer: NONE };
        let link = match self.free {
            NONE => {
                self.entries.push(entry);
                self.entries.len() as u32
            }
            link => {
                self.free = std::mem::replace(self.at_mut(link), entry).next;
                link
            }
        };
        self.heads[head] = link;
        self.list(link, now);
        self.tally.entries += 1;
        *self.live.entry(home.server).or_default() += 1;
    }

    fn settle(&mut self, link: u32, home: Home) {
        let before = std::mem::replace(&mut self.at_mut(link).home, home);
        if before.server != home.server {
            self.leave(before.server);
            *self.live.entry(home.server).or_default() += 1;
        }
    }

    fn leave(&mut self, server: ServerTag) {
        if let Some(sessions) = self.live.get_mut(&server) {
            *sessions -= 1;
            if *sessions == 0 {
                self.live.remove(&server);
            }
        }
    }

    fn expire(&mut self, link: u32) {
        self.tally.expired += 1;
        self.release(link);
    }

    /// Frees an entry.
    fn release(&mut self, link: u32) {
        self.unlist(link);
        self.unchain(link);
        self.tally.entries -= 1;
        self.leave(self.at(link).home.server);
        self.at_mut(link).next = self.free;
        self.free = link;
    }

    fn head(&self, id: SessionId) -> usize {
        id.bits() as usize & (self.heads.len() - 1)
    }

    fn find(&self, id: SessionId) -> Option<u32> {
        let mut link = self.heads[self.head(id)];
        while link != NONE {
            let entry = self.at(link);
            if entry.id == id {
                return Some(link);
            }
            link = entry.next;
        }
        None
    }

    /// Takes an entry out of its chain.
    fn unchain(&mut self, gone: u32) {
        let (head, next) = (self.head(self.at(gone).id), self.at(gone).next);
        if self.heads[head] == gone {
            self.heads[head] = next;
            return;
        }
        let mut link = self.heads[head];
        while self.at(link).next != gone {
            link = self.at(link).next;
        }
        self.at_mut(link).next = next;
    }

    /// Puts an entry behind all others: it is used now.
    fn list(&mut self, link: u32, now: Instant) {
        let newest = std::mem::replace(&mut self.newest, link);
        let entry = self.at_mut(link);
        (entry.used, entry.older, entry.newer) = (now, newest, NONE);
        match newest {
            NONE => self.oldest = link,
            newest => self.at_mut(newest).newer = link,
        }
    }

    fn unlist(&mut self, link: u32) {
        let Entry { older, newer, .. } = *self.at(link);
        match older {
            NONE => self.oldest = newer,
            older => self.at_mut(older).newer = newer,
        }
        match newer {
            NONE => self.newest = older,
            newer => self.at_mut(newer).older = older,
        }
    }

    fn at(&self, link: u32) -> &Entry {
        &self.entries[link as usize - 1]
    }

    fn at_mut(&mut self, link: u32) -> &mut Entry {
        &mut self.entries[link as usize - 1]
    }
}

/// Whether a session was not used for its time to live.
fn is_over(entry: &Entry, now: Instant, ttl: Duration) -> bool {
    now.since(entry.used) >= ttl
}
