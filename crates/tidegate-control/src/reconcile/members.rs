//! Instances that come and go while the configuration stays: another snapshot of it is published.

use std::sync::Arc;

use tidegate_core::snapshot::Circumstances;
use tidegate_core::time::Instant;

use super::Loop;
use super::step::{Step, configured};
use crate::publish::DataPlane;

impl<P: DataPlane> Loop<P> {
    /// What changes while the configuration stays, as it is now.
    pub(super) fn circumstances(&self) -> Circumstances {
        Circumstances { instances: self.scalers.instances().clone(), divisions: Vec::new() }
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
}
