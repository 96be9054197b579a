//! Every example configuration is used by a test of the program.
//!
//! A test that walks the directory, or names it, covers them all; otherwise each is to be named.

use super::offence::Offence;
use super::tree::{Tree, below};

const TESTS: &str = "crates/tidegate/tests";
const EXAMPLES: &str = "examples";

pub(crate) fn check(tree: &Tree) -> Vec<Offence> {
    let tests: Vec<&str> = tree.rust(&[TESTS]).map(|(_, text)| text).collect();
    let named = |word: &str| tests.iter().any(|text| text.contains(word));
    if named(EXAMPLES) {
        return Vec::new();
    }
    let examples = tree.paths().filter_map(|path| {
        let stem = below(path, EXAMPLES)?.strip_suffix(".toml")?;
        (!named(stem)).then(|| {
            let message = format!("no test in {TESTS} uses this example");
            Offence::new(path, 1, "example", message)
        })
    });
    examples.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_test(test: &str, expected: &[&str]) {
        let tree = Tree::of(&[
            ("examples/one.toml", ""),
            ("examples/two.toml", ""),
            ("examples/README.md", ""),
            ("crates/tidegate/tests/e2e/main.rs", test),
        ]);
        let found = check(&tree);
        let found: Vec<&str> = found.iter().map(|offence| offence.path.as_str()).collect();
        assert_eq!(found, expected, "{test}");
    }

    #[test]
    fn an_example_is_covered_by_name_or_by_a_walk() {
        check_test("", &["examples/one.toml", "examples/two.toml"]);
        check_test("start(\"one\")", &["examples/two.toml"]);
        check_test("read_dir(\"../../examples\")", &[]);
    }
}
