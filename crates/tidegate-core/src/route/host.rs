//! The first stage of the index: by host.
//!
//! One map for exact hosts, and one for wildcards, which is asked for ever shorter suffixes of the
//! host. The host of a request is in lower case already.

use super::path::{PathBucket, PathIndex};
use super::predicate::Entry;
use super::text_map::TextMap;
use crate::model::route::{HostPattern, PathPattern};

/// Entries by host, then by path.
#[derive(Debug, Default)]
pub(super) struct HostIndex {
    exact: TextMap<PathIndex>,
    /// By suffix, with its leading dot.
    wildcards: TextMap<PathIndex>,
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
                HostPattern::Exact(host) => self.exact.value(host),
                HostPattern::Wildcard(suffix) => self.wildcards.value(suffix),
            };
            index.insert(paths, entry);
        }
    }

    /// Shows the buckets that a host and a path select, the most specific first, until `visit`
    /// answers.
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
                suffixes(host, self.wildcards.longest()).find_map(|suffix| {
                    search(HostBucket::Wildcard(suffix), self.wildcards.get(suffix)?)
                })
            })
            .or_else(|| search(HostBucket::Any, &self.any))
    }
}

/// What follows a label of a host, from the dot on: the longest first, none above `longest` bytes.
fn suffixes(host: &str, longest: usize) -> impl Iterator<Item = &str> {
    // Something must stand before the dot for the star to take.
    let first = host.len().saturating_sub(longest).max(1);
    (first..host.len()).filter(|at| host.as_bytes()[*at] == b'.').map(|dot| &host[dot..])
}

impl HostPattern {
    /// Whether a host, in lower case and without a port, is one of those meant.
    pub(super) fn takes(&self, host: &str) -> bool {
        match self {
            Self::Exact(exact) => exact == host,
            Self::Wildcard(suffix) => {
                host.strip_suffix(suffix.as_str()).is_some_and(|star| !star.is_empty())
            }
        }
    }
}
