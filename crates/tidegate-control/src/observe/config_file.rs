//! Where the configuration comes from, and the road from there to a checked one.
//!
//! Files are read here and judged in `tidegate_core::config`. Reading also takes a stamp of each
//! file, and notes the patterns of `include`, so that a watcher can tell later whether any of it
//! has changed since. Whoever loads decides what becomes of a refusal; nothing is published here.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tidegate_core::config::diagnostic::Diagnostic;
use tidegate_core::config::load::{self, Source, Text};
use tidegate_core::model::node::Config;

use super::glob;

/// Bytes of one file: a thousand times what people write by hand.
const FILE_BYTES_MAX: u64 = 64 << 20;

/// Where the configuration comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A file, and what it includes.
    File(PathBuf),
    /// A text that somebody made up, as `tidegate proxy` does.
    Text {
        /// What diagnostics call it.
        name: String,
        /// The TOML text.
        text: String,
    },
}

/// A configuration that may be used.
#[derive(Clone, Debug)]
pub struct Accepted {
    /// What it says.
    pub config: Arc<Config>,
    /// Doubts that did not stop it.
    pub warnings: Vec<Diagnostic>,
    /// The whole as TOML, with every default and where each value comes from.
    pub resolved: Arc<str>,
    /// What was read.
    pub sources: Sources,
}

/// A configuration that may not be used.
#[derive(Clone, Debug)]
pub struct Refused {
    /// Every mistake and doubt.
    pub diagnostics: Vec<Diagnostic>,
    /// What was read until then.
    pub sources: Sources,
}

impl Origin {
    /// Reads and checks it. Blocks on the disk.
    ///
    /// # Errors
    /// [`Refused`] when there is at least one mistake.
    pub fn load(&self) -> Result<Accepted, Refused> {
        match self {
            Self::File(path) => {
                let mut disk = Disk::default();
                let loaded = load::load(path, &mut disk);
                judge(loaded, disk.sources)
            }
            Self::Text { name, text } => {
                judge(load::load(Path::new(name), &mut Text(text)), Sources::default())
            }
        }
    }

    /// What diagnostics call it.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::File(path) => path.display().to_string(),
            Self::Text { name, .. } => name.clone(),
        }
    }
}

fn judge(loaded: load::Loaded, sources: Sources) -> Result<Accepted, Refused> {
    // What is refused may have no whole text.
    let resolved = loaded.config.as_ref().map(|_| loaded.resolved()).unwrap_or_default();
    let load::Loaded { config, diagnostics, .. } = loaded;
    let Some(config) = config else { return Err(Refused { diagnostics, sources }) };
    let (config, resolved) = (Arc::new(config), Arc::from(resolved));
    Ok(Accepted { config, warnings: diagnostics, resolved, sources })
}

/// The files of this machine, with notes of what was looked at.
#[derive(Clone, Debug, Default)]
pub struct Disk {
    sources: Sources,
}

impl Source for Disk {
    fn read(&mut self, path: &Path) -> Result<String, String> {
        let text = read(path);
        let stamp = text.as_ref().ok().map(|(stamp, _)| *stamp);
        self.sources.stamps.insert(path.to_owned(), stamp);
        text.map(|(_, text)| text).map_err(|error| error.to_string())
    }

    fn expand(&mut self, pattern: &Path) -> Result<Vec<PathBuf>, String> {
        self.sources.patterns.push(pattern.to_owned());
        glob::expand(pattern).map_err(|error| error.to_string())
    }

    fn read_page(&mut self, path: &Path, bytes_max: usize) -> Result<Vec<u8>, String> {
        let page = read_page(path, bytes_max);
        let stamp = page.as_ref().ok().map(|(stamp, _)| *stamp);
        self.sources.stamps.insert(path.to_owned(), stamp);
        page.map(|(_, bytes)| bytes).map_err(|error| error.to_string())
    }
}

/// Stamps the open file before it reads, so that a later change shows as another stamp.
fn read(path: &Path) -> io::Result<(Stamp, String)> {
    let file = File::open(path)?;
    let stamp = Stamp::of(&file.metadata()?);
    let mut text = String::new();
    let length = file.take(FILE_BYTES_MAX + 1).read_to_string(&mut text)?;
    if length as u64 > FILE_BYTES_MAX {
        return Err(io::Error::other("the file is larger than 64 MiB"));
    }
    Ok((stamp, text))
}

/// Reads no further than it has to: what is longer is refused by its length.
fn read_page(path: &Path, bytes_max: usize) -> io::Result<(Stamp, Vec<u8>)> {
    let file = File::open(path)?;
    let stamp = Stamp::of(&file.metadata()?);
    let mut bytes = Vec::new();
    file.take(bytes_max as u64 + 1).read_to_end(&mut bytes)?;
    Ok((stamp, bytes))
}

/// What a configuration was read from: the files as they were, and the patterns that found them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sources {
    stamps: Stamps,
    patterns: Vec<PathBuf>,
}

/// Files and how they looked; `None`: the file could not be read.
pub(crate) type Stamps = BTreeMap<PathBuf, Option<Stamp>>;

impl Sources {
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
