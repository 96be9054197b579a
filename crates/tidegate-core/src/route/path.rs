//! The second stage of the index: by path.
//!
//! One map for exact paths, and one for prefixes, which is asked for ever fewer segments of the
//! path. Regexes are one list: maps cannot find those, so they are tried one after the other. The
//! path of a request is in its canonical form.

use super::predicate::{Entry, Predicate};
use super::text_map::TextMap;
use crate::model::route::PathPattern;

/// Entries by path, each list with the most specific first.
#[derive(Debug, Default)]
pub(super) struct PathIndex {
    exact: TextMap<Vec<Entry>>,
    /// Without a trailing slash; the root is empty.
    prefixes: TextMap<Vec<Entry>>,
    regexes: Vec<Entry>,
    any: Vec<Entry>,
}

/// What of a path selected a bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PathBucket<'a> {
    /// The whole path.
    Exact(&'a str),
    /// These leading segments of it, without a trailing slash.
    Prefix(&'a str),
    /// Nothing yet: its entries hold the regexes.
    Regex,
    /// Nothing: any path would do.
    Any,
}

impl PathIndex {
    /// Adds an entry under each path; an empty list stands for any. Entries must come the most
    /// specific first.
    pub(super) fn insert(&mut self, paths: &[PathPattern], entry: &Entry) {
        if paths.is_empty() {
            self.any.push(entry.clone());
        }
        let mut regexes = Vec::new();
        for path in paths {
            match path {
                PathPattern::Exact(path) => self.exact.value(path).push(entry.clone()),
                PathPattern::Prefix(prefix) => {
                    self.prefixes.value(trimmed(prefix)).push(entry.clone());
                }
                PathPattern::Regex(_) => regexes.push(path.clone()),
            }
        }
        if !regexes.is_empty() {
            self.regexes.push(entry.after(Predicate::Path(regexes)));
        }
    }

    /// Shows the buckets that a path selects, the most specific first, until `visit` answers.
    pub(super) fn visit<'a, T>(
        &'a self,
        path: &'a str,
        visit: &mut impl FnMut(PathBucket<'a>, &'a [Entry]) -> Option<T>,
    ) -> Option<T> {
        let exact = self.exact.get(path);
        exact
            .and_then(|entries| visit(PathBucket::Exact(path), entries))
            .or_else(|| {
                prefixes(path, self.prefixes.longest()).find_map(|prefix| {
                    visit(PathBucket::Prefix(prefix), self.prefixes.get(prefix)?)
                })
            })
            .or_else(|| visit(PathBucket::Regex, &self.regexes))
            .or_else(|| visit(PathBucket::Any, &self.any))
    }
}

/// The leading segments of a path: all first, then ever fewer, none above `longest` bytes. The
/// asterisk form is no path, so not even the root is a prefix of it.
fn prefixes(path: &str, longest: usize) -> impl Iterator<Item = &str> {
    let ends = |at: &usize| path.as_bytes().get(*at).is_none_or(|byte| *byte == b'/');
    (0..=longest.min(path.len())).rev().filter(ends).map(|end| &path[..end])
}

/// A prefix without its trailing slash; the root is empty.
fn trimmed(prefix: &str) -> &str {
    prefix.strip_suffix('/').unwrap_or(prefix)
}

impl PathPattern {
    /// Whether a canonical path is one of those meant.
    pub(super) fn takes(&self, path: &str) -> bool {
        match self {
            Self::Exact(exact) => exact == path,
            Self::Prefix(prefix) => path
                .strip_prefix(trimmed(prefix))
                .is_some_and(|rest| rest.starts_with('/') || rest.is_empty() && !path.is_empty()),
            Self::Regex(regex) => regex.is_match(path),
        }
    }
}
