//! What it takes to remember the servers of sessions: the interface behind which a table that
//! several balancers share can stand.
//!
//! Keys and values are plain data, and of two entries for one session the newer holds, so that
//! copies that were written apart agree once they have seen the same entries. An answer comes at
//! once, from memory: the data plane waits for nobody, and whoever shares entries spreads them
//! behind this interface, where [`Instant`]s are turned into a time that others understand.
//!
//! A store may fail. Then nothing is known: the request is balanced anew, and served.

use std::error::Error;
use std::fmt;

use super::id::SessionId;
use super::tag::ServerTag;
use crate::time::Instant;

/// Where a session is at home, and since when that is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Home {
    /// Its server.
    pub server: ServerTag,
    /// The version of the entry: of two for a session the newer holds.
    pub at: Instant,
}

/// Remembers the servers of sessions.
pub trait Store: fmt::Debug + Send + Sync {
    /// Why it may fail; [`Infallible`](std::convert::Infallible) for one in memory.
    type Error: Error;

    /// The server of a session that lives, which lives on from `now`.
    ///
    /// # Errors
    /// When nothing can be known.
    fn get(&self, id: SessionId, now: Instant) -> Result<Option<ServerTag>, Self::Error>;

    /// Remembers the home of a session, unless a newer one is known.
    ///
    /// # Errors
    /// When it could not be remembered.
    fn put(&self, id: SessionId, home: Home) -> Result<(), Self::Error>;

    /// Forgets a session, unless its home is newer than `now`.
    ///
    /// # Errors
    /// When it may still be remembered.
    fn remove(&self, id: SessionId, now: Instant) -> Result<(), Self::Error>;
}
