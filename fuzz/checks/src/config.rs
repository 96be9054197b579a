//! A configuration from arbitrary text.
//!
//! Whatever the text, every mistake is told with a place inside it, and a text is refused if and
//! only if one was told. A configuration that is accepted can be served from, and its own printed
//! form says the same.

use std::path::Path;
use std::sync::Arc;

use tidegate_core::config::diagnostic::{Diagnostic, is_clean};
use tidegate_core::config::load::{Loaded, Text, load};
use tidegate_core::snapshot::{Circumstances, ServerIds, Snapshot};
use tidegate_core::time::Instant;

const NAME: &str = "fuzz.toml";

/// Runs the check.
pub fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let loaded = read(text);
    let printed = loaded.resolved();
    let Some(config) = loaded.config else { return };
    let again = read(&printed);
    let Some(same) = &again.config else {
        panic!("the printed form is refused: {:?}\n{printed}", again.diagnostics);
    };
    assert_eq!(format!("{config:#?}"), format!("{same:#?}"), "the printed form says the same");
    let snapshot = Snapshot::build(
        Arc::new(config),
        &Circumstances::default(),
        None,
        &mut ServerIds::default(),
        Instant::ZERO,
    );
    assert_eq!(snapshot.pools.len(), snapshot.config.pools.len());
}

fn read(text: &str) -> Loaded {
    let loaded = load(Path::new(NAME), &mut Text(text));
    assert_eq!(loaded.config.is_some(), is_clean(&loaded.diagnostics), "a refusal has a reason");
    let lines: Vec<&str> = text.split('\n').collect();
    for diagnostic in &loaded.diagnostics {
        check_place(diagnostic, &lines);
    }
    loaded
}

fn check_place(diagnostic: &Diagnostic, lines: &[&str]) {
    assert_eq!(diagnostic.file, NAME);
    assert!(!diagnostic.message.is_empty());
    let line = diagnostic.line.checked_sub(1).and_then(|line| lines.get(line));
    let line = line.unwrap_or_else(|| panic!("no such line: {diagnostic:?}"));
    // A place behind the last character is where something is missing.
    let columns = 1..=line.chars().count() + 1;
    assert!(columns.contains(&diagnostic.column), "no such column: {diagnostic:?}");
    let shown = diagnostic.to_string();
    assert!(!shown.contains('\n') && !shown.contains('\r'), "one line: {shown:?}");
}
