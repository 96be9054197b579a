//! What a configuration wants of authorities, and what is there of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use tidegate_core::model::acme::{Acme, CertificateName};
use tidegate_core::model::node::Config;
use tidegate_core::renewal::Validity;
use tidegate_net::tls::challenges::Challenges;
use tidegate_net::tls::client::Client;
use tidegate_net::tls::identity::Identity;

use crate::tls::kept::{Kept, Shelf};
use crate::tls::parts::Tls;

/// What is wanted, where it is kept, and where authorities look for answers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wanted {
    pub(crate) certificates: BTreeMap<CertificateName, Want>,
    pub(crate) shelf: Option<Shelf>,
    pub(crate) challenges: Arc<Challenges>,
}

/// A certificate that is wanted.
#[derive(Clone, Debug)]
pub(crate) struct Want {
    pub(crate) acme: Acme,
    /// How the directory is spoken to.
    pub(crate) directory: Arc<Client>,
    /// Of the certificate that is shown.
    pub(crate) held: Option<Validity>,
}

impl Wanted {
    /// What `config` wants, of which `tls` was made. Of listeners that share a certificate the
    /// first says how it is proved that the hosts are ours.
    pub(crate) fn of(config: &Config, tls: &Tls) -> Self {
        let mut certificates = BTreeMap::new();
        for (listener, asked) in config.acme() {
            let acme = asked.value.clone();
            let parts = tls.listeners.get(&listener.name);
            let Some(parts) = parts.and_then(|parts| parts.acme.as_ref()) else { continue };
            let issued = parts.issued.as_ref().filter(|issued| issued.name == acme.name());
            let held = issued.map(|issued| validity(&issued.shown.identity));
            let directory = Arc::clone(&parts.directory);
            certificates.entry(acme.name()).or_insert(Want { acme, directory, held });
        }
        let shelf = match &tls.kept {
            Kept::On(shelf) => Some(shelf.clone()),
            Kept::Nowhere | Kept::Unable(_) => None,
        };
        Self { certificates, shelf, challenges: Arc::clone(&tls.challenges) }
    }
}

pub(super) fn validity(identity: &Identity) -> Validity {
    Validity { not_before: identity.not_before(), not_after: identity.not_after() }
}
