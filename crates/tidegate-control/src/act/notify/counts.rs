//! How webhooks went: what people see of it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};

use crate::shared::lock;

/// How all of them went since the start, by where their URLs are kept.
#[derive(Debug, Default)]
pub(crate) struct Tallies(Mutex<BTreeMap<String, Arc<Tally>>>);

/// How one went.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) sent: AtomicU64,
    pub(super) retried: AtomicU64,
    pub(super) failed: AtomicU64,
    pub(super) dropped: AtomicU64,
}

/// How a webhook went.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NotifyCounts {
    /// Where its URL is kept.
    pub webhook: String,
    /// Events that it took.
    pub sent: u64,
    /// Tries after the first.
    pub retried: u64,
    /// Events that it did not take.
    pub failed: u64,
    /// Events that were not sent, because it was too far behind.
    pub dropped: u64,
}

impl Tallies {
    /// The tally of one.
    pub(super) fn of(&self, webhook: &str) -> Arc<Tally> {
        Arc::clone(lock(&self.0).entry(webhook.to_owned()).or_default())
    }

    /// Forgets those that are configured no more.
    pub(super) fn retain(&self, is_wanted: impl Fn(&str) -> bool) {
        lock(&self.0).retain(|webhook, _| is_wanted(webhook));
    }

    /// All of them.
    pub(crate) fn all(&self) -> Vec<NotifyCounts> {
        let all = lock(&self.0);
        let counts = all.iter().map(|(webhook, tally)| NotifyCounts {
            webhook: webhook.clone(),
            sent: tally.sent.load(Relaxed),
            retried: tally.retried.load(Relaxed),
            failed: tally.failed.load(Relaxed),
            dropped: tally.dropped.load(Relaxed),
        });
        counts.collect()
    }
}
