//! What TLS of a configuration consists of.
//!
//! Contexts are what the data plane uses; beside them stands what they were made of, so that one
//! part can be made again without the others, and people can see what is shown to clients.

use std::collections::BTreeMap;
use std::sync::Arc;

use tidegate_core::config::diagnostic::Diagnostic;
use tidegate_core::model::ids::{ListenerName, PoolName};
use tidegate_net::tls::client::Client;
use tidegate_net::tls::contexts::Contexts;
use tidegate_net::tls::identity::Identity;
use tidegate_net::tls::roots::Roots;
use tidegate_net::tls::server::{ClientAuth, Server};
use tidegate_net::tls::tickets::Tickets;

use crate::observe::sources::Sources;

/// All of TLS that a configuration asks for, and what its files held.
#[derive(Clone, Debug, Default)]
pub struct Tls {
    /// What the data plane uses.
    pub contexts: Arc<Contexts>,
    /// Doubts that do not stop it.
    pub warnings: Vec<Diagnostic>,
    pub(crate) sources: Sources,
    pub(crate) listeners: BTreeMap<ListenerName, ListenerParts>,
    pub(crate) pools: BTreeMap<PoolName, PoolParts>,
}

/// What the context of a listener is made of.
#[derive(Clone, Debug)]
pub(crate) struct ListenerParts {
    /// As the configuration lists them.
    pub(crate) certificates: Vec<Shown>,
    pub(crate) client_auth: ClientAuth,
    pub(super) tickets: Tickets,
    pub(super) context: Arc<Server>,
}

/// What the context of a pool is made of.
#[derive(Clone, Debug)]
pub(crate) struct PoolParts {
    pub(crate) identity: Option<Shown>,
    pub(crate) roots: Roots,
    pub(super) context: Arc<Client>,
}

/// Who we are to peers.
#[derive(Clone, Debug)]
pub(crate) struct Shown {
    pub(crate) identity: Arc<Identity>,
    /// What is stapled.
    pub(crate) ocsp: Option<Vec<u8>>,
}

impl Tls {
    /// The contexts that the parts hold.
    pub(super) fn gather(&self) -> Contexts {
        let listeners = self.listeners.iter();
        let listeners = listeners.map(|(name, parts)| (name.clone(), Arc::clone(&parts.context)));
        let pools = self.pools.iter();
        let pools = pools.map(|(name, parts)| (name.clone(), Arc::clone(&parts.context)));
        Contexts { listeners: listeners.collect(), pools: pools.collect() }
    }
}
