//! The sessions of one pool: shared by all cores, and carried from snapshot to snapshot.

use std::sync::Arc;

use super::id::{IdSecret, SessionId};
use super::seen::Seen;
use super::store::{Home, Store};
use super::table::Table;
use super::tag::{ServerTag, Tags};
use crate::model::ids::ServerIndex;
use crate::model::server::Member;
use crate::model::session::{Session, SessionMode, SessionTable};
use crate::time::{Duration, Instant};

/// The sessions of one pool.
#[derive(Debug)]
pub struct PoolSessions(Memory);

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
        Self(Memory::new(session, members, before, (secret, now)))
    }

    /// The server of the session that the application calls `name`, whose life is renewed; `None`:
    /// nothing is known of it.
    #[must_use]
    pub fn home(&self, name: &[u8], now: Instant) -> Option<ServerTag> {
        let Memory::Table { table, secret } = &self.0 else { return None };
        recall(table.as_ref(), secret.id(name), now)
    }

    /// Control only: the same of a session that is not used by that.
    #[must_use]
    pub fn peek(&self, name: &[u8], now: Instant) -> Option<ServerTag> {
        let Memory::Table { table, secret } = &self.0 else { return None };
        table.peek(secret.id(name), now)
    }

    /// The session that the application calls `name` is at home on this server from now on.
    pub fn learn(&self, name: &[u8], server: ServerTag, now: Instant) {
        if let Memory::Table { table, secret } = &self.0 {
            let Ok(()) = table.put(secret.id(name), Home { server, at: now });
        }
    }

    /// The session that the application calls `name` is over.
    pub fn forget(&self, name: &[u8], now: Instant) {
        if let Memory::Table { table, secret } = &self.0 {
            let Ok(()) = table.remove(secret.id(name), now);
        }
    }

    /// A request of a user went to a member, of whom `user` is always the same number: what the
    /// cookie holds, or a hash of the network.
    pub fn mark(&self, server: ServerIndex, user: u64) {
        if let Memory::Seen { seen, .. } = &self.0 {
            seen[server.position()].mark(user);
        }
    }

    /// Control only: counts the sessions of each member and writes them into its state. `tags` are
    /// those of the members.
    pub fn count(&self, members: &[Member], tags: &Tags, now: Instant) {
        match &self.0 {
            Memory::Table { table, .. } => {
                let live = table.sweep(now);
                for (place, member) in members.iter().enumerate() {
                    let live = live.get(&tags.of(ServerIndex::new(place))).copied();
                    member.state.set_sessions(Some(live.unwrap_or_default()));
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
        match &self.0 {
            Memory::Table { .. } => true,
            Memory::Seen { since, window, .. } => now.since(*since) >= *window,
        }
    }

    /// The table, where there is one.
    #[must_use]
    pub fn table(&self) -> Option<&Table> {
        match &self.0 {
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
        match (&self.session.mode, &self.sessions.0) {
            (SessionMode::Table(then), Memory::Table { table, .. }) if then.key == settings.key => {
                Some(table)
            }
            _ => None,
        }
    }

    /// Since when users are looked at.
    fn since(self) -> Option<Instant> {
        match &self.sessions.0 {
            Memory::Seen { since, .. } => Some(*since),
            Memory::Table { .. } => None,
        }
    }

    /// Who was seen on a member that was one then.
    fn seen(self, member: &Member) -> Option<&'a Arc<Seen>> {
        let Memory::Seen { seen, .. } = &self.sessions.0 else { return None };
        let is_same = |then: &Member| then.state.id() == member.state.id();
        seen.get(self.members.iter().position(is_same)?)
    }
}

/// The server of a session, as far as a store can say: one that fails knows nobody.
fn recall<S: Store + ?Sized>(store: &S, id: SessionId, now: Instant) -> Option<ServerTag> {
    store.get(id, now).ok().flatten()
}

#[cfg(test)]
mod tests;
