//! Modules of the core import only from layers below their own.
//!
//! The layers keep decisions apart: what balances does not know what probes. An import is any path
//! that starts at the crate's root, by `crate::` or by enough `super::`. Test code is exempt, for a
//! test may bring any two parts together.

use super::lexer::{Kind, Token, lex};
use super::modules::{Audience, reached};
use super::offence::Offence;
use super::syntax::{closing, starts_with, without_tests};
use super::tree::{Tree, below};

const RULE: &str = "core-layer";
const PACKAGE: &str = "crates/tidegate-core";

/// The modules of the core, lowest layer first.
const LAYERS: &[&[&str]] = &[
    // Vocabulary.
    &["time", "rng", "model"],
    // Text, bytes and names to and from vocabulary.
    &["config", "http", "wire", "telemetry"],
    // Decisions of a request.
    &[
        "route", "balance", "health", "admit", "edit", "release", "session", "cache", "compress",
        "renewal", "delivery", "waf", "udp",
    ],
    // What is made of them, and the contracts between the planes.
    &["dns", "snapshot", "signal"],
    // Decisions of the fleet.
    &["scale", "rollout", "vrrp", "drain"],
];
/// From this layer on, the modules of a layer may import each other.
const FREE_LAYER: usize = 3;
/// Imports within a layer that are allowed all the same: a model speaks of durations.
const PEERS: &[(&str, &str)] = &[("model", "time")];

pub(crate) fn check(tree: &Tree) -> Vec<Offence> {
    let mut offences = Vec::new();
    for (path, audience) in reached(tree, PACKAGE) {
        let Some(place) = below(&path, PACKAGE).and_then(|rest| below(rest, "src")) else {
            continue;
        };
        let Some(text) = tree.text(&path) else { continue };
        if audience == Audience::Tests || place == "lib.rs" {
            continue;
        }
        let own = place.split(['/', '.']).next().unwrap_or(place);
        let Some(layer) = layer_of(own) else {
            let message = format!("module `{own}` is in no layer of the core");
            offences.push(Offence::new(&path, 1, RULE, message));
            continue;
        };
        let imports = imports(&without_tests(&lex(text)), depth(place));
        let wrong = imports.into_iter().filter_map(|import| {
            let message = objection(own, layer, import.text)?;
            Some(Offence::new(&path, import.line, RULE, message))
        });
        offences.extend(wrong);
    }
    offences
}

fn layer_of(module: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| layer.contains(&module))
}

/// Why a module may not import another, if it may not.
fn objection(own: &str, layer: usize, other: &str) -> Option<String> {
    if other == own || PEERS.contains(&(own, other)) {
        return None;
    }
    let Some(theirs) = layer_of(other) else {
        return Some(format!("`{own}` imports `crate::{other}`, which is in no layer of the core"));
    };
    let allowed = theirs < layer || (theirs == layer && layer >= FREE_LAYER);
    (!allowed).then(|| {
        format!(
            "`{own}` (layer {layer}) imports `{other}` (layer {theirs}); only lower layers may be"
        )
    })
}

/// How many `super::` lead from a file to the root of its crate.
fn depth(place: &str) -> usize {
    let names = place.strip_suffix(".rs").unwrap_or(place).split('/');
    names.filter(|name| *name != "mod").count()
}

/// The modules of the root that paths in `tokens` name, at the token that names them.
fn imports<'a>(tokens: &[Token<'a>], depth: usize) -> Vec<Token<'a>> {
    let climb = ["super", ":", ":"].repeat(depth);
    let mut found = Vec::new();
    for index in 0..tokens.len() {
        let rest = &tokens[index..];
        let behind_path = index > 0 && tokens[index - 1].is(":");
        let length = if starts_with(rest, &["crate", ":", ":"]) {
            3
        } else if !behind_path && starts_with(rest, &climb) {
            climb.len()
        } else {
            continue;
        };
        found.extend(first_names(&rest[length..]));
    }
    found
}

/// The name that `rest` starts with, or those of a group in braces.
fn first_names<'a>(rest: &[Token<'a>]) -> Vec<Token<'a>> {
    let Some(first) = rest.first() else { return Vec::new() };
    if first.kind == Kind::Word {
        return vec![*first];
    }
    if !first.is("{") {
        return Vec::new();
    }
    let end = closing(rest, 0);
    let mut names = Vec::new();
    let mut index = 1;
    let mut fresh = true;
    while index < end {
        let token = rest[index];
        if fresh && token.kind == Kind::Word && !token.is("self") {
            names.push(token);
        }
        fresh = token.is(",");
        index = if token.is("{") { closing(rest, index) + 1 } else { index + 1 };
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The offences of one module of the core.
    fn offences(place: &str, text: &str) -> Vec<String> {
        let path = format!("{PACKAGE}/src/{place}");
        let parent = place.split(['/', '.']).next().unwrap_or_default();
        let child = place.strip_suffix(".rs").and_then(|place| place.split('/').nth(1));
        let root = format!("mod {parent};");
        let mut files = vec![("crates/tidegate-core/src/lib.rs", root.as_str())];
        let owner = format!("{PACKAGE}/src/{parent}/mod.rs");
        let declaration = child.map(|child| format!("mod {child};")).unwrap_or_default();
        if child.is_some_and(|child| child != "mod") {
            files.push((&owner, &declaration));
        }
        files.push((&path, text));
        check(&Tree::of(&files)).iter().map(ToString::to_string).collect()
    }

    #[track_caller]
    fn check_refused(place: &str, text: &str, other: &str) {
        let found = offences(place, text);
        assert!(found.len() == 1 && found[0].contains(&format!("imports `{other}`")), "{found:?}");
    }

    #[test]
    fn lower_layers_the_module_itself_and_the_outside_are_fine() {
        for (place, text) in [
            ("balance/p2c.rs", "use crate::model::{server, pool}; use crate::balance::Picker;"),
            ("balance/p2c.rs", "use super::Picker; use super::super::time::Instant;"),
            ("model/pool.rs", "use crate::time::Duration; use std::time::Instant;"),
            ("snapshot.rs", "use crate::{balance::{maglev, ring_hash}, route, signal::Signal};"),
            ("scale/plan.rs", "use crate::rollout::step;"),
            ("health/active.rs", "#[cfg(test)] mod tests { use crate::scale::plan; }"),
            ("health/active.rs", "// crate::scale\nconst A: &str = \"crate::scale\";"),
        ] {
            assert_eq!(offences(place, text), [""; 0], "{place}: {text}");
        }
    }

    #[test]
    fn higher_layers_are_refused_at_the_line() {
        let found = offences("config/check.rs", "//! x\n\nuse crate::snapshot::Snapshot;\n");
        assert_eq!(found.len(), 1);
        let place = "crates/tidegate-core/src/config/check.rs:3: `config` (layer 1)";
        assert!(found[0].starts_with(place), "{found:?}");
    }

    #[test]
    fn peers_are_refused_in_the_layers_that_keep_apart() {
        check_refused("balance/p2c.rs", "use crate::health::active;", "health");
        check_refused("http/range.rs", "fn f() { crate::wire::dns::read() }", "wire");
        check_refused("time.rs", "use crate::model::Id;", "model");
        check_refused("rng.rs", "use crate::time::Instant;", "time");
    }

    #[test]
    fn every_way_to_write_a_path_is_seen() {
        check_refused("route/mod.rs", "use crate::{model, scale::{plan, crate_name}};", "scale");
        check_refused("route/mod.rs", "use super::scale::plan;", "scale");
        check_refused("route/host.rs", "use super::super::scale::plan;", "scale");
        check_refused("route.rs", "use super::{model::Id, scale};", "scale");
        check_refused("route/mod.rs", "pub(in crate::scale) fn f() {}", "scale");
    }

    #[test]
    fn a_module_without_a_layer_is_an_offence() {
        for (place, text) in [("misc.rs", ""), ("model/mod.rs", "use crate::misc::x;")] {
            let found = offences(place, text);
            assert!(found.len() == 1 && found[0].contains("in no layer"), "{found:?}");
        }
    }
}
