//! How certificates stand that authorities are asked for: what people see of it.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use tidegate_core::model::acme::CertificateName;
use tidegate_core::renewal::Failure;
use tidegate_core::time::UnixTime;

use crate::shared::lock;

/// How all of them stand, and how orders went.
#[derive(Debug, Default)]
pub(crate) struct Standings {
    issued: AtomicU64,
    unreached: AtomicU64,
    refused: AtomicU64,
    all: Mutex<BTreeMap<CertificateName, Standing>>,
}

/// How one stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Standing {
    /// When it is asked for next; `None`: it is being asked for.
    pub(crate) next: Option<UnixTime>,
    /// Why the last order failed; `None`: it did not, or there was none.
    pub(crate) failure: Option<String>,
}

impl Standings {
    pub(crate) fn set(&self, name: &CertificateName, standing: Standing) {
        lock(&self.all).insert(name.clone(), standing);
    }

    pub(crate) fn of(&self, name: &CertificateName) -> Standing {
        lock(&self.all).get(name).cloned().unwrap_or_default()
    }

    /// Forgets those that nobody wants any more.
    pub(super) fn retain(&self, wanted: impl Fn(&CertificateName) -> bool) {
        lock(&self.all).retain(|name, _| wanted(name));
    }

    pub(super) fn count_issued(&self) {
        self.issued.fetch_add(1, Relaxed);
    }

    pub(super) fn count_failed(&self, failure: Failure) {
        let count = match failure {
            Failure::Unreached => &self.unreached,
            Failure::Refused => &self.refused,
        };
        count.fetch_add(1, Relaxed);
    }

    /// Orders by how they ended.
    pub(crate) fn orders(&self) -> [(&'static str, u64); 3] {
        let of = |count: &AtomicU64| count.load(Relaxed);
        [
            ("issued", of(&self.issued)),
            ("unreached", of(&self.unreached)),
            ("refused", of(&self.refused)),
        ]
    }
}
