//! Properties that hold for any text: no panic, places within the file, and what is resolved loads
//! as the same.
//!
//! `tests/data/config/corpus` keeps inputs that once were interesting; they are replayed, whatever
//! they are.

use std::fs;
use std::ops::Range;

use proptest::prelude::*;
use tidegate_core::config::diagnostic::is_clean;
use tidegate_core::config::text::{duration, size};
use tidegate_core::http::path::canonical;
use tidegate_core::model::route::PathPattern;

use crate::disk::{Disk, load_text, say};

/// Loads any text and checks what has to hold for all of them.
#[track_caller]
fn check(text: &str) {
    let loaded = load_text(text);
    let lines: Vec<&str> = text.split('\n').collect();
    let mut last = (0, 0);
    for diagnostic in &loaded.diagnostics {
        let place = (diagnostic.line, diagnostic.column);
        assert!((1..=lines.len()).contains(&place.0), "{diagnostic}");
        let width = lines[place.0 - 1].chars().count();
        assert!((1..=width + 1).contains(&place.1), "{diagnostic}");
        assert!(last <= place, "{diagnostic} comes after {last:?}");
        assert_eq!(diagnostic.to_string().lines().count(), 1, "{diagnostic}");
        last = place;
    }
    assert_eq!(loaded.config.is_some(), is_clean(&loaded.diagnostics), "{text}");
    let again = load_text(&loaded.resolved());
    if let Some(config) = loaded.config {
        let same = again.config.unwrap_or_else(|| panic!("{text}\n{}", say(&again.diagnostics)));
        assert_eq!(format!("{config:?}"), format!("{same:?}"), "{text}");
    }
}

#[test]
fn the_corpus_is_replayed() {
    let disk = Disk::data("corpus");
    let entries: Vec<_> = fs::read_dir(&disk.0).expect("the corpus is there").collect();
    assert!(entries.len() >= 10, "the corpus is found");
    for entry in entries {
        let bytes = fs::read(entry.expect("readable").path()).expect("readable");
        check(&String::from_utf8_lossy(&bytes));
    }
}

/// Words that make texts likely to be nearly right.
const WORDS: [&str; 48] = [
    "[",
    "]",
    "[[",
    "]]",
    "{",
    "}",
    "=",
    ",",
    ".",
    "\"",
    "'",
    "\n",
    " ",
    "#",
    "\\",
    "\t",
    "é",
    "\u{0}",
    "listener",
    "route",
    "pool",
    "default",
    "match",
    "web",
    "address",
    "servers",
    "limits",
    "health",
    "timeouts",
    "hash",
    "balance",
    "include",
    "version",
    "not",
    "header",
    "path",
    "1",
    "-1",
    "0x",
    "nan",
    "true",
    "\"127.0.0.1:80\"",
    "\"5s\"",
    "\"64KiB\"",
    "\"unlimited\"",
    "\"~(\"",
    "\"hash\"",
    "1979-05-27",
];

fn good_texts() -> Vec<String> {
    let disk = Disk::data("good");
    let names = ["minimal.toml", "full.toml", "apart.toml"];
    names.iter().map(|name| fs::read_to_string(disk.0.join(name)).expect("readable")).collect()
}

/// A good text with a stretch of it replaced.
fn mutated() -> impl Strategy<Value = String> {
    let texts = good_texts();
    let edit = (0usize..10_000, 0usize..40, prop::sample::select(WORDS.to_vec()));
    (prop::sample::select(texts), prop::collection::vec(edit, 1..4)).prop_map(
        |(mut text, edits)| {
            for (start, length, word) in edits {
                text.replace_range(stretch(&text, start, length), word);
            }
            text
        },
    )
}

fn stretch(text: &str, start: usize, length: usize) -> Range<usize> {
    let start = text.floor_char_boundary(start % (text.len() + 1));
    start..text.floor_char_boundary(text.len().min(start + length))
}

proptest! {
    #[test]
    fn any_text_is_answered(text in "\\PC*|[ -~\\n\\t]{0,200}") {
        check(&text);
    }

    #[test]
    fn any_words_are_answered(
        words in prop::collection::vec(prop::sample::select(WORDS.to_vec()), 0..60),
    ) {
        check(&words.concat());
    }

    #[test]
    fn any_bytes_that_are_made_text_are_answered(bytes: Vec<u8>) {
        check(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn a_good_file_with_a_slip_is_answered(text in mutated()) {
        check(&text);
    }

    #[test]
    fn a_value_of_any_text_is_answered(
        key in "address|protocol|client_header|trusted_proxies|limits",
        value in "\\PC{0,40}",
    ) {
        check(&format!("[listener.web]\n{key} = {value:?}\n"));
    }

    #[test]
    fn durations_and_sizes_read_back(millis in 0u64..31_536_000_000, bytes: u64) {
        let text = duration::print(std::time::Duration::from_millis(millis));
        prop_assert_eq!(duration::parse(&text).map(|d| d.as_millis()), Some(u128::from(millis)));
        prop_assert_eq!(size::parse(&size::print(bytes)), Some(bytes));
    }

    /// A path that a configuration may hold is one that a request's canonical path can equal.
    #[test]
    fn a_path_condition_is_in_the_form_that_requests_are_brought_to(
        path in "/([a.%;/2Ff5C\u{e9}|~ ]|%2F|%5C|%41|%C3%A9|\\.\\.){0,8}",
    ) {
        let text = format!(
            "[listener.a]\naddress = \"127.0.0.1:1\"\n[pool.a]\nservers = \"127.0.0.1:2\"\n\
             [route.a]\npool = \"a\"\nmatch.path = '{path}'\n"
        );
        let loaded = load_text(&text);
        let mut buffer = path.clone().into_bytes();
        let end = buffer.len();
        let form = canonical(&mut buffer, 0..end).ok().map(|form| buffer[form.merged].to_vec());
        let accepted = loaded.config.map(|config| match &config.routes[0].matches[0].paths[0] {
            PathPattern::Exact(path) => path.clone().into_bytes(),
            other => panic!("{other:?}"),
        });
        match form {
            Some(form) if form == path.as_bytes() => prop_assert_eq!(accepted, Some(form)),
            _ => prop_assert_eq!(accepted, None),
        }
    }
}
