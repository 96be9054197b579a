//! Every fuzz target is declared, written, and has a corpus that ordinary tests can replay.

use super::manifest::Manifest;
use super::offence::Offence;
use super::tree::{Tree, below};

const RULE: &str = "fuzz-target";
const MANIFEST: &str = "fuzz/Cargo.toml";
const TARGETS: &str = "fuzz/fuzz_targets";

pub(crate) fn check(tree: &Tree) -> Vec<Offence> {
    let manifest = tree.text(MANIFEST).and_then(Manifest::parse);
    let targets = manifest.as_ref().map(|manifest| manifest.targets("bin")).unwrap_or_default();
    let mut offences = Vec::new();
    let mut declared = Vec::new();
    for (name, path, line) in targets {
        let Some(name) = name else { continue };
        let path = path.map_or_else(|| format!("src/bin/{name}.rs"), str::to_owned);
        let file = format!("fuzz/{path}");
        if !tree.has(&file) {
            let message = format!("target `{name}` has no file {file}");
            offences.push(Offence::new(MANIFEST, line, RULE, message));
        }
        if !tree.has_below(&format!("fuzz/corpus/{name}")) {
            let message = format!("target `{name}` has no corpus in fuzz/corpus/{name}");
            offences.push(Offence::new(MANIFEST, line, RULE, message));
        }
        declared.push(file);
    }
    let strays = tree.paths().filter(|path| {
        let is_target = below(path, TARGETS).is_some_and(|rest| rest.ends_with(".rs"));
        is_target && !declared.iter().any(|file| file == path)
    });
    offences.extend(strays.map(|path| {
        Offence::new(path, 1, RULE, format!("{MANIFEST} declares no target for this file"))
    }));
    offences
}

#[cfg(test)]
mod tests {
    use super::*;

    const DECLARED: (&str, &str) =
        (MANIFEST, "[[bin]]\nname = \"head\"\npath = \"fuzz_targets/head.rs\"\n");
    const FILE: (&str, &str) = ("fuzz/fuzz_targets/head.rs", "");
    const CORPUS: (&str, &str) = ("fuzz/corpus/head/one", "");

    #[track_caller]
    fn check_tree(files: &[(&str, &str)], expected: &[&str]) {
        let found = check(&Tree::of(files));
        assert_eq!(found.len(), expected.len(), "{found:?}");
        for (offence, words) in found.iter().zip(expected) {
            assert!(offence.to_string().contains(words), "{offence} lacks {words}");
        }
    }

    #[test]
    fn a_target_with_file_and_corpus_is_fine_and_so_is_no_fuzzing() {
        check_tree(&[DECLARED, FILE, CORPUS], &[]);
        check_tree(&[], &[]);
    }

    #[test]
    fn what_is_missing_is_named() {
        check_tree(&[DECLARED, CORPUS], &["has no file fuzz/fuzz_targets/head.rs"]);
        check_tree(&[DECLARED, FILE], &["has no corpus in fuzz/corpus/head"]);
        check_tree(&[FILE, CORPUS], &["declares no target for this file"]);
    }
}
