//! What happened, for people: a bounded list of the latest events.
//!
//! An event says when, what and why; it is also written to the log. The list holds the newest
//! [`KEPT`] events: older ones fall out and are counted. Readers ask for what came after an event
//! that they know.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use tidegate_core::model::ids::{PoolName, ServerName};
use tidegate_core::model::rollout::Rollout;
use tidegate_core::rollout::event::RolloutEvent;
use tidegate_core::time::UnixTime;
use tidegate_net::clock;
use tokio::sync::watch;

/// Events that are remembered.
pub const KEPT: usize = 1024;

/// What kind of thing happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// The balancer serves.
    Started,
    /// A configuration took effect.
    ConfigApplied,
    /// A configuration was refused; the one before it goes on.
    ConfigRefused,
    /// A certificate, a key (of cookies as well), an authority or the database of countries was
    /// renewed: its file changed, or it was issued.
    CertificateRenewed,
    /// A changed file cannot be used, or an authority issues no certificate; what was there before
    /// goes on.
    CertificateRefused,
    /// A server may be given requests.
    ServerUp,
    /// The checks of a server fail.
    ServerDown,
    /// A server is out because traffic failed on it.
    ServerEjected,
    /// The ejection of a server is over.
    ServerReturned,
    /// A server should have been ejected, but too many of its pool are out.
    ServerSpared,
    /// A server passes its checks, but slowly.
    ServerDegraded,
    /// Somebody asks something of a server, or what was asked is over.
    ServerSteered,
    /// No server of a pool is available.
    PoolDown,
    /// No server of a pool is available, and its traffic goes to all of them.
    PoolPanic,
    /// A pool that was down has an available server again.
    PoolUp,
    /// A pool is to have another number of servers.
    Scaled,
    /// A pool cannot have what it should.
    ScaleLimited,
    /// Somebody steers the autoscaler.
    ScaleSteered,
    /// An instance went on in its life.
    Instance,
    /// A provider did not do what it was asked for.
    ProviderFailed,
    /// A provider works again.
    ProviderBack,
    /// A rollout went on, was held up, or is over.
    Rollout,
    /// The balancer is about to stop.
    Stopping,
}

impl Kind {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Started => "started",
            Self::ConfigApplied => "config-applied",
            Self::ConfigRefused => "config-refused",
            Self::CertificateRenewed => "certificate-renewed",
            Self::CertificateRefused => "certificate-refused",
            Self::ServerUp => "server-up",
            Self::ServerDown => "server-down",
            Self::ServerEjected => "server-ejected",
            Self::ServerReturned => "server-returned",
            Self::ServerSpared => "server-spared",
            Self::ServerDegraded => "server-degraded",
            Self::ServerSteered => "server-steered",
            Self::PoolDown => "pool-down",
            Self::PoolPanic => "pool-panic",
            Self::PoolUp => "pool-up",
            Self::Scaled => "scaled",
            Self::ScaleLimited => "autoscale-limited",
            Self::ScaleSteered => "autoscale-steered",
            Self::Instance => "instance",
            Self::ProviderFailed => "provider-failed",
            Self::ProviderBack => "provider-back",
            Self::Rollout => "rollout",
            Self::Stopping => "stopping",
        }
    }

    /// Whether somebody should have a look.
    const fn is_trouble(self) -> bool {
        matches!(
            self,
            Self::ConfigRefused
                | Self::CertificateRefused
                | Self::ServerDown
                | Self::ServerEjected
                | Self::ServerSpared
                | Self::ServerDegraded
                | Self::PoolDown
                | Self::PoolPanic
                | Self::ScaleLimited
                | Self::ProviderFailed
        )
    }
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Event {
    /// Counts up from 1, without gaps.
    pub id: u64,
    /// When, in milliseconds since 1970.
    pub at: u64,
    /// What kind of thing.
    pub kind: Kind,
    /// The pool it is about.
    pub pool: Option<String>,
    /// The server it is about.
    pub server: Option<String>,
    /// What happened, in words.
    pub message: String,
    /// Why.
    pub reason: String,
}

/// The events after one that the reader knows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Page {
    /// The events, oldest first.
    pub events: Vec<Event>,
    /// The newest event there is: what to ask for next.
    pub last: u64,
    /// Events after the one asked about that had fallen out already.
    pub missed: u64,
}

/// What an event is about, and why it came.
#[derive(Clone, Debug)]
pub(crate) struct Report {
    kind: Kind,
    pool: Option<PoolName>,
    server: Option<ServerName>,
    message: String,
    reason: String,
    /// Whether somebody should have a look.
    trouble: bool,
}

impl Report {
    /// Something about the balancer as a whole.
    pub(crate) fn node(kind: Kind, message: impl Into<String>, reason: impl ToString) -> Self {
        let (message, reason) = (message.into(), reason.to_string());
        Self { kind, pool: None, server: None, message, reason, trouble: kind.is_trouble() }
    }

    /// Something about a pool.
    pub(crate) fn pool(kind: Kind, pool: &PoolName, reason: impl ToString) -> Self {
        let message = match kind {
            Kind::PoolDown => format!("no server of pool {pool} is available"),
            Kind::PoolPanic => format!("pool {pool} disbelieves its checks and uses all servers"),
            _ => format!("pool {pool} has an available server again"),
        };
        Self { pool: Some(pool.clone()), ..Self::node(kind, message, reason) }
    }

    /// Something about the number of servers of a pool.
    pub(crate) fn scale(
        kind: Kind,
        pool: &PoolName,
        message: impl Into<String>,
        reason: impl ToString,
    ) -> Self {
        Self { pool: Some(pool.clone()), ..Self::node(kind, message, reason) }
    }

    /// Something about a rollout.
    pub(crate) fn rollout(rollout: &Rollout, event: &RolloutEvent, reason: String) -> Self {
        let message = format!("rollout {}: {event}", rollout.name);
        let (pool, trouble) = (Some(rollout.pool.clone()), event.is_trouble());
        Self { pool, trouble, ..Self::node(Kind::Rollout, message, reason) }
    }

    /// What people ask of a server.
    pub(crate) fn steered(
        (pool, server): (&PoolName, &ServerName),
        what: impl fmt::Display,
        reason: impl ToString,
    ) -> Self {
        let message = format!("server {server} of pool {pool} {what}");
        Self {
            pool: Some(pool.clone()),
            server: Some(server.clone()),
            ..Self::node(Kind::ServerSteered, message, reason)
        }
    }

    /// Something about a server.
    pub(crate) fn server(
        kind: Kind,
        pool: &PoolName,
        server: &ServerName,
        reason: impl ToString,
    ) -> Self {
        let what = match kind {
            Kind::ServerUp => "is up",
            Kind::ServerDown => "is down",
            Kind::ServerEjected => "is ejected",
            Kind::ServerReturned => "is back after its ejection",
            Kind::ServerSpared => "should be ejected but stays",
            _ => "is slow to answer its checks",
        };
        let message = format!("server {server} of pool {pool} {what}");
        Self {
            pool: Some(pool.clone()),
            server: Some(server.clone()),
            ..Self::node(kind, message, reason)
        }
    }
}

/// The latest events.
#[derive(Debug, Default)]
pub(crate) struct EventLog {
    ring: Mutex<Ring>,
    /// The number of the newest event.
    newest: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Ring {
    events: VecDeque<Event>,
    last: u64,
}

impl EventLog {
    /// Remembers and logs an event.
    pub(crate) fn emit(&self, report: Report) {
        let Report { kind, pool, server, message, reason, trouble } = report;
        if trouble {
            tracing::warn!(kind = kind.as_str(), reason, "{message}");
        } else {
            tracing::info!(kind = kind.as_str(), reason, "{message}");
        }
        let newest = self.lock().push(clock::unix_time(), |id, at| Event {
            id,
            at,
            kind,
            pool: pool.map(|name| name.to_string()),
            server: server.map(|name| name.to_string()),
            message,
            reason,
        });
        self.newest.send_replace(newest);
    }

    /// What changes whenever something happens.
    pub(crate) fn follow(&self) -> watch::Receiver<u64> {
        self.newest.subscribe()
    }

    /// The events after the one numbered `since`; 0: all that are remembered.
    pub(crate) fn since(&self, since: u64) -> Page {
        self.lock().since(since)
    }

    /// Events that fell out since the start.
    pub(crate) fn dropped(&self) -> u64 {
        self.lock().dropped()
    }

    fn lock(&self) -> MutexGuard<'_, Ring> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ring {
    fn push(&mut self, at: UnixTime, event: impl FnOnce(u64, u64) -> Event) -> u64 {
        self.last += 1;
        if self.events.len() == KEPT {
            self.events.pop_front();
        }
        self.events.push_back(event(self.last, at.as_millis()));
        self.last
    }

    fn since(&self, since: u64) -> Page {
        let since = since.min(self.last);
        let events = self.events.iter().filter(|event| event.id > since).cloned().collect();
        Page { events, last: self.last, missed: self.dropped().saturating_sub(since) }
    }

    fn dropped(&self) -> u64 {
        self.last - self.events.len() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(count: usize) -> EventLog {
        let log = EventLog::default();
        (0..count).for_each(|_| log.emit(Report::node(Kind::Started, "started", "a test")));
        log
    }

    #[test]
    fn readers_get_what_came_after_what_they_know() {
        let log = log(5);
        let ids = |since| log.since(since).events.iter().map(|event| event.id).collect::<Vec<_>>();
        assert_eq!(ids(0), [1, 2, 3, 4, 5]);
        assert_eq!(ids(3), [4, 5]);
        assert_eq!(ids(5), [0; 0]);
        assert_eq!(ids(99), [0; 0], "an id of another run is not an error");
        assert_eq!(log.since(3).last, 5);
    }

    #[test]
    fn the_oldest_fall_out_and_are_counted() {
        let log = log(KEPT + 10);
        assert_eq!(log.dropped(), 10);
        let page = log.since(4);
        assert_eq!((page.events.len(), page.missed, page.last), (KEPT, 6, KEPT as u64 + 10));
        assert_eq!(log.since(KEPT as u64).missed, 0);
    }
}
