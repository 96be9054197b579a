//! The sessions of one pool: shared by all cores, and carried from snapshot to snapshot.

use std::sync::Arc;

use rapidhash::v3::{RapidSecrets, rapidhash_v3_seeded};

use super::id::{IdSecret, SessionId};
use super::seen::Seen;
use super::store::{Home, ServerTag, Store};
use super::table::Table;
use crate::model::ids::ServerIndex;
use crate::model::server::{Member, Server};
use crate::model::session::{Session, SessionMode, SessionTable};
use crate::time::{Duration, Instant};

/// The sessions of one pool.
#[derive(Debug)]
pub struct PoolSessions {
    memory: Memory,
    /// The tags of its members, in their order.
    tags: Vec<ServerTag>,
    /// The members, in the order of their tags.
    places: Vec<(ServerTag, ServerIndex)>,
}

/// What knows how many sessions a server has.
#[derive(Debug)]
enum Memory {
    /// The table, exactly.
    Table { table: Arc<Table>, secret: IdSecret },
    /// Who was seen on each member within a window; in the order of the members.
    Seen {
        seen: Vec<Arc<Seen>>,
        window: Duration,
        /// When anybody began to look: who comes back was not seen before.
        since: Instant,
    },
}

/// The sessions of a pool before its configuration or its members changed.
#[derive(Clone, Copy, Debug)]
pub struct Before<'a> {
    /// What its configuration was.
    pub session: &'a Session,
    /// Its sessions,
    pub sessions: &'a PoolSessions,
    /// and its members then.
    pub members: &'a [Member],
}

impl PoolSessions {
    /// How long somebody counts who was seen, at most; a session that lives for less counts for
    /// that long.
    const WINDOW_MAX: Duration = Duration::from_secs(300);

    /// The sessions of a pool with these members. What was remembered before still is, as far as it
    /// is of use. `secret` is what names of sessions are hashed with.
    #[must_use]
    pub fn new(
        session: &Session,
        members: &[Member],
        before: Option<Before<'_>>,
        secret: IdSecret,
        now: Instant,
    ) -> Self {
        let tags: Vec<_> = members.iter().map(|member| tag(&member.server)).collect();
        let placed = tags.iter().enumerate().map(|(place, tag)| (*tag, ServerIndex::new(place)));
        let mut places: Vec<_> = placed.collect();
        places.sort_unstable();
        Self { memory: Memory::new(session, members, before, (secret, now)), tags, places }
    }

    /// The member that the session has which the application calls `name`; its life is renewed.
    /// `None`: it is unknown, or its server is no member any more.
    #[must_use]
    pub fn home(&self, name: &[u8], now: Instant) -> Option<ServerIndex> {
        let Memory::Table { table, secret } = &self.memory else { return None };
        let tag = recall(table.as_ref(), secret.id(name), now)?;
        let place = self.places.binary_search_by_key(&tag, |(tag, _)| *tag).ok()?;
        Some(self.places[place].1)
    }

    /// The session that the application calls `name` is at home on a member from now on.
    pub fn learn(&self, name: &[u8], server: ServerIndex, now: Instant) {
        if let Memory::Table { table, secret } = &self.memory {
            let home = Home { server: self.tags[server.position()], at: now };
            let Ok(()) = table.put(secret.id(name), home);
        }
    }

    /// The session that the application calls `name` is over.
    pub fn forget(&self, name: &[u8], now: Instant) {
        if let Memory::Table { table, secret } = &self.memory {
            let Ok(()) = table.remove(secret.id(name), now);
        }
    }

    /// A request of a user went to a member, of whom `user` is always the same number: what the
    /// cookie holds, or a hash of the network.
    pub fn mark(&self, server: ServerIndex, user: u64) {
        if let Memory::Seen { seen, .. } = &self.memory {
            seen[server.position()].mark(user);
        }
    }

    /// Control only: counts the sessions of each member and writes them into its state.
    pub fn count(&self, members: &[Member], now: Instant) {
        match &self.memory {
            Memory::Table { table, .. } => {
                let live = table.sweep(now);
                for (member, tag) in members.iter().zip(&self.tags) {
                    member.state.set_sessions(Some(live.get(tag).copied().unwrap_or_default()));
                }
            }
            Memory::Seen { seen, window, .. } => {
                for (member, seen) in members.iter().zip(seen) {
                    seen.turn(*window, now);
                    member.state.set_sessions(Some(seen.estimate()));
                }
            }
        }
    }

    /// Whether a session that lives would have been counted by now. In the first window after a
    /// start, users with cookies from before it have yet to come back.
    #[must_use]
    pub fn knows_all(&self, now: Instant) -> bool {
        match &self.memory {
            Memory::Table { .. } => true,
            Memory::Seen { since, window, .. } => now.since(*since) >= *window,
        }
    }

    /// The table, where there is one.
    #[must_use]
    pub fn table(&self) -> Option<&Table> {
        match &self.memory {
            Memory::Table { table, .. } => Some(table),
            Memory::Seen { .. } => None,
        }
    }
}

impl Memory {
    fn new(
        session: &Session,
        members: &[Member],
        before: Option<Before<'_>>,
        (secret, now): (IdSecret, Instant),
    ) -> Self {
        let ttl = match &session.mode {
            SessionMode::Table(settings) => {
                let known = before.and_then(|before| before.table(settings));
                return Self::Table { table: table(settings, known), secret };
            }
            SessionMode::Cookie(cookie) => cookie.ttl,
            SessionMode::IpHash => Duration::MAX,
        };
        let seen = members.iter().map(|member| {
            let known = before.and_then(|before| before.seen(member));
            known.map_or_else(|| Arc::new(Seen::new(now)), Arc::clone)
        });
        Self::Seen {
            seen: seen.collect(),
            window: ttl.min(PoolSessions::WINDOW_MAX),
            since: before.and_then(Before::since).unwrap_or(now),
        }
    }
}

/// A table as it is configured, with what is known already.
fn table(settings: &SessionTable, known: Option<&Arc<Table>>) -> Arc<Table> {
    if let Some(known) = known.filter(|known| known.entries_max() == settings.entries) {
        known.set_ttl(settings.ttl);
        return Arc::clone(known);
    }
    let table = Table::new(settings.entries, settings.ttl);
    known.into_iter().for_each(|known| table.take_over(known));
    Arc::new(table)
}

impl<'a> Before<'a> {
    /// The table, if it knows sessions by the same names.
    fn table(self, settings: &SessionTable) -> Option<&'a Arc<Table>> {
        match (&self.session.mode, &self.sessions.memory) {
            (SessionMode::Table(then), Memory::Table { table, .. }) if then.key == settings.key => {
                Some(table)
            }
            _ => None,
        }
    }

    /// Since when users are looked at.
    fn since(self) -> Option<Instant> {
        match &self.sessions.memory {
            Memory::Seen { since, .. } => Some(*since),
            Memory::Table { .. } => None,
        }
    }

    /// Who was seen on a member that was one then.
    fn seen(self, member: &Member) -> Option<&'a Arc<Seen>> {
        let Memory::Seen { seen, .. } = &self.sessions.memory else { return None };
        let is_same = |then: &Member| then.state.id() == member.state.id();
        seen.get(self.members.iter().position(is_same)?)
    }
}

/// The server of a session, as far as a store can say: one that fails knows nobody.
fn recall<S: Store + ?Sized>(store: &S, id: SessionId, now: Instant) -> Option<ServerTag> {
    store.get(id, now).ok().flatten()
}

/// A server by its name and address: one that changes either is another one, as everywhere.
fn tag(server: &Server) -> ServerTag {
    let hash = |seed, bytes: &[u8]| rapidhash_v3_seeded(bytes, &RapidSecrets::seed_cpp(seed));
    let name = hash(0, server.name.as_str().as_bytes());
    let ip = match server.address.ip() {
        std::net::IpAddr::V4(ip) => hash(name, &ip.octets()),
        std::net::IpAddr::V6(ip) => hash(name, &ip.octets()),
    };
    ServerTag(hash(ip, &server.address.port().to_le_bytes()))
}

#[cfg(test)]
mod tests;
