//! What the keeper knows of one pool.

use std::sync::Arc;

use tidegate_core::health::outlier::{Backup, Outlier};
use tidegate_core::model::pool::{HealthCheck, InitialHealth, Probe, WhenAllDown};
use tidegate_core::model::server::{Availability, Member, Rotation, ServerId};
use tidegate_core::snapshot::PoolEntry;
use tidegate_core::time::Duration;
use tidegate_net::tls::contexts::Contexts;

use crate::events::{Kind, Report};
use crate::observe::probe::crew::Way;

/// A pool under watch.
#[derive(Debug)]
pub(super) struct WatchedPool {
    pub(super) entry: Arc<PoolEntry>,
    pub(super) outlier: Outlier,
    down: bool,
    /// The epoch at which its members were looked at last.
    looked: u64,
}

/// A pool's check, and how its connections are made.
#[derive(Clone, Debug)]
pub(super) struct Check {
    pub(super) asked: Arc<HealthCheck>,
    pub(super) way: Way,
}

/// The checks of a pool's members.
#[derive(Clone, Debug)]
pub(super) struct Checks {
    listed: usize,
    /// `None`: listed servers count as healthy until traffic says otherwise.
    of_listed: Option<Check>,
    of_instances: Check,
}

impl Checks {
    pub(super) fn of(entry: &PoolEntry, contexts: &Contexts) -> Self {
        Self {
            listed: entry.listed,
            of_listed: Check::of(entry, contexts),
            of_instances: Check::of_instances(entry, contexts),
        }
    }

    /// The check of the member at this place, and what is made of its first results while nothing
    /// is known of it.
    pub(super) const fn of_member(&self, place: usize) -> (Option<&Check>, InitialHealth) {
        if place < self.listed {
            (self.of_listed.as_ref(), InitialHealth::FirstProbe)
        } else {
            (Some(&self.of_instances), InitialHealth::FirstSuccess)
        }
    }
}

impl Check {
    fn of(entry: &PoolEntry, contexts: &Contexts) -> Option<Self> {
        let asked = entry.pool.health.clone()?;
        // As traffic has it, unless the check has a port of its own.
        let way = match asked.port {
            Some(_) => Way::default(),
            None => Way {
                send_proxy: entry.pool.send_proxy,
                client: contexts.pools.get(&entry.pool.name).cloned(),
            },
        };
        Some(Self { asked: Arc::new(asked), way })
    }

    /// The check of instances: as that of the pool, or else that a connection opens, since nobody
    /// else can say when an instance is up.
    fn of_instances(entry: &PoolEntry, contexts: &Contexts) -> Self {
        Self::of(entry, contexts).unwrap_or_else(|| Self {
            asked: Arc::new(HealthCheck {
                probe: Probe::Tcp,
                interval: Duration::from_secs(5),
                interval_changing: Duration::from_millis(500),
                timeout: Duration::from_secs(3),
                unhealthy_after: 3,
                healthy_after: 2,
                slow_after: Duration::from_millis(500),
                fail_after: Duration::from_secs(2),
                initial: InitialHealth::FirstSuccess,
                port: None,
            }),
            way: Way::default(),
        })
    }
}

impl WatchedPool {
    pub(super) fn new(entry: &Arc<PoolEntry>) -> Self {
        Self {
            outlier: Outlier::new(&entry.pool.passive, &ids(entry)),
            entry: Arc::clone(entry),
            down: false,
            looked: entry.state.epoch(),
        }
    }

    /// Takes the pool as a new configuration has it.
    pub(super) fn update(&mut self, entry: &Arc<PoolEntry>) {
        self.outlier.update(&entry.pool.passive);
        self.outlier.retain(&ids(entry));
        self.entry = Arc::clone(entry);
    }

    /// Whether a backup would take the place of `server`.
    pub(super) fn backup(&self, server: ServerId) -> Backup {
        let steps_in = |member: &&Member| {
            member.server.backup && member.state.id() != server && is_available(member)
        };
        match self.entry.members.iter().find(steps_in) {
            Some(_) => Backup::Available,
            None => Backup::Missing,
        }
    }

    /// Whether anything of its members changed since they were looked at.
    pub(super) fn is_behind(&self) -> bool {
        self.entry.state.epoch() != self.looked
    }

    /// Looks at the members again; what to tell when the pool went down or came back.
    pub(super) fn look(&mut self) -> Vec<Report> {
        self.looked = self.entry.state.epoch();
        let serves = |member: &&Member| member.state.rotation() == Rotation::In;
        let members: Vec<&Member> = self.entry.members.iter().filter(serves).collect();
        let starting = |member: &Member| member.state.availability() == Availability::Starting;
        let down = !members.iter().any(|member| is_available(member) || starting(member));
        if std::mem::replace(&mut self.down, down) == down {
            return Vec::new();
        }
        let pool = &self.entry.pool;
        if !down {
            return vec![Report::pool(Kind::PoolUp, &pool.name, "a server is available")];
        }
        let reason = match members.len() {
            0 => "it has no server in rotation".to_owned(),
            count => format!("all of its {count} servers are out"),
        };
        let mut reports = vec![Report::pool(Kind::PoolDown, &pool.name, reason)];
        if pool.when_all_down == WhenAllDown::FailOpen && !members.is_empty() {
            let reason = "when_all_down is \"fail-open\"";
            reports.push(Report::pool(Kind::PoolPanic, &pool.name, reason));
        }
        reports
    }
}

fn is_available(member: &Member) -> bool {
    member.state.availability().is_available()
}

fn ids(entry: &PoolEntry) -> Vec<ServerId> {
    entry.members.iter().map(|member| member.state.id()).collect()
}
