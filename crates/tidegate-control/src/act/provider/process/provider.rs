//! The provider: what runs, and what is done about it.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tidegate_core::model::ids::PoolName;
use tidegate_core::model::provider::{OnExit, Process};
use tidegate_core::scale::fleet::id::InstanceId;
use tidegate_core::scale::fleet::provider::{Condition, Launched, Listed, ProviderFailure};
use tidegate_net::state::StateDirectory;
use tidegate_net::{clock, task};
use tokio::process::Child;
use tokio::sync::mpsc;

use super::super::contract::{Order, Provider, Usage};
use super::family::{self, Family, Handle, families};
use super::limit::{Groups, Limit};
use super::mark::{Mark, Owner};
use super::table::{self, ProcessId};
use super::usage::Meter;
use super::{launch, log, note};

/// How often what is left after a kill is killed again: what forks meanwhile is found then.
const KILLS_MAX: usize = 50;

/// How long the kernel may take to end what was killed.
const KILLED_WITHIN: Duration = Duration::from_secs(1);

/// Starts and stops the instances of one pool as children.
#[derive(Clone)]
pub struct ProcessProvider(Arc<Shared>);

struct Shared {
    settings: Process,
    owner: Owner,
    notes: StateDirectory,
    groups: Option<Groups>,
    ends: mpsc::Sender<InstanceId>,
    known: Mutex<BTreeMap<InstanceId, Known>>,
    meter: Mutex<Meter>,
    /// Held while an instance is started, so that a port is given out once. Whether what ran before
    /// has been looked for.
    starting: tokio::sync::Mutex<Acquainted>,
}

/// Whether what ran before us has been looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Acquainted {
    No,
    Yes,
}

/// An instance that runs.
#[derive(Clone, Debug)]
struct Known {
    mark: Mark,
    leader: ProcessId,
    condition: Condition,
}

impl fmt::Debug for ProcessProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProcessProvider").field("owner", &self.0.owner).finish_non_exhaustive()
    }
}

impl ProcessProvider {
    /// A provider for a pool. What it has to remember is kept in a directory that no other pool
    /// uses; `ends` is told of instances that end by themselves.
    #[must_use]
    pub fn new(
        pool: &PoolName,
        settings: Process,
        notes: StateDirectory,
        ends: mpsc::Sender<InstanceId>,
    ) -> Self {
        let state = notes.path("").canonicalize().unwrap_or_else(|_| notes.path(""));
        let state = OsString::from(state);
        let limit = Limit { cpus: settings.cpus, memory: settings.memory };
        let groups = if limit.is_none() { None } else { groups(pool) };
        let owner = Owner { pool: pool.as_str().to_owned(), state };
        Self(Arc::new(Shared {
            settings,
            owner,
            notes,
            groups,
            ends,
            known: Mutex::default(),
            meter: Mutex::default(),
            starting: tokio::sync::Mutex::new(Acquainted::No),
        }))
    }
}

/// Where limits can be enforced.
fn groups(pool: &PoolName) -> Option<Groups> {
    match Groups::find() {
        Ok(groups) => Some(groups),
        Err(error) => {
            tracing::warn!(%pool, %error, "limits of CPU and memory are not enforced");
            None
        }
    }
}

impl Provider for ProcessProvider {
    async fn list(&self) -> Result<Vec<Listed>, ProviderFailure> {
        let mut acquainted = self.0.starting.lock().await;
        self.look().await?;
        *acquainted = Acquainted::Yes;
        drop(acquainted);
        let known = self.0.known();
        Ok(known.values().map(Known::listed).collect())
    }

    async fn start(&self, order: &Order) -> Result<Launched, ProviderFailure> {
        let mut acquainted = self.0.starting.lock().await;
        if *acquainted == Acquainted::No {
            self.look().await?;
            *acquainted = Acquainted::Yes;
        }
        if let Some(known) = self.0.known().get(&order.id) {
            return Ok(Launched { address: Some(known.address()) });
        }
        self.launch(order)
    }

    async fn stop(&self, id: &InstanceId) -> Result<(), ProviderFailure> {
        if let Some(known) = self.0.known().get_mut(id) {
            known.condition = Condition::Stopping;
        }
        let within = self.0.settings.stop_timeout;
        let mut next = (Signal::TERM, within);
        for _ in 0..KILLS_MAX {
            let Some(handles) = self.handles(id).await? else {
                self.forget(id);
                return Ok(());
            };
            let (signal, within) = std::mem::replace(&mut next, (Signal::KILL, KILLED_WITHIN));
            handles.iter().for_each(|handle| handle.signal(signal));
            family::ended(&handles, within).await;
        }
        Err(ProviderFailure::Broken("some of its processes cannot be killed".to_owned()))
    }

    async fn usage(&self) -> BTreeMap<InstanceId, Usage> {
        let families = self.families().await.unwrap_or_default();
        let mut meter = self.0.meter.lock().unwrap_or_else(PoisonError::into_inner);
        meter.read(&families, &self.0.settings, clock::now())
    }

    async fn close(&self) {
        if self.0.settings.on_exit == OnExit::Keep {
            return;
        }
        let ids: Vec<InstanceId> = self.0.known().keys().cloned().collect();
        let stop = |id: InstanceId| {
            let provider = self.clone();
            task::spawn("stop an instance", async move { provider.stop(&id).await })
        };
        let stops: Vec<_> = ids.into_iter().map(stop).collect();
        for stop in stops {
            // A panic was counted; a failure means that there is nothing more to be done.
            let _ = stop.await;
        }
    }
}

impl ProcessProvider {
    /// Looks at all processes: takes in what is ours, and forgets what is gone.
    async fn look(&self) -> Result<(), ProviderFailure> {
        let provider = self.clone();
        let noted = tokio::task::spawn_blocking(move || note::read_all(&provider.0.notes));
        for (mark, leader) in noted.await.unwrap_or_default() {
            self.adopt(mark, leader);
        }
        let families = self.families().await?;
        for family in families.values() {
            if let (Some(mark), Some(leader)) = (family.mark.clone(), family.leader()) {
                self.adopt(mark, leader);
            }
        }
        let is_absent = |id: &&InstanceId| !families.contains_key(*id);
        let gone: Vec<InstanceId> = self.0.known().keys().filter(is_absent).cloned().collect();
        for id in gone {
            self.finish(&id).await;
        }
        if let Some(logs) = &self.0.settings.logs {
            families.keys().for_each(|id| log::bound(logs, id));
        }
        Ok(())
    }

    /// The processes of all instances.
    async fn families(&self) -> Result<BTreeMap<InstanceId, Family>, ProviderFailure> {
        let (owner, leaders) = (self.0.owner.clone(), self.0.leaders());
        let looked = tokio::task::spawn_blocking(move || families(&owner, &leaders)).await;
        let looked = looked.unwrap_or_else(|panic| Err(io::Error::other(panic)));
        looked.map_err(|error| ProviderFailure::Broken(format!("processes are hidden: {error}")))
    }

    /// The processes of one instance; `None`: there are none. Some that are there may not be held.
    async fn handles(&self, id: &InstanceId) -> Result<Option<Vec<Handle>>, ProviderFailure> {
        Ok(self.families().await?.remove(id).map(|family| family.handles()))
    }

    fn launch(&self, order: &Order) -> Result<Launched, ProviderFailure> {
        let shared = &self.0;
        let taken: BTreeSet<u16> = shared.known().values().map(|known| known.mark.port).collect();
        let port = launch::port(shared.settings.ports, &taken)?;
        let mark = Mark { id: order.id.clone(), template: order.template, port };
        let child = launch::spawn(&shared.settings, &mark, &shared.owner)
            .map_err(|error| launch::failure(&error))?;
        let Some(number) = child.id().and_then(|id| i32::try_from(id).ok()) else {
            return Err(ProviderFailure::Refused("it has no number".to_owned()));
        };
        // It is not reaped before its watch, so its number is its own until then; one that has
        // ended already has no start to be told by, and needs none.
        let process = table::process(number).ok().flatten();
        let start = process.map_or(0, |process| process.id.start);
        let leader = ProcessId { start, number };
        shared.limit(&order.id, leader);
        note::write(&shared.notes, &mark, leader);
        let known = Known { mark, leader, condition: Condition::Running };
        let launched = Launched { address: Some(known.address()) };
        shared.known().insert(order.id.clone(), known);
        self.watch(order.id.clone(), leader, Some(child));
        Ok(launched)
    }

    /// Begins to know of an instance that was found.
    fn adopt(&self, mark: Mark, leader: ProcessId) {
        let id = mark.id.clone();
        if self.0.known().contains_key(&id) {
            return;
        }
        note::write(&self.0.notes, &mark, leader);
        let known = Known { mark, leader, condition: Condition::Running };
        self.0.known().insert(id.clone(), known);
        self.watch(id, leader, None);
    }

    /// Waits for the end of an instance, whose it may be.
    fn watch(&self, id: InstanceId, leader: ProcessId, child: Option<Child>) {
        let provider = self.clone();
        task::spawn("watch an instance", async move {
            let ended = match Handle::open(leader) {
                Some(handle) => handle.ended().await,
                None => Err(io::Error::from(io::ErrorKind::NotFound)),
            };
            if let Some(mut child) = child {
                // Before it is reaped, its number and that of its group are nobody else's.
                if let (Ok(()), Some(group)) = (&ended, Pid::from_raw(leader.number)) {
                    let _ = kill_process_group(group, Signal::KILL);
                }
                // How it ended does not matter.
                let _ = child.wait().await;
            } else if ended.is_err() && !is_gone(leader) {
                // It could not be watched; the next inventory looks again.
                return;
            }
            provider.finish(&id).await;
        });
    }

    /// The process that was started has ended: nothing of the instance stays.
    async fn finish(&self, id: &InstanceId) {
        // What cannot be found now is found by the next inventory.
        let handles = self.handles(id).await.ok().flatten().unwrap_or_default();
        handles.iter().for_each(|handle| handle.signal(Signal::KILL));
        family::ended(&handles, KILLED_WITHIN).await;
        let ended = self.forget(id).map(|known| known.condition);
        if ended == Some(Condition::Running) {
            // Nobody listens any more when the balancer ends.
            let _ = self.0.ends.send(id.clone()).await;
        }
    }

    fn forget(&self, id: &InstanceId) -> Option<Known> {
        note::remove(&self.0.notes, id);
        if let Some(groups) = &self.0.groups {
            groups.remove(id);
        }
        self.0.known().remove(id)
    }
}

/// Whether a process is certainly not there any more.
fn is_gone(id: ProcessId) -> bool {
    table::process(id.number).is_ok_and(|found| found.is_none_or(|found| found.id != id))
}

impl Shared {
    fn known(&self) -> MutexGuard<'_, BTreeMap<InstanceId, Known>> {
        // Each change is one insertion or removal: a panic leaves nothing half done.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn leaders(&self) -> BTreeMap<InstanceId, ProcessId> {
        self.known().iter().map(|(id, known)| (id.clone(), known.leader)).collect()
    }

    fn limit(&self, id: &InstanceId, leader: ProcessId) {
        let limit = Limit { cpus: self.settings.cpus, memory: self.settings.memory };
        let Some(groups) = &self.groups else { return };
        if let Err(error) = groups.limit(id, limit, leader.number.unsigned_abs()) {
            tracing::warn!(%error, instance = %id, "the limits of an instance are not enforced");
        }
    }
}

impl Known {
    fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.mark.port).into()
    }

    fn listed(&self) -> Listed {
        Listed {
            id: self.mark.id.clone(),
            address: Some(self.address()),
            condition: self.condition,
            template: Some(self.mark.template),
        }
    }
}
