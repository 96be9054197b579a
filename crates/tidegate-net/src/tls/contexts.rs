//! What belongs to a snapshot and is made of files: TLS contexts, the keys of cookies, countries.
//! Built by the control plane, used by the data plane.

use std::collections::HashMap;
use std::sync::Arc;

use tidegate_core::model::ids::{ListenerName, PoolName};

use super::challenges::Challenges;
use super::client::Client;
use super::server::Server;
use crate::geo::Countries;
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
    /// In which country addresses are.
    pub countries: Option<Arc<Countries>>,
    /// What authorities are told that check who holds a name; of all contexts there are.
    pub challenges: Arc<Challenges>,
}
