//! A value with the place where it is written, for what only shows when the value is used: a file
//! that is missing, a key that does not belong to its certificate.
//!
//! Where something is written makes no other configuration of it: two of these are equal if their
//! values are, and only the value is shown.

use std::fmt;
use std::sync::Arc;

/// A value and where it is written.
#[derive(Clone)]
pub struct Written<T> {
    /// The value.
    pub value: T,
    /// Where it is written.
    pub place: Place,
}

/// A place in the configuration. Lines and columns count from 1; columns count characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file, as it was named to whoever read it.
    pub file: Arc<str>,
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
    /// The key, dotted.
    pub key: Arc<str>,
}

impl<T: PartialEq> PartialEq for Written<T> {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl<T: Eq> Eq for Written<T> {}

impl<T: fmt::Debug> fmt::Debug for Written<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value.fmt(f)
    }
}
