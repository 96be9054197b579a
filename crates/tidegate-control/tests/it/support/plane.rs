//! A data plane that serves nobody: it notes what control asks of it, and refuses when it is told
//! to.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tidegate_control::publish::DataPlane;
use tidegate_core::model::ids::ListenerName;
use tidegate_core::model::node::Config;
use tidegate_core::model::server::Availability;
use tidegate_core::snapshot::Snapshot;
use tidegate_net::tls::contexts::Contexts;

/// What happened, and what is to happen.
#[derive(Default)]
pub(crate) struct Notes {
    /// Each generation that was committed, with the state its servers had at that moment.
    pub(crate) commits: Mutex<Vec<(u64, Vec<Availability>)>>,
    /// What was published when only certificates had changed.
    pub(crate) renewals: Mutex<Vec<Arc<Contexts>>>,
    /// What was published last.
    pub(crate) contexts: Mutex<Option<Arc<Contexts>>>,
    /// Why the next preparations fail.
    pub(crate) refusal: Mutex<Option<String>>,
}

impl Notes {
    pub(crate) fn generations(&self) -> Vec<u64> {
        self.commits.lock().expect("unharmed").iter().map(|(generation, _)| *generation).collect()
    }

    pub(crate) fn last_commit(&self) -> Vec<Availability> {
        self.commits.lock().expect("unharmed").last().expect("committed").1.clone()
    }

    pub(crate) fn refuse(&self, why: Option<&str>) {
        *self.refusal.lock().expect("unharmed") = why.map(str::to_owned);
    }
}

/// The data plane.
pub(crate) struct Plane {
    pub(crate) notes: Arc<Notes>,
    serving: Option<Arc<Snapshot>>,
}

impl Plane {
    pub(crate) const fn new(notes: Arc<Notes>) -> Self {
        Self { notes, serving: None }
    }
}

impl DataPlane for Plane {
    type Prepared = usize;

    fn prepare(&self, config: &Config) -> Result<usize, String> {
        let refusal = self.notes.refusal.lock().expect("unharmed").clone();
        refusal.map_or(Ok(config.listeners.len()), Err)
    }

    fn publish(&mut self, snapshot: Arc<Snapshot>) {
        self.serving = Some(snapshot);
    }

    fn renew(&mut self, contexts: Arc<Contexts>) {
        *self.notes.contexts.lock().expect("unharmed") = Some(Arc::clone(&contexts));
        self.notes.renewals.lock().expect("unharmed").push(contexts);
    }

    fn commit(&mut self, prepared: usize, snapshot: Arc<Snapshot>, contexts: Arc<Contexts>) {
        let encrypted = snapshot.config.listeners.iter().filter(|one| one.tls.is_some());
        assert!(encrypted.map(|one| &one.name).eq(contexts.listeners.keys()), "each has a context");
        *self.notes.contexts.lock().expect("unharmed") = Some(contexts);
        assert_eq!(prepared, snapshot.config.listeners.len(), "what is prepared is committed");
        let members = snapshot.pools.iter().flat_map(|entry| &entry.members);
        let states = members.map(|member| member.state.availability()).collect();
        self.notes.commits.lock().expect("unharmed").push((snapshot.generation, states));
        self.serving = Some(snapshot);
    }

    fn addresses(&self) -> Vec<(ListenerName, SocketAddr)> {
        let listeners = self.serving.iter().flat_map(|snapshot| &snapshot.config.listeners);
        listeners
            .flat_map(|listener| listener.addresses.iter().map(|a| (listener.name.clone(), *a)))
            .collect()
    }
}
