//! The repository as the checks see it: every path, and the text of what they read.
//!
//! It is read once, before any check, so a check is a function from a tree to offences and its
//! tests write the tree they need. Build output and what fuzzing leaves behind are not part of it.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

/// Directories that hold no source of ours, at any depth or as a path from the root.
const IGNORED: &[&str] =
    &["target", ".git", "vendor/h2", "fuzz/artifacts", "fuzz/coverage", "node_modules", ".venv"];
/// The kinds of file whose text is read.
const READ: &[&str] = &["rs", "md", "toml"];

/// All files by their path from the root, `/` between names; text only for what checks read.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    files: BTreeMap<String, Option<String>>,
}

impl Tree {
    /// Reads the repository at `root`.
    pub(crate) fn read(root: &Path) -> Result<Self> {
        let mut tree = Self::default();
        tree.read_directory(root, "")?;
        Ok(tree)
    }

    fn read_directory(&mut self, root: &Path, directory: &str) -> Result<()> {
        let path = root.join(directory);
        for entry in fs::read_dir(&path).with_context(|| format!("cannot list {path:?}"))? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let path =
                if directory.is_empty() { name.clone() } else { format!("{directory}/{name}") };
            if IGNORED.contains(&name.as_str()) || IGNORED.contains(&path.as_str()) {
                continue;
            }
            let kind = entry.file_type()?;
            if kind.is_dir() {
                self.read_directory(root, &path)?;
            } else if kind.is_file() {
                let text = read_text(&entry.path(), &path)?;
                self.files.insert(path, text);
            }
        }
        Ok(())
    }

    /// A tree made of these files, for tests.
    #[cfg(test)]
    pub(crate) fn of(files: &[(&str, &str)]) -> Self {
        let files = files.iter().map(|&(path, text)| (path.to_owned(), Some(text.to_owned())));
        Self { files: files.collect() }
    }

    /// Whether there is a file at `path`.
    pub(crate) fn has(&self, path: &str) -> bool {
        self.files.contains_key(path)
    }

    /// Whether there is a file anywhere below `directory`.
    pub(crate) fn has_below(&self, directory: &str) -> bool {
        self.paths().any(|path| below(path, directory).is_some())
    }

    /// The text of the file at `path`, if it is of a kind that is read.
    pub(crate) fn text(&self, path: &str) -> Option<&str> {
        self.files.get(path)?.as_deref()
    }

    /// All paths, in order.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &str> {
        self.files.keys().map(String::as_str)
    }

    /// Path and text of all files that are read, in order.
    pub(crate) fn texts(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files.iter().filter_map(|(path, text)| Some((path.as_str(), text.as_deref()?)))
    }

    /// Path and text of the Rust files below any of `directories`.
    pub(crate) fn rust<'a>(
        &'a self,
        directories: &'a [&str],
    ) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.texts().filter(|(path, _)| {
            let inside = directories.iter().any(|directory| below(path, directory).is_some());
            inside && extension(path) == "rs"
        })
    }
}

fn read_text(file: &Path, path: &str) -> Result<Option<String>> {
    // A fuzz corpus is input, whatever its files are called.
    if !READ.contains(&extension(path)) || below(path, "fuzz/corpus").is_some() {
        return Ok(None);
    }
    fs::read_to_string(file).map(Some).with_context(|| format!("cannot read {path}"))
}

/// The rest of `path` below `directory`.
pub(crate) fn below<'a>(path: &'a str, directory: &str) -> Option<&'a str> {
    path.strip_prefix(directory)?.strip_prefix('/')
}

/// The directory of `path`, without its last name; empty at the root.
pub(crate) fn directory(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(directory, _)| directory)
}

/// The last name of `path`.
pub(crate) fn name(path: &str) -> &str {
    path.rsplit_once('/').map_or(path, |(_, name)| name)
}

/// What follows the last dot of `path`.
pub(crate) fn extension(path: &str) -> &str {
    name(path).rsplit_once('.').map_or("", |(_, extension)| extension)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_a_path_are_found() {
        for (path, expected) in [
            ("a/b/c.rs", ("a/b", "c.rs", "rs")),
            ("c.toml", ("", "c.toml", "toml")),
            ("a/run", ("a", "run", "")),
        ] {
            assert_eq!((directory(path), name(path), extension(path)), expected, "{path}");
        }
        assert_eq!(below("crates/a/b.rs", "crates"), Some("a/b.rs"));
        assert_eq!(below("crates-old/a", "crates"), None);
    }

    #[test]
    fn the_rust_files_of_a_directory_are_those_below_it() {
        let tree = Tree::of(&[("a/x.rs", "1"), ("a/x.md", "2"), ("ab/y.rs", "3"), ("b/z.rs", "4")]);
        let found: Vec<_> = tree.rust(&["a", "b"]).collect();
        assert_eq!(found, [("a/x.rs", "1"), ("b/z.rs", "4")]);
        assert!(tree.has_below("ab") && !tree.has_below("c"));
    }

    #[test]
    fn this_repository_is_read_without_its_build_output() {
        let tree = Tree::read(&crate::workspace::root()).expect("the repository can be read");
        assert!(tree.text("Cargo.toml").is_some_and(|text| text.contains("[workspace]")));
        assert!(tree.has("Cargo.lock") && tree.text("Cargo.lock").is_none());
        assert!(!tree.has_below("target") && !tree.has_below(".git"));
    }
}
