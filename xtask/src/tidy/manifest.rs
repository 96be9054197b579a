//! What the checks want to know of a `Cargo.toml`: name, dependencies, targets, each with its line.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// One `Cargo.toml`.
#[derive(Debug)]
pub(super) struct Manifest<'a> {
    text: &'a str,
    table: DeTable<'a>,
}

/// One line of a dependency table.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Dependency {
    /// The package, whatever name it is given here.
    pub(super) package: String,
    pub(super) purpose: Purpose,
    pub(super) line: usize,
}

/// What a dependency is there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// The crate itself, or its build script.
    Normal,
    /// Tests and benches.
    Test,
}

impl<'a> Manifest<'a> {
    /// Reads `text`; a manifest that is not TOML is cargo's to refuse, and `None` here.
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        Some(Self { text, table: DeTable::parse(text).ok()?.into_inner() })
    }

    /// `package.name`; a virtual manifest has none.
    pub(super) fn name(&self) -> Option<&str> {
        string(table(&self.table, "package")?, "name")
    }

    /// All dependencies, those of single platforms included.
    pub(super) fn dependencies(&self) -> Vec<Dependency> {
        let mut found = self.dependencies_of(&self.table);
        if let Some(platforms) = table(&self.table, "target") {
            for platform in platforms.values().filter_map(|value| value.as_ref().as_table()) {
                found.extend(self.dependencies_of(platform));
            }
        }
        found
    }

    fn dependencies_of(&self, from: &DeTable<'_>) -> Vec<Dependency> {
        let mut found = Vec::new();
        for (key, purpose) in [
            ("dependencies", Purpose::Normal),
            ("build-dependencies", Purpose::Normal),
            ("dev-dependencies", Purpose::Test),
        ] {
            for (name, value) in table(from, key).into_iter().flatten() {
                let renamed = value.as_ref().as_table().and_then(|table| string(table, "package"));
                found.push(Dependency {
                    package: renamed.unwrap_or(name.as_ref()).to_owned(),
                    purpose,
                    line: line_of(self.text, name.span().start),
                });
            }
        }
        found
    }

    /// Name and path of the entries of `[[kind]]`, with their lines.
    pub(super) fn targets(&self, kind: &str) -> Vec<(Option<&str>, Option<&str>, usize)> {
        let Some(list) = self.table.get(kind).and_then(|value| value.as_ref().as_array()) else {
            return Vec::new();
        };
        list.iter()
            .filter_map(|entry| {
                let line = line_of(self.text, entry.span().start);
                let table = entry.as_ref().as_table()?;
                Some((string(table, "name"), string(table, "path"), line))
            })
            .collect()
    }

    /// `lib.path`.
    pub(super) fn lib_path(&self) -> Option<&str> {
        string(table(&self.table, "lib")?, "path")
    }
}

fn table<'t, 'a>(from: &'t DeTable<'a>, key: &str) -> Option<&'t DeTable<'a>> {
    from.get(key)?.as_ref().as_table()
}

fn string<'t>(from: &'t DeTable<'_>, key: &str) -> Option<&'t str> {
    let value: &Spanned<DeValue<'_>> = from.get(key)?;
    value.as_ref().as_str()
}

/// The line of the byte at `offset`.
fn line_of(text: &str, offset: usize) -> usize {
    1 + text.as_bytes()[..offset.min(text.len())].iter().filter(|&&byte| byte == b'\n').count()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"[package]
name = "tidegate-net"
[dependencies]
libc = "0.2"
core = { package = "tidegate-core", path = "x" }
[target.'cfg(unix)'.dependencies]
rustix.workspace = true
[dev-dependencies]
tidegate-sim.workspace = true
[lib]
path = "src/net.rs"
[[bin]]
name = "one"
path = "src/one.rs"
[[bin]]
name = "two"
"#;

    #[test]
    fn dependencies_are_found_by_package_with_purpose_and_line() {
        let manifest = Manifest::parse(TEXT).expect("it is TOML");
        assert_eq!(manifest.name(), Some("tidegate-net"));
        let found = manifest.dependencies();
        let mut found: Vec<_> =
            found.iter().map(|d| (d.line, d.package.as_str(), d.purpose)).collect();
        found.sort_by_key(|&(line, ..)| line);
        assert_eq!(
            found,
            [
                (4, "libc", Purpose::Normal),
                (5, "tidegate-core", Purpose::Normal),
                (7, "rustix", Purpose::Normal),
                (9, "tidegate-sim", Purpose::Test),
            ]
        );
    }

    #[test]
    fn targets_are_found_with_their_paths() {
        let manifest = Manifest::parse(TEXT).expect("it is TOML");
        assert_eq!(manifest.lib_path(), Some("src/net.rs"));
        let bins: Vec<_> =
            manifest.targets("bin").into_iter().map(|(name, path, _)| (name, path)).collect();
        assert_eq!(bins, [(Some("one"), Some("src/one.rs")), (Some("two"), None)]);
        assert_eq!(manifest.targets("bench"), []);
    }

    #[test]
    fn what_is_not_toml_is_no_manifest() {
        assert!(Manifest::parse("[package").is_none());
    }
}
