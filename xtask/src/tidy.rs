//! `cargo xtask tidy`: the rules of this repository that a program can check.
//!
//! All offences are reported, as `path:line: message [rule]`. The same checks run as a test, so
//! `cargo test` holds them too. Each check lives in a file of its own and works on a tree read
//! once; what rustfmt, clippy and cargo check already is not checked again.

mod changelog;
mod edges;
mod examples;
mod fuzzing;
mod header;
mod layers;
mod lexer;
mod manifest;
mod modules;
mod offence;
mod orphans;
mod size;
mod syntax;
mod tree;
mod words;

use std::path::Path;

use anyhow::{Result, ensure};
use offence::{EXCEPTIONS, Offence, judge};
use tree::Tree;

/// Every check.
const CHECKS: &[fn(&Tree) -> Vec<Offence>] = &[
    edges::check,
    layers::check,
    size::check,
    header::check,
    words::check,
    orphans::check,
    fuzzing::check,
    examples::check,
    changelog::check,
];

/// Checks the repository and prints what is wrong with it.
pub(crate) fn run() -> Result<()> {
    let offences = offences(&crate::workspace::root())?;
    for offence in &offences {
        println!("{offence}");
    }
    ensure!(offences.is_empty(), "{} offences", offences.len());
    println!("no offences");
    Ok(())
}

fn offences(root: &Path) -> Result<Vec<Offence>> {
    let tree = Tree::read(root)?;
    let found = CHECKS.iter().flat_map(|check| check(&tree)).collect();
    Ok(judge(found, EXCEPTIONS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_repository_is_tidy() {
        let offences = offences(&crate::workspace::root()).expect("the repository can be read");
        let lines: Vec<String> = offences.iter().map(ToString::to_string).collect();
        assert!(lines.is_empty(), "{} offences:\n{}", lines.len(), lines.join("\n"));
    }
}
