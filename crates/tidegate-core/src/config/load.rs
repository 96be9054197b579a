//! The road from files to a checked configuration: read, parse, hold against the keys, join,
//! complete, check.
//!
//! Every step goes on after a mistake, so that one run reports them all; a configuration comes out
//! only if there was none. What a text may hold and what it means is decided elsewhere; this file
//! only walks the road.

use std::path::{Path, PathBuf};

use super::check::whole;
use super::diagnostic::{Diagnostic, is_clean};
use super::keys::root::ROOT;
use super::position::{At, FILE_BYTES_MAX, Files};
use super::raw::complete::{self, Place};
use super::raw::report::{Mistake, Report};
use super::raw::tree::{self, Data, Table};
use super::raw::{merge, parse, shape};
use super::resolved;
use crate::model::node::Config;
use crate::model::written::Place as Written;

/// Where configuration text comes from: the disk, an API call, a test.
pub trait Source {
    /// The whole text of a file.
    ///
    /// # Errors
    /// A sentence for people, without the path, when there is no such file or it is not text.
    fn read(&mut self, path: &Path) -> Result<String, String>;

    /// The files that a pattern with `*` and `?` in its last part matches, in order of name. A
    /// pattern without either is a file, whether it exists or not; a pattern that matches nothing
    /// is an empty list.
    ///
    /// # Errors
    /// A sentence for people, without the pattern, when the directory cannot be listed.
    fn expand(&mut self, pattern: &Path) -> Result<Vec<PathBuf>, String>;

    /// A whole file that is served as it is; at most a byte more than `bytes_max` need be read of
    /// it.
    ///
    /// # Errors
    /// A sentence for people, without the path, when there is no such file.
    fn read_page(&mut self, path: &Path, bytes_max: usize) -> Result<Vec<u8>, String>;
}

/// One text without files around it.
#[derive(Clone, Copy, Debug)]
pub struct Text<'a>(pub &'a str);

impl Source for Text<'_> {
    fn read(&mut self, _path: &Path) -> Result<String, String> {
        Ok(self.0.to_owned())
    }

    fn expand(&mut self, _pattern: &Path) -> Result<Vec<PathBuf>, String> {
        Err("there are no files to include here".to_owned())
    }

    fn read_page(&mut self, _path: &Path, _bytes_max: usize) -> Result<Vec<u8>, String> {
        Err("there are no files here".to_owned())
    }
}

/// What came of loading.
#[derive(Debug)]
pub struct Loaded {
    /// The configuration, when nothing stops.
    pub config: Option<Config>,
    /// Every mistake and doubt, by file (in order of reading), line and column.
    pub diagnostics: Vec<Diagnostic>,
    /// The files that were read, the root first: what a watcher watches.
    pub files: Vec<PathBuf>,
    tree: Table,
    positions: Files,
}

impl Loaded {
    /// The whole configuration as TOML: every key with its value or default, each followed by where
    /// it comes from.
    ///
    /// Loading the text gives the same configuration. Values that are mistakes are left out.
    #[must_use]
    pub fn resolved(&self) -> String {
        resolved::print(&self.tree, &self.positions)
    }

    /// Where a key is written, or the last of those around it that is.
    #[must_use]
    pub fn place(&self, keys: &[&str]) -> Written {
        let mut at = self.positions.at(0, 0);
        let mut table = Some(&self.tree);
        for key in keys {
            let Some(entry) = table.and_then(|table| table.entry(key)) else { break };
            at = entry.key.unwrap_or(at);
            table = entry.value.table();
        }
        self.positions.written(at, &keys.join("."))
    }
}

/// Loads a configuration from `root` and the files that it includes.
pub fn load(root: &Path, source: &mut dyn Source) -> Loaded {
    let mut road = Road { files: Files::default(), report: Report::default(), source };
    let mut tree = road.gather(root);
    let Road { files, mut report, source } = road;
    merge::inherit(&mut tree);
    let start = files.at(0, 0);
    let place = Place { path: &tree::Path::ROOT, at: start, object: "", around: None };
    complete::table(&ROOT, &mut tree, place, &mut report);
    let config = whole::config(&tree, &files, &mut report, source);
    let diagnostics = report.into_diagnostics(&files);
    debug_assert!(
        config.is_some() || !is_clean(&diagnostics),
        "a configuration is refused for a reason that is told"
    );
    Loaded {
        config: config.filter(|_| is_clean(&diagnostics)),
        diagnostics,
        files: files.paths(),
        tree,
        positions: files,
    }
}

/// Files one includes at most.
const FILES_MAX: usize = 10_000;

struct Road<'a> {
    files: Files,
    report: Report,
    source: &'a mut dyn Source,
}

impl Road<'_> {
    /// Reads the root and what it includes into one tree.
    fn gather(&mut self, root: &Path) -> Table {
        let mut tree = match self.read(root) {
            Ok(text) => self.take(root, text),
            Err(why) => {
                let file = self.files.add(root, String::new());
                let mistake = Mistake::new(self.files.at(file, 0), &tree::Path::ROOT, why);
                self.report.add(mistake.expected("a readable file"));
                Table::default()
            }
        };
        for (pattern, at) in self.includes(&tree) {
            self.include(&pattern, at, &mut tree);
        }
        tree
    }

    fn take(&mut self, path: &Path, text: String) -> Table {
        let file = self.files.add(path, text);
        let mut tree = parse::parse(&self.files, file, &mut self.report);
        shape::table(&ROOT, &mut tree, &tree::Path::ROOT, &mut self.report);
        tree
    }

    /// The patterns that the root includes, and where.
    fn includes(&self, tree: &Table) -> Vec<(PathBuf, At)> {
        let Some(include) = tree.value("include") else { return Vec::new() };
        let items = match &include.data {
            Data::List(items) => items.as_slice(),
            _ => std::slice::from_ref(include),
        };
        let pattern = |item: &tree::Value| {
            let at = item.at()?;
            Some((self.files.directory().join(item.text()?), at))
        };
        items.iter().filter_map(pattern).collect()
    }

    fn include(&mut self, pattern: &Path, at: At, tree: &mut Table) {
        let key = tree::Path::ROOT.key("include");
        let paths = self.source.expand(pattern).unwrap_or_else(|why| {
            let message = format!("{}: {why}", pattern.display());
            self.report.add(Mistake::new(at, &key, message).expected("files that can be listed"));
            Vec::new()
        });
        for path in paths {
            // Patterns may overlap, and may match the root itself.
            if self.files.holds(&path) {
                continue;
            }
            match self.read(&path) {
                Ok(text) => self.join(&path, text, tree),
                Err(why) => {
                    let message = format!("{}: {why}", path.display());
                    self.report.add(Mistake::new(at, &key, message).expected("readable files"));
                }
            }
        }
    }

    fn join(&mut self, path: &Path, text: String, whole: &mut Table) {
        let mut tree = self.take(path, text);
        if let Some(at) = tree.remove("include").and_then(|include| include.key) {
            let key = tree::Path::ROOT.key("include");
            let mistake = Mistake::new(at, &key, "an included file cannot include");
            self.report.add(mistake.expected("`include` in the main file alone"));
        }
        merge::include(whole, tree, &self.files, &mut self.report);
    }

    fn read(&mut self, path: &Path) -> Result<String, String> {
        if self.files.count() >= FILES_MAX {
            return Err(format!("more than {FILES_MAX} files"));
        }
        let text = self.source.read(path)?;
        if text.len() > FILE_BYTES_MAX {
            return Err(format!("longer than {}", super::text::size::print(FILE_BYTES_MAX as u64)));
        }
        Ok(text)
    }
}
