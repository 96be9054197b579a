//! The orders of the shop, shared by all its servers as a database would be.
//!
//! An order is an empty file that has the order's key for a name. The file system creates a name
//! once, however many processes try, and keeps it when one of them is killed: that is all the demo
//! needs of a database.

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::PathBuf;

/// Where orders are written down.
#[derive(Clone, Debug)]
pub(crate) struct Book(PathBuf);

/// What came of writing an order down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Entry {
    /// It is new.
    New,
    /// It stood there before: somebody asked again because the first answer got lost.
    Known,
}

impl Book {
    /// The book in this directory, which must exist.
    pub(crate) const fn new(directory: PathBuf) -> Self {
        Self(directory)
    }

    /// Writes an order down, once for each key. The key must be [`is_key`].
    pub(super) fn enter(&self, key: &str) -> io::Result<Entry> {
        debug_assert!(is_key(key), "a key names a file");
        match File::create_new(self.0.join(key)) {
            Ok(_) => Ok(Entry::New),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(Entry::Known),
            Err(error) => Err(error),
        }
    }

    /// How many orders there are.
    pub(super) fn len(&self) -> io::Result<u64> {
        fs::read_dir(&self.0)?.try_fold(0, |count, entry| entry.map(|_| count + 1))
    }
}

/// Whether a text may be the key of an order: 1 to 64 letters, digits or `-`.
pub(super) fn is_key(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_a_plain_word() {
        for (text, expected) in
            [("a-1", true), ("", false), ("../x", false), ("a b", false), ("a.", false)]
        {
            assert_eq!(is_key(text), expected, "{text:?}");
        }
        assert!(is_key(&"k".repeat(64)) && !is_key(&"k".repeat(65)));
    }
}
