//! What people see of a listener.

use serde::Serialize;

use crate::control::Control;

/// A listener.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ListenerStatus {
    /// Its name.
    pub name: String,
    /// Where it is configured to listen.
    pub addresses: Vec<String>,
    /// Where it does listen, port 0 resolved.
    pub open: Vec<String>,
    /// Client connections open now.
    pub connections: u64,
    /// Client connections taken in since the start.
    pub accepted: u64,
    /// Requests whose head was read whole.
    pub requests: u64,
}

impl Control {
    /// All listeners, by name.
    #[must_use]
    pub fn listeners(&self) -> Vec<ListenerStatus> {
        let (snapshot, scrape, open) = (self.snapshot(), self.scrape(), self.addresses());
        let status = |listener: &tidegate_core::model::listener::Listener| {
            let totals = scrape.listeners.get(&listener.name).copied().unwrap_or_default();
            let own = open.iter().filter(|(name, _)| *name == listener.name);
            ListenerStatus {
                name: listener.name.to_string(),
                addresses: listener.addresses.iter().map(ToString::to_string).collect(),
                open: own.map(|(_, address)| address.to_string()).collect(),
                connections: totals.active,
                accepted: totals.accepted,
                requests: totals.requests,
            }
        };
        snapshot.config.listeners.iter().map(status).collect()
    }
}
