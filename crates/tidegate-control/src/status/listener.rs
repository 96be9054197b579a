//! What people see of a listener.

use serde::Serialize;
use tidegate_core::model::listener::Listener;

use super::certificate::TlsStatus;
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
    /// What it speaks.
    pub protocol: &'static str,
    /// Whom it encrypts for, and how; `None`: it is plain.
    pub tls: Option<TlsStatus>,
    /// The port to which it redirects every request, over https; `None`: requests are routed.
    pub redirect: Option<u16>,
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
        let (scrape, open) = (self.scrape(), self.addresses());
        // Both of one moment: what is configured, and what its files held.
        let accepted = self.shared.accepted.load();
        let status = |listener: &Listener| {
            let totals = scrape.listeners.get(&listener.name).copied().unwrap_or_default();
            let own = open.iter().filter(|(name, _)| *name == listener.name);
            ListenerStatus {
                name: listener.name.to_string(),
                addresses: listener.addresses.iter().map(ToString::to_string).collect(),
                open: own.map(|(_, address)| address.to_string()).collect(),
                protocol: "http",
                tls: TlsStatus::of(listener, &accepted.tls, &self.shared.standings),
                redirect: listener.redirect.map(|port| port.0),
                connections: totals.active,
                accepted: totals.accepted,
                requests: totals.requests,
            }
        };
        accepted.config.listeners.iter().map(status).collect()
    }
}
