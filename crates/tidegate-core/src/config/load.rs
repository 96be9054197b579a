//! The road from files to a checked configuration.

use std::path::{Path, PathBuf};

use super::diagnostic::Diagnostic;
use crate::model::node::Config;

/// Where configuration text comes from: the disk, an API call, a test.
pub trait Source {
    /// The whole text of a file; the error is a sentence for people, without the path.
    fn read(&mut self, path: &Path) -> Result<String, String>;
    /// The files that a pattern with `*` and `?` matches, in order of name; a pattern without either is a file.
    fn expand(&mut self, pattern: &Path) -> Result<Vec<PathBuf>, String>;
}

/// One text without files around it.
#[derive(Clone, Copy, Debug)]
pub struct Text<'a>(pub &'a str);

impl Source for Text<'_> {
    fn read(&mut self, _path: &Path) -> Result<String, String> {
        Ok(self.0.to_owned())
    }

    fn expand(&mut self, _pattern: &Path) -> Result<Vec<PathBuf>, String> {
        Err("a text without a file includes nothing".to_owned())
    }
}

/// What came of loading.
#[derive(Debug)]
pub struct Loaded {
    /// The configuration, when nothing stops.
    pub config: Option<Config>,
    /// Every mistake and doubt, by file, line and column.
    pub diagnostics: Vec<Diagnostic>,
    /// The files that were read, the root first: what a watcher watches.
    pub files: Vec<PathBuf>,
}

impl Loaded {
    /// The whole configuration as TOML, with every default, each value followed by where it comes from.
    #[must_use]
    pub fn resolved(&self) -> String {
        String::new()
    }
}

/// Loads a configuration from `root` and the files that it includes.
pub fn load(root: &Path, source: &mut dyn Source) -> Loaded {
    let _ = source.read(root);
    Loaded { config: None, diagnostics: Vec::new(), files: vec![root.to_owned()] }
}
