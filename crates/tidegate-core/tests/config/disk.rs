//! Files of `tests/data/config`, read as the program would, and goldens that renew themselves.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use tidegate_core::config::load::{Loaded, Source, Text, load};
use tidegate_core::model::node::Config;

/// A directory of the test data; names in diagnostics are relative to it.
pub(crate) struct Disk(pub(crate) PathBuf);

impl Disk {
    /// The directory `tests/data/config/NAME`.
    pub(crate) fn data(name: &str) -> Self {
        Self(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/config").join(name))
    }

    /// The files of the directory with this extension, in order.
    pub(crate) fn list(&self, extension: &str) -> Vec<String> {
        let entries = fs::read_dir(&self.0).expect("the directory is part of the repository");
        let mut names: Vec<_> = entries
            .map(|entry| entry.expect("readable").file_name().into_string().expect("UTF-8"))
            .filter(|name| Path::new(name).extension().is_some_and(|e| e == extension))
            .collect();
        names.sort();
        names
    }

    /// Loads one of its files.
    pub(crate) fn load(&mut self, name: &str) -> Loaded {
        load(Path::new(name), self)
    }
}

impl Source for Disk {
    fn read(&mut self, path: &Path) -> Result<String, String> {
        fs::read_to_string(self.0.join(path)).map_err(|_| "no such file".to_owned())
    }

    fn expand(&mut self, pattern: &Path) -> Result<Vec<PathBuf>, String> {
        let name = pattern.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let Some((before, after)) = name.split_once('*') else {
            return Ok(vec![pattern.to_owned()]);
        };
        let directory = pattern.parent().unwrap_or_else(|| Path::new(""));
        let names = fs::read_dir(self.0.join(directory)).map_err(|_| "no such directory")?;
        let mut paths: Vec<_> = names
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
            .filter(|name| name.starts_with(before) && name.ends_with(after))
            .map(|name| directory.join(name))
            .collect();
        paths.sort();
        Ok(paths)
    }

    fn read_page(&mut self, path: &Path, bytes_max: usize) -> Result<Vec<u8>, String> {
        let file = fs::File::open(self.0.join(path)).map_err(|_| "no such file".to_owned())?;
        let mut bytes = Vec::new();
        let read = file.take(bytes_max as u64 + 1).read_to_end(&mut bytes);
        read.map_err(|error| error.to_string())?;
        Ok(bytes)
    }
}

/// Loads a text.
pub(crate) fn load_text(text: &str) -> Loaded {
    load(Path::new("tidegate.toml"), &mut Text(text))
}

/// The model of a text without mistakes.
#[track_caller]
pub(crate) fn config(text: &str) -> Config {
    let loaded = load_text(text);
    loaded.config.unwrap_or_else(|| panic!("{}", say(&loaded.diagnostics)))
}

/// What is said of a file, a line each.
pub(crate) fn say(diagnostics: &[tidegate_core::config::diagnostic::Diagnostic]) -> String {
    diagnostics.iter().map(|diagnostic| format!("{diagnostic}\n")).collect()
}

/// Holds a text against a golden file, or renews the file when `UPDATE_EXPECT` is set.
#[track_caller]
pub(crate) fn expect(golden: &Path, text: &str) {
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(golden, text).expect("the directory is writable");
        return;
    }
    let expected = fs::read_to_string(golden).unwrap_or_default();
    assert_eq!(text, expected, "{} differs; UPDATE_EXPECT=1 renews it", golden.display());
}
