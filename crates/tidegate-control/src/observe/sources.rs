//! What was read from the disk: files as they were, and the patterns that found them.
//!
//! Whoever reads a file takes a stamp of it first, so that a watcher can tell later whether it has
//! changed since without reading it again. A stamp follows symbolic links: one that is swapped,
//! however far away, shows as another file.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::glob;

/// What was read: the files as they were, and the patterns that found them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sources {
    stamps: Stamps,
    patterns: Vec<PathBuf>,
}

/// Files and how they looked; `None`: the file could not be read.
pub(crate) type Stamps = BTreeMap<PathBuf, Option<Stamp>>;

impl Sources {
    /// Reads a file of at most `bytes_max` bytes into `content`, and notes how it looked before.
    pub(crate) fn read(
        &mut self,
        path: &Path,
        bytes_max: u64,
        content: &mut Vec<u8>,
    ) -> io::Result<()> {
        let read = read(path, bytes_max, content);
        self.stamps.insert(path.to_owned(), read.as_ref().ok().copied());
        read.map(drop)
    }

    /// The files that a pattern finds, by name, which it notes.
    pub(crate) fn expand(&mut self, pattern: &Path) -> io::Result<Vec<PathBuf>> {
        self.patterns.push(pattern.to_owned());
        glob::expand(pattern)
    }

    /// Adds what else was read.
    pub(crate) fn join(&mut self, other: Self) {
        self.stamps.extend(other.stamps);
        self.patterns.extend(other.patterns);
    }

    /// How the files looked when they were read.
    pub(crate) const fn stamps(&self) -> &Stamps {
        &self.stamps
    }

    /// How the same files, and all that the patterns find by now, look at present. Blocks on the
    /// disk.
    pub(crate) fn look(&self) -> Stamps {
        let found = self.patterns.iter().filter_map(|pattern| glob::expand(pattern).ok()).flatten();
        let all = self.stamps.keys().cloned().chain(found);
        all.map(|path| (path.clone(), Stamp::of_path(&path))).collect()
    }
}

/// Stamps the open file before it reads, so that a later change shows as another stamp.
fn read(path: &Path, bytes_max: u64, content: &mut Vec<u8>) -> io::Result<Stamp> {
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    // Room for all of it at once: what has to move leaves copies behind.
    content.reserve(usize::try_from(metadata.len().min(bytes_max)).unwrap_or_default() + 1);
    let length = file.take(bytes_max + 1).read_to_end(content)?;
    if length as u64 > bytes_max {
        return Err(io::Error::other(format!("the file is larger than {bytes_max} bytes")));
    }
    Ok(Stamp::of(&metadata))
}

/// What tells one state of a file from another without reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    modified: (i64, i64),
    size: u64,
    inode: u64,
}

impl Stamp {
    fn of(metadata: &fs::Metadata) -> Self {
        let modified = (metadata.mtime(), metadata.mtime_nsec());
        Self { modified, size: metadata.size(), inode: metadata.ino() }
    }

    fn of_path(path: &Path) -> Option<Self> {
        fs::metadata(path).ok().map(|metadata| Self::of(&metadata))
    }
}
