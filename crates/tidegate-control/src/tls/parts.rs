//! What TLS of a configuration consists of.
//!
//! Contexts are what the data plane uses; beside them stands what they were made of, so that one
//! part can be made again without the others, and people can see what is shown to clients.

use std::collections::BTreeMap;
use std::sync::Arc;

use tidegate_core::config::diagnostic::Diagnostic;
use tidegate_core::model::acme::CertificateName;
use tidegate_core::model::ids::{ListenerName, PoolName};
use tidegate_core::model::node::Config;
use tidegate_net::geo::Countries;
use tidegate_net::seal::Keyring;
use tidegate_net::tls::challenges::Challenges;
use tidegate_net::tls::client::Client;
use tidegate_net::tls::contexts::Contexts;
use tidegate_net::tls::identity::Identity;
use tidegate_net::tls::roots::Roots;
use tidegate_net::tls::server::{ClientAuth, Server};
use tidegate_net::tls::tickets::Tickets;

use super::kept::Kept;
use super::keys::Made;
use crate::observe::sources::Sources;

/// All of TLS that a configuration asks for, and what its files held.
#[derive(Clone, Debug, Default)]
pub struct Tls {
    /// What the data plane uses.
    pub contexts: Arc<Contexts>,
    /// Doubts that do not stop it.
    pub warnings: Vec<Diagnostic>,
    /// Where certificates are kept that authorities issued.
    pub(crate) kept: Kept,
    /// The keys of cookies that are of our own.
    pub(super) made: Made,
    /// What cookies are sealed with.
    pub(super) keys: Arc<Keyring>,
    /// In which country addresses are.
    pub(super) countries: Option<Arc<Countries>>,
    /// What authorities are told that check who holds a name; one table as long as we live.
    pub(crate) challenges: Arc<Challenges>,
    pub(crate) sources: Sources,
    pub(crate) listeners: BTreeMap<ListenerName, ListenerParts>,
    pub(crate) pools: BTreeMap<PoolName, PoolParts>,
}

/// What the context of a listener is made of.
#[derive(Clone, Debug)]
pub(crate) struct ListenerParts {
    /// As the configuration lists them.
    pub(crate) certificates: Vec<Shown>,
    /// What an authority is asked for.
    pub(crate) acme: Option<AcmeParts>,
    pub(crate) client_auth: ClientAuth,
    pub(super) tickets: Tickets,
    pub(super) context: Arc<Server>,
}

/// What a listener has of an authority.
#[derive(Clone, Debug)]
pub(crate) struct AcmeParts {
    pub(super) roots: Roots,
    /// How its directory is spoken to.
    pub(crate) directory: Arc<Client>,
    /// What it issued, if it did.
    pub(crate) issued: Option<Issued>,
}

/// A certificate that an authority issued.
#[derive(Clone, Debug)]
pub(crate) struct Issued {
    /// What it was asked for. While a configuration asks for another, this one is shown on.
    pub(crate) name: CertificateName,
    pub(crate) shown: Shown,
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
        Contexts {
            listeners: listeners.collect(),
            pools: pools.collect(),
            keys: Arc::clone(&self.keys),
            countries: self.countries.clone(),
            challenges: Arc::clone(&self.challenges),
        }
    }

    /// Why cookies are sealed with keys that end with this process; `None`: they do not.
    pub(crate) const fn lacks_keys(&self) -> Option<&str> {
        match &self.made {
            Made::Unable(_, why) => Some(why.as_str()),
            Made::Nowhere | Made::There(_) => None,
        }
    }

    /// Whether what cookies of `config` are sealed with is known here: a file that is only looked
    /// at has no keys but those that it names.
    pub(crate) const fn knows_keys(&self, config: &Config) -> bool {
        !config.keys.signing.is_empty() || !matches!(self.made, Made::Nowhere)
    }

    /// The same, with a place for what `config` asks authorities for, and with the keys that it
    /// needs and does not name. Blocks on the disk.
    pub(crate) fn keeping(&self, config: &Config) -> Self {
        let kept = match &self.kept {
            Kept::Nowhere | Kept::Unable(_) if config.acme().next().is_some() => {
                Kept::open(config.runtime.state.as_deref())
            }
            kept => kept.clone(),
        };
        let made = match &self.made {
            Made::Nowhere | Made::Unable(..) if config.makes_keys() => {
                Made::open(config.runtime.state.as_deref())
            }
            made => made.clone(),
        };
        Self { kept, made, ..self.clone() }
    }
}
