//! The first stage of the index: by host.
//!
//! One map for exact hosts, and one tree of labels, read from the right, for wildcards. The host of a request
//! is in lower case already.

use super::path::{PathBucket, PathIndex};
use super::predicate::Entry;
use super::tree::{TextMap, Tree};
use crate::model::route::{HostPattern, PathPattern};

/// Entries by host, then by path.
#[derive(Debug, Default)]
pub(super) struct HostIndex {
    exact: TextMap<PathIndex>,
    wildcards: Tree<PathIndex>,
    any: PathIndex,
}

/// What of a host selected a bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HostBucket<'a> {
    /// The whole host.
    Exact(&'a str),
    /// This suffix of it, with its leading dot.
    Wildcard(&'a str),
    /// Nothing: any host would do.
    Any,
}

impl HostIndex {
    /// Adds an entry under every combination of host and path; an empty list stands for any.
    pub(super) fn insert(&mut self, hosts: &[HostPattern], paths: &[PathPattern], entry: &Entry) {
        if hosts.is_empty() {
            self.any.insert(paths, entry);
        }
        for host in hosts {
            let index = match host {
                HostPattern::Exact(host) => self.exact.entry(host.as_str().into()).or_default(),
                HostPattern::Wildcard(suffix) => self.wildcards.value(labels(suffix)),
            };
            index.insert(paths, entry);
        }
    }

    /// Shows the buckets that a host and a path select, the most specific first, until `visit` answers.
    pub(super) fn visit<'a, T>(
        &'a self,
        host: &'a str,
        path: &'a str,
        visit: &mut impl FnMut(HostBucket<'a>, PathBucket<'a>, &'a [Entry]) -> Option<T>,
    ) -> Option<T> {
        let mut search = |host, index: &'a PathIndex| {
            index.visit(path, &mut |path, entries| visit(host, path, entries))
        };
        let exact = self.exact.get(host);
        exact
            .and_then(|index| search(HostBucket::Exact(host), index))
            .or_else(|| {
                self.wildcards.deepest_first(labels(domain(host))).find_map(|(length, index)| {
                    search(HostBucket::Wildcard(&host[host.len() - length..]), index)
                })
            })
            .or_else(|| search(HostBucket::Any, &self.any))
    }
}

/// What a wildcard may cover of a host: all after its first label, with the leading dot.
fn domain(host: &str) -> &str {
    match host.find('.') {
        // No label stands before the first dot, so nothing is left that a star could be.
        None | Some(0) => "",
        Some(dot) => &host[dot..],
    }
}

/// The labels of a suffix that begins with a dot, from the right.
fn labels(suffix: &str) -> impl Iterator<Item = &str> {
    suffix.strip_prefix('.').into_iter().flat_map(|labels| labels.rsplit('.'))
}

impl HostPattern {
    /// Whether a host, in lower case and without a port, is one of those meant.
    pub(super) fn takes(&self, host: &str) -> bool {
        match self {
            Self::Exact(exact) => exact == host,
            Self::Wildcard(suffix) => domain(host).ends_with(suffix.as_str()),
        }
    }
}
