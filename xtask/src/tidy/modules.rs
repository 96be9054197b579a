//! The module tree of a package: which files its `mod` declarations reach, and which are for tests.
//!
//! It follows `mod x;`, modules written inline, `#[path]` and `include!` with a literal.
//! Declarations made by macros are not seen.

use std::collections::BTreeMap;

use super::lexer::{Token, lex};
use super::manifest::Manifest;
use super::syntax::{closing, is_test_attribute, starts_with};
use super::tree::{Tree, below, directory, name};

/// Whom a file is compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Audience {
    /// Tests alone.
    Tests,
    /// The crate.
    Crate,
}

/// The files below `package`/src that are reached, and for whom.
pub(super) fn reached(tree: &Tree, package: &str) -> BTreeMap<String, Audience> {
    let mut reached = BTreeMap::new();
    let mut open: Vec<(String, Audience)> =
        roots(tree, package).into_iter().map(|root| (root, Audience::Crate)).collect();
    while let Some((path, audience)) = open.pop() {
        // A file can be reached twice; what the crate uses is not for tests alone.
        if reached.get(&path).is_some_and(|&known| known >= audience) {
            continue;
        }
        let Some(text) = tree.text(&path) else { continue };
        for (candidates, inner) in declared(&path, text, is_root(&path, package)) {
            let found = candidates.into_iter().find(|candidate| tree.has(candidate));
            open.extend(found.map(|found| (found, inner.min(audience))));
        }
        reached.insert(path, audience);
    }
    reached
}

/// The files that cargo starts from.
fn roots(tree: &Tree, package: &str) -> Vec<String> {
    let mut roots = vec![format!("{package}/src/lib.rs"), format!("{package}/src/main.rs")];
    roots.extend(tree.paths().filter(|path| is_root(path, package)).map(str::to_owned));
    let manifest = tree.text(&format!("{package}/Cargo.toml")).and_then(Manifest::parse);
    if let Some(manifest) = manifest {
        let mut named: Vec<&str> = manifest.lib_path().into_iter().collect();
        for kind in ["bin", "bench", "test", "example"] {
            named.extend(manifest.targets(kind).into_iter().filter_map(|(_, path, _)| path));
        }
        roots.extend(named.into_iter().map(|path| format!("{package}/{path}")));
    }
    roots
}

/// Whether `path` is a root by its place, which also makes its modules its neighbours.
fn is_root(path: &str, package: &str) -> bool {
    let Some(rest) = below(path, package).and_then(|rest| below(rest, "src")) else { return false };
    let in_bin = below(rest, "bin").is_some_and(|rest| {
        (!rest.contains('/') && rest.ends_with(".rs")) || rest.ends_with("/main.rs")
    });
    in_bin || rest == "lib.rs" || rest == "main.rs"
}

/// What the declarations in a file may refer to: candidates of which one should exist.
fn declared(path: &str, text: &str, root: bool) -> Vec<(Vec<String>, Audience)> {
    let owner = directory(path);
    let stem = path.strip_suffix(".rs").unwrap_or(path);
    let children = if root || name(path) == "mod.rs" { owner } else { stem };
    let mut walk = Walk { owner, found: Vec::new() };
    walk.tokens(&lex(text), children, Audience::Crate);
    walk.found
}

struct Walk<'p> {
    /// The directory of the file, which `#[path]` and `include!` start from.
    owner: &'p str,
    found: Vec<(Vec<String>, Audience)>,
}

/// What the attributes before an item say of it.
#[derive(Clone, Copy)]
struct Attributes<'a> {
    path: Option<&'a str>,
    audience: Audience,
}

impl Walk<'_> {
    /// Walks a file, or the inside of a module; the modules declared there live in `children`.
    fn tokens(&mut self, tokens: &[Token<'_>], children: &str, audience: Audience) {
        let plain = Attributes { path: None, audience };
        let mut attributes = plain;
        let mut index = 0;
        while let Some(token) = tokens.get(index) {
            let rest = &tokens[index..];
            let length = if starts_with(rest, &["#", "["]) {
                attributes.read(rest)
            } else if let Some(length) = self.declaration(rest, children, attributes) {
                attributes = plain;
                length
            } else {
                // Attributes belong to one item: its keyword uses them up, visibility does not.
                if ENDS.iter().any(|end| token.is(end)) {
                    attributes = plain;
                }
                1
            };
            index += length;
        }
    }

    /// Notes the module or file that `rest` starts with, and returns how many tokens it takes.
    fn declaration(
        &mut self,
        rest: &[Token<'_>],
        children: &str,
        attributes: Attributes<'_>,
    ) -> Option<usize> {
        let third = rest.get(2)?;
        let mut note = |candidates| self.found.push((candidates, attributes.audience));
        if starts_with(rest, &["include", "!", "("]) {
            note(vec![join(self.owner, rest.get(3)?.string()?)]);
            Some(4)
        } else if rest[0].is("mod") && third.is(";") {
            let name = rest[1].text;
            note(match attributes.path {
                Some(path) => vec![join(self.owner, path)],
                None => vec![format!("{children}/{name}.rs"), format!("{children}/{name}/mod.rs")],
            });
            Some(3)
        } else if rest[0].is("mod") && third.is("{") {
            let end = closing(rest, 2);
            let inside = format!("{children}/{}", rest[1].text);
            self.tokens(rest.get(3..end)?, &inside, attributes.audience);
            Some(end + 1)
        } else {
            None
        }
    }
}

impl<'a> Attributes<'a> {
    /// Takes the attribute at the start of `rest` in, and returns how many tokens it takes.
    fn read(&mut self, rest: &[Token<'a>]) -> usize {
        let end = closing(rest, 1);
        if starts_with(rest, &["#", "[", "path", "="]) {
            self.path = rest.get(4).and_then(Token::string);
        }
        if is_test_attribute(rest, 0) {
            self.audience = Audience::Tests;
        }
        end + 1
    }
}

/// The tokens behind which an attribute read before belongs to something else.
const ENDS: &[&str] =
    &[";", "{", "}", "fn", "struct", "enum", "impl", "trait", "use", "const", "static", "type"];

/// `path` as seen from `directory`, with its `..` resolved.
fn join(directory: &str, path: &str) -> String {
    let mut names: Vec<&str> = directory.split('/').collect();
    for name in path.split('/') {
        match name {
            ".." => drop(names.pop()),
            "." => {}
            name => names.push(name),
        }
    }
    names.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(files: &[(&str, &str)], expected: &[(&str, Audience)]) {
        let found = reached(&Tree::of(files), "a");
        let found: Vec<_> = found.iter().map(|(path, &who)| (path.as_str(), who)).collect();
        assert_eq!(found, expected);
    }

    use Audience::{Crate, Tests};

    #[test]
    fn declarations_lead_from_file_to_file() {
        check(
            &[
                ("a/src/lib.rs", "pub mod one;\nmod two { mod three; }\nmod gone;"),
                ("a/src/one.rs", "#[doc = \"x\"] pub(crate) mod four;"),
                ("a/src/one/four/mod.rs", "mod five;"),
                ("a/src/one/four/five.rs", ""),
                ("a/src/two/three.rs", ""),
                ("a/src/orphan.rs", ""),
            ],
            &[
                ("a/src/lib.rs", Crate),
                ("a/src/one.rs", Crate),
                ("a/src/one/four/five.rs", Crate),
                ("a/src/one/four/mod.rs", Crate),
                ("a/src/two/three.rs", Crate),
            ],
        );
    }

    #[test]
    fn what_only_tests_declare_is_for_tests() {
        check(
            &[
                ("a/src/lib.rs", "#[cfg(test)]\nmod tests;\nmod real;"),
                ("a/src/tests.rs", "mod inner;"),
                ("a/src/tests/inner.rs", ""),
                ("a/src/real.rs", "#[cfg(test)] use x; mod both; #[cfg(test)] mod t { mod u; }"),
                ("a/src/real/both.rs", ""),
                ("a/src/real/t/u.rs", ""),
            ],
            &[
                ("a/src/lib.rs", Crate),
                ("a/src/real.rs", Crate),
                ("a/src/real/both.rs", Crate),
                ("a/src/real/t/u.rs", Tests),
                ("a/src/tests.rs", Tests),
                ("a/src/tests/inner.rs", Tests),
            ],
        );
    }

    #[test]
    fn paths_and_includes_are_followed() {
        check(
            &[
                ("a/src/lib.rs", "#[path = \"odd/../x.rs\"] mod y; include!(\"table.rs\");"),
                ("a/src/x.rs", ""),
                ("a/src/table.rs", ""),
            ],
            &[("a/src/lib.rs", Crate), ("a/src/table.rs", Crate), ("a/src/x.rs", Crate)],
        );
    }

    #[test]
    fn every_target_of_the_manifest_is_a_start() {
        check(
            &[
                ("a/Cargo.toml", "[[bin]]\nname = \"x\"\npath = \"src/x.rs\""),
                ("a/src/x.rs", ""),
                ("a/src/main.rs", "mod y;"),
                ("a/src/y.rs", ""),
                ("a/src/bin/z.rs", "mod beside;"),
                ("a/src/bin/beside.rs", ""),
            ],
            &[
                ("a/src/bin/beside.rs", Crate),
                ("a/src/bin/z.rs", Crate),
                ("a/src/main.rs", Crate),
                ("a/src/x.rs", Crate),
                ("a/src/y.rs", Crate),
            ],
        );
    }
}
