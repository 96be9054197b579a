//! Every source file says at its top what it is; those on a request's way say which step they are.

use std::collections::BTreeMap;

use super::modules::{Audience, reached};
use super::offence::Offence;
use super::tree::{Tree, below, name};

/// The crate whose files are the steps of a request, and where they are.
const PROXY: &str = "crates/tidegate-proxy";
const STEP_DIRECTORIES: &[&str] = &["downstream", "exchange", "filter", "upstream"];
const STEPS: std::ops::RangeInclusive<u8> = 1..=8;

pub(crate) fn check(tree: &Tree) -> Vec<Offence> {
    let proxy = reached(tree, PROXY);
    let mut offences = Vec::new();
    for (path, text) in tree.rust(&["crates", "xtask", "bench"]) {
        let first = text.lines().next().unwrap_or_default();
        if !path.contains("/src/") {
            continue;
        }
        if !first.starts_with("//!") {
            let message =
                "the file must open with `//!`: what it is, how it works, what it leaves out";
            offences.push(Offence::new(path, 1, "header", message));
        } else if is_step(path, &proxy) && !names_step(first) {
            let message = "a file on a request's way must open with `//! Step N of 8: `";
            offences.push(Offence::new(path, 1, "step", message));
        }
    }
    offences
}

fn is_step(path: &str, proxy: &BTreeMap<String, Audience>) -> bool {
    let place = below(path, PROXY).and_then(|rest| below(rest, "src"));
    place.is_some_and(|place| {
        STEP_DIRECTORIES.iter().any(|directory| below(place, directory).is_some())
    }) && name(path) != "mod.rs"
        && proxy.get(path) != Some(&Audience::Tests)
}

fn names_step(line: &str) -> bool {
    let number = line.strip_prefix("//! Step ").and_then(|rest| rest.split_once(" of 8: "));
    number.is_some_and(|(number, rest)| {
        number.parse().is_ok_and(|number: u8| STEPS.contains(&number)) && !rest.is_empty()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_rule(path: &str, text: &str, expected: Option<&str>) {
        let declared = ("crates/tidegate-proxy/src/lib.rs", "//! x\nmod exchange;");
        let owner = ("crates/tidegate-proxy/src/exchange/mod.rs", "//! x\n#[cfg(test)] mod tests;");
        let found = check(&Tree::of(&[declared, owner, (path, text)]));
        assert_eq!(found.first().map(|offence| offence.rule), expected, "{path}: {text}");
        assert!(found.len() <= 1);
    }

    #[test]
    fn a_source_file_opens_with_what_it_is() {
        for path in ["crates/a/src/b.rs", "xtask/src/b.rs", "bench/origin/src/bin/b.rs"] {
            check_rule(path, "//! A part.\n", None);
            check_rule(path, "\n//! A part.\n", Some("header"));
            check_rule(path, "use a;", Some("header"));
            check_rule(path, "", Some("header"));
        }
        check_rule("crates/a/tests/it/b.rs", "use a;", None);
    }

    #[test]
    fn a_step_of_a_request_says_which() {
        let path = "crates/tidegate-proxy/src/exchange/pick.rs";
        check_rule(path, "//! Step 5 of 8: choose the server.", None);
        for text in [
            "//! Chooses the server.",
            "//! Step 9 of 8: x",
            "//! Step 0 of 8: x",
            "//! Step five of 8: x",
            "//! Step 5 of 8: ",
        ] {
            check_rule(path, text, Some("step"));
        }
    }

    #[test]
    fn families_tests_and_other_directories_are_no_steps() {
        for path in ["exchange/mod.rs", "exchange/tests.rs", "l4/tcp.rs", "exchange.rs"] {
            check_rule(&format!("crates/tidegate-proxy/src/{path}"), "//! x", None);
        }
    }
}
