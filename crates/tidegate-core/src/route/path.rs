//! The second stage of the index: by path.
//!
//! One map for exact paths, one tree of segments for prefixes, one list for all regexes: maps cannot find
//! those, so they are tried one after the other. The path of a request is in its canonical form.

use super::predicate::{Entry, Predicate};
use super::tree::{TextMap, Tree};
use crate::model::route::PathPattern;

/// Entries by path, each list with the most specific first.
#[derive(Debug, Default)]
pub(super) struct PathIndex {
    exact: TextMap<Vec<Entry>>,
    prefixes: Tree<Vec<Entry>>,
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
    /// Adds an entry under each path; an empty list stands for any. Entries must come the most specific first.
    pub(super) fn insert(&mut self, paths: &[PathPattern], entry: &Entry) {
        if paths.is_empty() {
            self.any.push(entry.clone());
        }
        let mut regexes = Vec::new();
        for path in paths {
            match path {
                PathPattern::Exact(path) => {
                    self.exact.entry(path.as_str().into()).or_default().push(entry.clone());
                }
                PathPattern::Prefix(prefix) => {
                    self.prefixes.value(segments(trimmed(prefix))).push(entry.clone());
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
                self.prefixes
                    .deepest_first(segments(path))
                    .find_map(|(length, entries)| visit(PathBucket::Prefix(&path[..length]), entries))
            })
            .or_else(|| visit(PathBucket::Regex, &self.regexes))
            .or_else(|| visit(PathBucket::Any, &self.any))
    }
}

/// The segments of a path that begins with a slash, from the left.
fn segments(path: &str) -> impl Iterator<Item = &str> {
    path.strip_prefix('/').into_iter().flat_map(|segments| segments.split('/'))
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
