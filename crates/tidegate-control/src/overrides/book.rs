//! What is in force for servers against their configuration: kept on the disk, then written into
//! the state that both planes share.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tidegate_core::model::ids::{PoolName, ServerName};
use tidegate_core::model::ratio::Weight;
use tidegate_core::model::server::{Member, Rotation};
use tidegate_core::snapshot::{PoolEntry, Snapshot};
use tidegate_core::time::{Duration, Instant, UnixTime};
use tidegate_net::clock;
use tidegate_net::state::{Claim, StateDirectory, candidates};

use super::order::{Change, Order, OrderError, Override, Stand, WeightAsked};
use crate::events::{Kind, Report};
use crate::shared::{Shared, lock};

/// The directory of what is kept, within the state directory.
const DIRECTORY: &str = "overrides";
const FILE: &str = "servers.json";
/// What one process at a time holds.
const CLAIM: &str = "lock";
/// How often it is looked whether a drain is over.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// A server, by pool and name.
type Key = (String, String);

/// What is in force.
pub(crate) struct Book {
    shared: Arc<Shared>,
    overrides: BTreeMap<Key, Override>,
    /// Servers that drain and of which it was told that they have nothing left.
    emptied: BTreeSet<Key>,
    state: Option<State>,
    due: Instant,
}

/// Where it is kept.
struct State {
    directory: StateDirectory,
    _claim: Claim,
}

impl Book {
    /// What was kept before, if anything was and no other balancer has it.
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        let mut book = Self {
            shared,
            overrides: BTreeMap::new(),
            emptied: BTreeSet::new(),
            state: None,
            due: Instant::ZERO,
        };
        let configured = book.shared.first.runtime.state.as_deref();
        if candidates(configured).iter().any(|state| state.join(DIRECTORY).join(FILE).exists())
            && let Err(error) = book.recall()
        {
            tracing::warn!(error, "what was asked of servers by hand is forgotten");
        }
        book
    }

    fn recall(&mut self) -> Result<(), String> {
        let text = self.open()?.directory.read(FILE).map_err(|error| error.to_string())?;
        let kept: Vec<Override> =
            serde_json::from_slice(&text.unwrap_or_default()).map_err(|error| error.to_string())?;
        let key = |kept: &Override| (kept.pool.clone(), kept.server.clone());
        self.overrides = kept.into_iter().map(|kept| (key(&kept), kept)).collect();
        Ok(())
    }

    /// The place where it is kept, which is this process's alone.
    fn open(&mut self) -> Result<&State, String> {
        if self.state.is_none() {
            let opened = StateDirectory::open(self.shared.first.runtime.state.as_deref());
            let directory = opened.and_then(|state| state.within(DIRECTORY));
            let directory = directory.map_err(|error| format!("state directory: {error}"))?;
            let claim = directory.claim(CLAIM).map_err(|e| format!("state directory: {e}"))?;
            let taken = || "another balancer keeps its own in this state directory".to_owned();
            self.state = Some(State { _claim: claim.ok_or_else(taken)?, directory });
        }
        self.state.as_ref().ok_or_else(String::new)
    }

    /// Takes an order, keeps it, and lets it take effect.
    pub(crate) fn order(
        &mut self,
        order: &Order,
        by: &str,
        snapshot: &Snapshot,
        now: Instant,
    ) -> Result<(), OrderError> {
        let mut overrides = self.overrides.clone();
        match order {
            Order::Clear => overrides.clear(),
            Order::Server { pool, server, change } => {
                check(snapshot, (pool, server), change)?;
                let key = (pool.to_string(), server.to_string());
                let changed = amend(overrides.remove(&key), key.clone(), (change, by));
                if !changed.is_nothing() {
                    overrides.insert(key, changed);
                }
            }
        }
        self.keep(overrides).map_err(OrderError::Kept)?;
        self.apply(snapshot, now);
        self.tell(order, by);
        Ok(())
    }

    fn tell(&self, order: &Order, by: &str) {
        let reason = format!("asked by {by}");
        self.shared.events.emit(match order {
            Order::Clear => Report::node(Kind::ServerSteered, "servers are as configured", reason),
            Order::Server { pool, server, change } => {
                Report::steered((pool, server), change, reason)
            }
        });
    }

    /// Follows a configuration that is about to serve: what was asked of servers that are gone is
    /// forgotten, so that it does not meet one of that name years later.
    pub(crate) fn settle(&mut self, snapshot: &Snapshot, now: Instant) {
        let is_there = |(pool, server): &Key| {
            find(snapshot, &PoolName::new(pool), &ServerName::new(server)).is_some()
        };
        let (stay, gone): (BTreeMap<_, _>, BTreeMap<_, _>) =
            self.overrides.clone().into_iter().partition(|(key, _)| is_there(key));
        if !gone.is_empty() {
            for (pool, server) in gone.keys() {
                let names = (&PoolName::new(pool), &ServerName::new(server));
                let reason = "the configuration has it no more";
                let report = Report::steered(names, "has nothing asked of it any more", reason);
                self.shared.events.emit(report);
            }
            if let Err(error) = self.keep(stay) {
                tracing::warn!(error, "what was asked of servers that are gone is still kept");
            }
        }
        self.apply(snapshot, now);
    }

    /// When to call [`Book::handle_timeout`].
    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        self.draining().next().map(|_| self.due)
    }

    /// Looks after those that drain: tells when one has nothing left, and ends what has a time.
    pub(crate) fn handle_timeout(&mut self, snapshot: &Snapshot, now: Instant) {
        if now < self.due {
            return;
        }
        self.due = now + LOOK_EVERY;
        let at = clock::unix_time();
        let draining: Vec<Override> = self.draining().cloned().collect();
        for one in draining {
            let names = (&PoolName::new(&one.pool), &ServerName::new(&one.server));
            let Some(member) = find(snapshot, names.0, names.1) else { continue };
            let sessions = member.state.sessions().unwrap_or_default();
            let key = (one.pool.clone(), one.server.clone());
            if one.until.is_some_and(|until| until <= at.as_millis()) {
                self.end_drain(key, snapshot, now);
                let left = format!("its time is over, and {sessions} sessions are left");
                self.shared.events.emit(Report::steered(names, "is in maintenance", left));
            } else if sessions == 0 && member.state.in_flight() == 0 && self.emptied.insert(key) {
                let reason = "it has no request and no session left";
                self.shared.events.emit(Report::steered(names, "has drained", reason));
            }
        }
    }

    fn draining(&self) -> impl Iterator<Item = &Override> {
        self.overrides.values().filter(|one| one.state == Stand::Drain)
    }

    fn end_drain(&mut self, key: Key, snapshot: &Snapshot, now: Instant) {
        let mut overrides = self.overrides.clone();
        if let Some(one) = overrides.get_mut(&key) {
            (one.state, one.until) = (Stand::Maintenance, None);
        }
        if let Err(error) = self.keep(overrides.clone()) {
            // It is over all the same, and would be over again after a restart.
            tracing::warn!(error, "the end of a drain cannot be kept");
            self.overrides = overrides;
        }
        self.apply(snapshot, now);
    }

    /// Brings what is to be in force to the disk, and then has it in force.
    fn keep(&mut self, overrides: BTreeMap<Key, Override>) -> Result<(), String> {
        let list: Vec<&Override> = overrides.values().collect();
        let text = serde_json::to_vec_pretty(&list).map_err(|error| error.to_string())?;
        let kept = self.open()?.directory.write(FILE, &text);
        kept.map_err(|error| error.to_string())?;
        self.overrides = overrides;
        Ok(())
    }

    /// Writes what is in force into the state that both planes share.
    fn apply(&mut self, snapshot: &Snapshot, now: Instant) {
        for entry in &snapshot.pools {
            if self.apply_to(entry, now) {
                entry.state.advance();
            }
        }
        self.emptied
            .retain(|key| self.overrides.get(key).is_some_and(|one| one.state == Stand::Drain));
        drop(std::mem::replace(
            &mut *lock(&self.shared.overrides),
            self.overrides.values().cloned().collect(),
        ));
    }

    /// Whether it changed anything of a pool.
    fn apply_to(&self, entry: &PoolEntry, now: Instant) -> bool {
        let mut changed = false;
        for Member { server, state } in entry.members.iter().take(entry.listed) {
            let key = (entry.pool.name.to_string(), server.name.to_string());
            let asked = self.overrides.get(&key);
            let (rotation, weight) = (state.rotation(), state.weight());
            let wanted = asked.map_or(Rotation::In, |asked| asked.state.rotation());
            if (rotation, wanted) == (Rotation::Leaving, Rotation::In) {
                // Its users have gone elsewhere: it begins like one that joins.
                state.set_joined(now);
            }
            state.set_rotation(wanted);
            state.ask_weight(asked.and_then(|asked| Weight::new(asked.weight?)));
            changed |= rotation != wanted || weight != state.weight();
        }
        changed
    }
}

/// A listed server.
fn find<'a>(snapshot: &'a Snapshot, pool: &PoolName, server: &ServerName) -> Option<&'a Member> {
    let entry = snapshot.pool(pool)?;
    entry.members.iter().take(entry.listed).find(|member| member.server.name == *server)
}

fn check(
    snapshot: &Snapshot,
    (pool, server): (&PoolName, &ServerName),
    change: &Change,
) -> Result<(), OrderError> {
    let drains = change.stand == Some(Stand::Drain);
    let asks = change.stand.is_some() || change.weight.is_some();
    if !asks || change.within.is_some_and(|within| !drains || within.is_zero()) {
        return Err(OrderError::Senseless);
    }
    let entry = snapshot.pool(pool).ok_or(OrderError::NoServer)?;
    let place = entry.members.iter().position(|member| member.server.name == *server);
    match place.ok_or(OrderError::NoServer)? {
        place if place < entry.listed => Ok(()),
        _ => Err(OrderError::Instance),
    }
}

/// What is in force for a server after a change.
fn amend(before: Option<Override>, (pool, server): Key, (change, by): (&Change, &str)) -> Override {
    let at = clock::unix_time();
    let (state, until, weight) =
        before.map_or((Stand::Ready, None, None), |it| (it.state, it.until, it.weight));
    let (state, until) = match change.stand {
        Some(stand) => (stand, change.within.map(|within| after(at, within))),
        None => (state, until),
    };
    let weight = match change.weight {
        Some(WeightAsked::Of(weight)) => Some(weight.value()),
        Some(WeightAsked::Configured) => None,
        None => weight,
    };
    Override { pool, server, state, until, weight, by: by.to_owned(), at: at.as_millis() }
}

fn after(at: UnixTime, time: Duration) -> u64 {
    at.as_millis().saturating_add(u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
}
