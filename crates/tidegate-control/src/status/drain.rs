//! What people see of servers that drain: what is left on each, and until when.

use serde::Serialize;
use tidegate_core::model::ids::{PoolName, ServerName};
use tidegate_core::scale::fleet::instance::Stage;
use tidegate_core::snapshot::Snapshot;

use crate::control::Control;
use crate::overrides::order::Stand;

/// A server that drains.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DrainStatus {
    /// Its pool.
    pub pool: String,
    /// Its name.
    pub server: String,
    /// Requests it is working on.
    pub in_flight: u32,
    /// Sessions that live on it; `None`: its pool has none.
    pub sessions: Option<u32>,
    /// When what is left moves after all, in milliseconds since 1970; `None`: it is waited for.
    pub until: Option<u64>,
}

impl Control {
    /// Servers that drain: those that people drain, then those that the autoscaler does.
    #[must_use]
    pub fn drains(&self) -> Vec<DrainStatus> {
        let snapshot = self.snapshot();
        let mut drains = Vec::new();
        for one in self.overrides().iter().filter(|one| one.state == Stand::Drain) {
            drains.extend(drain(&snapshot, (&one.pool, &one.server), one.until));
        }
        for pool in self.autoscalers() {
            let going = |state: &str| state == Stage::Draining.as_str();
            for one in pool.instances.iter().filter(|one| going(one.state)) {
                drains.extend(drain(&snapshot, (&pool.pool, &one.id), one.until));
            }
        }
        drains
    }
}

fn drain(
    snapshot: &Snapshot,
    (pool, server): (&str, &str),
    until: Option<u64>,
) -> Option<DrainStatus> {
    let entry = snapshot.pool(&PoolName::new(pool))?;
    let name = ServerName::new(server);
    let state = &entry.members.iter().find(|member| member.server.name == name)?.state;
    let (pool, server) = (pool.to_owned(), server.to_owned());
    Some(DrainStatus {
        pool,
        server,
        in_flight: state.in_flight(),
        sessions: state.sessions(),
        until,
    })
}
