//! Crates depend on each other only along the edges drawn in ARCHITECTURE.md.
//!
//! The table there is the rule, not a picture of it: a block fenced as `edges`, a line a crate,
//! with the crates it may use behind an arrow. Tests see more: every crate's may use `sim`, and
//! those of the crates that do I/O may use any. Cargo itself refuses cycles, so they are not looked
//! for.

use std::collections::{BTreeMap, BTreeSet};

use super::manifest::{Dependency, Manifest, Purpose};
use super::offence::Offence;
use super::tree::{Tree, below};

const RULE: &str = "crate-edge";
const DRAWING: &str = "ARCHITECTURE.md";
/// Crates whose tests may use any other.
const FREE_IN_TESTS: &[&str] = &["proxy", "admin", "control", "tidegate"];
/// What no purpose brings into the core.
const RUNTIMES: &[&str] = &["tokio", "async-std", "mio", "smol"];

/// Edges by short crate name, as drawn.
type Edges<'a> = BTreeMap<&'a str, BTreeSet<&'a str>>;

pub(crate) fn check(tree: &Tree) -> Vec<Offence> {
    let Some((edges, line)) = tree.text(DRAWING).and_then(drawn) else {
        let message = "a block fenced as ```edges must say which crate may use which";
        return vec![Offence::new(DRAWING, 1, RULE, message)];
    };
    let mut offences = Vec::new();
    let mut crates = BTreeSet::new();
    for (path, text) in tree.texts() {
        let is_crate = below(path, "crates").is_some_and(|rest| rest.matches('/').count() == 1);
        if !is_crate || !path.ends_with("/Cargo.toml") {
            continue;
        }
        let Some(manifest) = Manifest::parse(text) else { continue };
        let Some(name) = manifest.name().map(short) else { continue };
        crates.insert(name.to_owned());
        offences.extend(check_crate(path, name, &manifest, &edges));
    }
    let drawn_only = edges.keys().filter(|name| !crates.contains(**name));
    offences.extend(drawn_only.map(|name| {
        Offence::new(DRAWING, line, RULE, format!("the edges name `{name}`, which is no crate"))
    }));
    offences
}

fn check_crate(path: &str, name: &str, manifest: &Manifest<'_>, edges: &Edges<'_>) -> Vec<Offence> {
    let Some(allowed) = edges.get(name) else {
        let message = format!("`{name}` is missing from the edges in {DRAWING}");
        return vec![Offence::new(path, 1, RULE, message)];
    };
    let forbidden = |dependency: &Dependency| {
        let package = dependency.package.as_str();
        if !is_ours(package) {
            return name == "core" && RUNTIMES.contains(&package);
        }
        let to = short(package);
        let in_tests = to == "sim" || FREE_IN_TESTS.contains(&name);
        !(allowed.contains(to) || (dependency.purpose == Purpose::Test && in_tests))
    };
    let dependencies = manifest.dependencies().into_iter().filter(forbidden);
    dependencies
        .map(|Dependency { package, line, .. }| {
            let message = if is_ours(&package) {
                format!("`{name}` may not use `{}`: {DRAWING} draws no such edge", short(&package))
            } else {
                format!("the core decides without I/O and may not use `{package}`")
            };
            Offence::new(path, line, RULE, message)
        })
        .collect()
}

fn is_ours(package: &str) -> bool {
    package == "tidegate" || package.starts_with("tidegate-")
}

fn short(package: &str) -> &str {
    package.strip_prefix("tidegate-").unwrap_or(package)
}

/// The edges in the fenced block of `text`, and the line of the fence.
fn drawn(text: &str) -> Option<(Edges<'_>, usize)> {
    let mut lines = text.lines().enumerate();
    let (fence, _) = lines.find(|(_, line)| line.trim() == "```edges")?;
    let edges = lines
        .map(|(_, line)| line.trim())
        .take_while(|line| !line.starts_with("```"))
        .filter_map(|line| line.split_once("->"))
        .map(|(from, to)| (from.trim(), to.split_whitespace().collect()))
        .collect();
    Some((edges, fence + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    const EDGES: &str = "# A\n\n```edges\ncore ->\nnet  -> core\nproxy -> net core\n```\n";

    fn manifest(name: &str, rest: &str) -> String {
        format!("[package]\nname = \"tidegate-{name}\"\n{rest}")
    }

    /// The offences of one crate beside two that are fine.
    fn offences(name: &str, rest: &str) -> Vec<String> {
        let mut manifests: BTreeMap<&str, String> =
            ["core", "net", "proxy"].map(|name| (name, manifest(name, ""))).into();
        manifests.insert(name, manifest(name, rest));
        let paths: Vec<(String, &String)> = manifests
            .iter()
            .map(|(name, text)| (format!("crates/tidegate-{name}/Cargo.toml"), text))
            .collect();
        let mut files = vec![(DRAWING, EDGES)];
        files.extend(paths.iter().map(|(path, text)| (path.as_str(), text.as_str())));
        check(&Tree::of(&files)).iter().map(ToString::to_string).collect()
    }

    #[track_caller]
    fn check_refused(name: &str, rest: &str, expected: &str) {
        let found = offences(name, rest);
        assert!(found.len() == 1 && found[0].contains(expected), "{found:?}");
    }

    #[test]
    fn edges_as_drawn_are_fine() {
        for (name, rest) in [
            ("net", "[dependencies]\ntidegate-core.workspace = true\ntokio = \"1\""),
            ("core", "[dev-dependencies]\ntidegate-sim = { path = \"x\" }"),
            ("proxy", "[dev-dependencies]\ntidegate-admin = { path = \"x\" }"),
        ] {
            // `sim` and `admin` are not drawn here, which is fine as long as they are no crates.
            assert_eq!(offences(name, rest), [""; 0], "{name}: {rest}");
        }
    }

    #[test]
    fn an_edge_that_is_not_drawn_is_refused_at_its_line() {
        let found = offences("core", "[dependencies]\nlibc = \"1\"\ntidegate-net = \"1\"");
        let message = "`core` may not use `net`: ARCHITECTURE.md draws no such edge";
        let expected = format!("crates/tidegate-core/Cargo.toml:5: {message} [crate-edge]");
        assert_eq!(found, [expected]);
    }

    #[test]
    fn renaming_platforms_and_build_scripts_hide_nothing() {
        for table in [
            "dependencies",
            "build-dependencies",
            "target.'cfg(unix)'.dependencies",
            "dev-dependencies",
        ] {
            let rest = format!("[{table}]\nx = {{ package = \"tidegate-proxy\" }}");
            check_refused("net", &rest, "`net` may not use `proxy`");
        }
    }

    #[test]
    fn the_core_has_no_runtime_not_even_in_tests() {
        check_refused("core", "[dependencies]\ntokio = \"1\"", "may not use `tokio`");
        check_refused("core", "[dev-dependencies]\nmio = \"1\"", "may not use `mio`");
    }

    #[test]
    fn crates_and_drawing_must_name_each_other() {
        check_refused("new", "", "`new` is missing from the edges");
        let lonely = check(&Tree::of(&[(DRAWING, "```edges\ncore ->\n```")]));
        assert!(lonely[0].message.contains("`core`, which is no crate"), "{lonely:?}");
    }

    #[test]
    fn a_missing_drawing_is_an_offence() {
        for tree in [Tree::of(&[]), Tree::of(&[(DRAWING, "no block")])] {
            assert_eq!(check(&tree).len(), 1);
        }
    }
}
