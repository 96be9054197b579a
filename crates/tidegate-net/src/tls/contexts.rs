//! What belongs to a snapshot and is made of secrets: TLS contexts and the keys of cookies. Built by
//! the control plane, used by the data plane.

use std::collections::HashMap;
use std::sync::Arc;

use tidegate_core::model::ids::{ListenerName, PoolName};

use super::challenges::Challenges;
use super::client::Client;
use super::server::Server;
use crate::seal::Keyring;

/// Contexts by name. A listener or pool without one speaks in the clear.
#[derive(Clone, Debug, Default)]
pub struct Contexts {
    /// What listeners show to clients.
    pub listeners: HashMap<ListenerName, Arc<Server>>,
    /// How the servers of pools are spoken to.
    pub pools: HashMap<PoolName, Arc<Client>>,
    /// What cookies are sealed with.
    pub keys: Arc<Keyring>,
    /// What authorities are told that check who holds a name; of all contexts there are.
    pub challenges: Arc<Challenges>,
}
