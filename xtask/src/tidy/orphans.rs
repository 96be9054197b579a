//! No source file lies beside its crate, compiled by nobody.

use super::modules::reached;
use super::offence::Offence;
use super::tree::{Tree, below};

pub(crate) fn check(tree: &Tree) -> Vec<Offence> {
    let packages = tree.paths().filter_map(|path| path.strip_suffix("/Cargo.toml"));
    let mut offences = Vec::new();
    for package in packages {
        let source = format!("{package}/src");
        let reached = reached(tree, package);
        let orphans = tree.paths().filter(|path| {
            let inside = below(path, &source).is_some() && path.ends_with(".rs");
            inside && !reached.contains_key(*path)
        });
        offences.extend(orphans.map(|path| {
            let message = format!("no `mod` leads here from {source}: declare it or delete it");
            Offence::new(path, 1, "orphan", message)
        }));
    }
    offences
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_a_declaration_is_an_orphan() {
        let tree = Tree::of(&[
            ("crates/a/Cargo.toml", "[package]\nname = \"a\""),
            ("crates/a/src/lib.rs", "mod one; // mod two;"),
            ("crates/a/src/one.rs", ""),
            ("crates/a/src/two.rs", ""),
            ("crates/a/src/one/three.rs", ""),
            ("crates/a/tests/it/four.rs", ""),
        ]);
        let found = check(&tree);
        let found: Vec<&str> = found.iter().map(|offence| offence.path.as_str()).collect();
        assert_eq!(found, ["crates/a/src/one/three.rs", "crates/a/src/two.rs"]);
    }
}
