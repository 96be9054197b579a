//! Instances that come and go, and users who are divided otherwise, while the configuration stays:
//! another snapshot of it is published.

use std::sync::Arc;

use tidegate_core::snapshot::{Circumstances, Snapshot};
use tidegate_core::time::Instant;

use super::Loop;
use super::step::{Step, configured};
use crate::publish::DataPlane;

impl<P: DataPlane> Loop<P> {
    /// What changes while the configuration stays, as it is now.
    pub(super) fn circumstances(&self) -> Circumstances {
        let (instances, divisions) = (self.scalers.instances().clone(), self.releases.divisions());
        Circumstances { instances, divisions }
    }

    /// Lets the autoscalers do what is due, and serves the members that they say.
    ///
    /// A configuration that is being probed was compiled with the members of that moment: what
    /// changes meanwhile waits for it, which takes no longer than one probe may.
    pub(super) fn scale(&mut self, now: Instant) {
        let served = self.shared.snapshot.load_full();
        self.members_due |= self.scalers.handle_timeout(&served, now);
        if !self.members_due || matches!(self.step, Step::Probing(_)) {
            return;
        }
        self.members_due = false;
        let (config, found) = (Arc::clone(&served.config), self.circumstances());
        let snapshot = self.compiler.compile(config, &found, &served, now);
        self.scalers.rotate(&snapshot, now);
        let contexts = Arc::clone(&self.shared.accepted.load().tls.contexts);
        self.keeper.admit(&snapshot, &contexts, now);
        self.plane.publish(Arc::clone(&snapshot));
        self.shared.snapshot.store(Arc::clone(&snapshot));
        self.keeper.settle(&snapshot, &contexts, now);
        self.shared.registry.retain(&configured(&snapshot));
    }

    /// Lets the rollouts do what is due, and divides users as they say.
    ///
    /// That waits for nothing: a configuration that is being probed is divided anew as well.
    pub(super) fn release(&mut self, now: Instant) {
        let served = self.shared.snapshot.load_full();
        if self.releases.handle_timeout(&served, &mut self.scalers, now) {
            self.divide(&served, now);
        }
        self.releases.answer();
    }

    fn divide(&mut self, served: &Snapshot, now: Instant) {
        let is_first = matches!(&self.step, Step::Probing(it) if it.asked.is_start());
        if !is_first {
            let snapshot = self.divided(served, now);
            self.plane.publish(Arc::clone(&snapshot));
            self.shared.snapshot.store(snapshot);
        }
        let probed = match &self.step {
            Step::Probing(probing) => Arc::clone(&probing.snapshot),
            _ => return,
        };
        let divided = self.divided(&probed, now);
        if let Step::Probing(probing) = &mut self.step {
            probing.snapshot = divided;
        }
    }

    /// The same servers, with users divided as they are now.
    fn divided(&mut self, snapshot: &Snapshot, now: Instant) -> Arc<Snapshot> {
        let instances = snapshot.pools.iter().map(|entry| {
            let servers = entry.pool.servers.get(entry.listed..).unwrap_or_default();
            (entry.pool.name.clone(), servers.to_vec())
        });
        let divisions = self.releases.divisions();
        let found = Circumstances { instances: instances.collect(), divisions };
        self.compiler.compile(Arc::clone(&snapshot.config), &found, snapshot, now)
    }
}
