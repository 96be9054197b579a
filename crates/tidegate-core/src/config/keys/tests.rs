//! The declarations hold together: what they promise of one another is checked over all of them.

use super::key::{Default, Key, Kind, Section};
use super::root::ROOT;
use crate::config::diagnostic::Diagnostic;
use crate::config::load::{Text, load};
use crate::config::text::fault::Format;

/// All sections, each once, with the names of their keys on the way.
fn sections() -> Vec<(String, &'static Section)> {
    fn walk(path: &str, section: &'static Section, found: &mut Vec<(String, &'static Section)>) {
        found.push((path.to_owned(), section));
        for key in section.keys {
            if !matches!(key.kind, Kind::Defaults(_)) {
                inner(&key.kind).into_iter().for_each(|section| {
                    walk(&format!("{path}.{}", key.name), section, found);
                });
            }
        }
    }
    let mut found = Vec::new();
    walk("", &ROOT, &mut found);
    found
}

fn inner(kind: &Kind) -> Option<&'static Section> {
    match kind {
        Kind::Table(section)
        | Kind::Tables(section)
        | Kind::Shorthand(section)
        | Kind::Objects(section) => Some(section),
        Kind::List(item) | Kind::Some(item) | Kind::Map { value: item, .. } => inner(item),
        kind => kind.section(),
    }
}

fn keys() -> impl Iterator<Item = (String, &'static Key)> {
    sections().into_iter().flat_map(|(path, section)| {
        section.keys.iter().map(move |key| (format!("{path}.{}", key.name), key))
    })
}

fn formats(kind: &Kind) -> Vec<&'static Format> {
    match kind {
        Kind::Text(format) | Kind::Time(format) => vec![format],
        Kind::Either(kinds) => kinds.iter().flat_map(formats).collect(),
        Kind::List(item) | Kind::Some(item) => formats(item),
        Kind::Map { key, value } => [vec![*key], formats(value)].concat(),
        _ => Vec::new(),
    }
}

fn takes_text(kind: &Kind, text: &str) -> bool {
    match kind {
        Kind::Text(format) => (format.check)(text).is_ok(),
        Kind::Word(words) => words.contains(&text),
        Kind::Either(kinds) => kinds.iter().any(|kind| takes_text(kind, text)),
        Kind::List(item) | Kind::Some(item) => takes_text(item, text),
        _ => false,
    }
}

fn takes_integer(kind: &Kind, number: i128) -> bool {
    match kind {
        Kind::Integer { min, max } => (*min..=*max).contains(&number),
        #[expect(clippy::cast_precision_loss, reason = "declared defaults are small")]
        Kind::Number { min, max } => (*min..=*max).contains(&(number as f64)),
        Kind::Either(kinds) => kinds.iter().any(|kind| takes_integer(kind, number)),
        _ => false,
    }
}

#[test]
fn each_format_takes_its_own_example_and_so_does_its_pattern() {
    for (path, key) in keys() {
        for format in formats(&key.kind) {
            assert_eq!((format.check)(format.example), Ok(()), "{path}");
            let pattern = regex::Regex::new(format.pattern.unwrap_or("")).expect("well-formed");
            assert!(pattern.is_match(format.example), "{path}");
        }
    }
}

#[test]
fn each_default_is_a_value_that_its_key_takes() {
    for (path, key) in keys() {
        let fits = match (&key.kind, &key.default) {
            (kind, Default::Text(text)) => takes_text(kind, text),
            (Kind::List(item) | Kind::Some(item), Default::Words(words)) => {
                words.iter().all(|word| takes_text(item, word))
            }
            (kind, Default::Integer(number)) => takes_integer(kind, *number),
            (Kind::List(item) | Kind::Some(item), Default::Integers(numbers)) => {
                numbers.iter().all(|number| takes_integer(item, *number))
            }
            (Kind::Number { min, max }, Default::Number(number)) => (min..=max).contains(&number),
            (Kind::Flag, Default::Flag(_)) | (Kind::Table(_), Default::Table) => true,
            (kind @ Kind::Either(_), Default::Table) => kind.section().is_some(),
            (_, Default::Required | Default::Absent(_) | Default::Computed(..)) => true,
            _ => false,
        };
        assert!(fits, "{path} is {:?} by default", key.default);
    }
}

#[test]
fn names_are_unique_in_a_section_and_no_alias_is_a_name() {
    for (path, section) in sections() {
        let mut names: Vec<_> = section.keys.iter().map(|key| key.name).collect();
        names.extend(section.keys.iter().flat_map(|key| key.also));
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count, "{path}");
    }
}

#[test]
fn a_key_depends_on_words_that_are_declared_before_it() {
    fn walk(section: &'static Section, around: Option<&'static Section>, path: &str) {
        for (position, key) in section.keys.iter().enumerate() {
            if let Some(only) = &key.only {
                let beside = section.keys[..position].iter().find(|other| other.name == only.key);
                let word = beside.or_else(|| around?.key(only.key)).expect("the word is declared");
                let Kind::Word(words) = word.kind else {
                    panic!("{path}.{} is no word", word.name)
                };
                assert!(only.words.iter().all(|word| words.contains(word)), "{path}.{}", key.name);
            }
            if let Some(deeper) = inner(&key.kind) {
                walk(deeper, Some(section), &format!("{path}.{}", key.name));
            }
        }
    }
    walk(&ROOT, None, "");
}

#[test]
fn each_word_of_each_key_builds() {
    let mut tried = 0;
    for (path, key) in keys() {
        for word in words(&key.kind) {
            let text = with_word(&path, word);
            let diagnostics = load("words.toml".as_ref(), &mut Text(&text)).diagnostics;
            assert_eq!(said(&diagnostics), "", "{path} = {word}\n{text}");
            tried += 1;
        }
    }
    assert!(tried > 40, "the words are found");
}

fn words(kind: &Kind) -> Vec<&'static str> {
    match kind {
        Kind::Word(words) => words.to_vec(),
        Kind::Either(kinds) => kinds.iter().flat_map(words).collect(),
        Kind::List(item) | Kind::Some(item) => words(item),
        _ => Vec::new(),
    }
}

/// A whole file in which one key is one word.
fn with_word(path: &str, word: &str) -> String {
    let (table, key) = path.trim_start_matches('.').rsplit_once('.').expect("no word at the top");
    let (kind, rest) = table.split_once('.').unwrap_or((table, ""));
    let name = if matches!(kind, "listener" | "route" | "pool" | "rollout") { ".a" } else { "" };
    let rest = if rest.is_empty() { String::new() } else { format!(".{rest}") };
    let mut lines = vec![
        "listener.a.address = \"127.0.0.1:80\"".to_owned(),
        "route.a.pool = \"a\"".to_owned(),
        "pool.a.servers = \"127.0.0.1:81\"".to_owned(),
    ];
    lines.push(match (kind, rest.as_str()) {
        ("admin", ".tokens") => {
            format!("admin.tokens = [{{ name = \"a\", token = \"env:A\", role = \"{word}\" }}]")
        }
        ("notify", _) => format!("notify = {{ webhook = \"env:A\", {key} = \"{word}\" }}"),
        ("pool", rest) if rest.starts_with(".autoscale") => autoscale(rest, key, word),
        ("audience", _) => format!("audience.a.any = {{ {key} = \"{word}\" }}"),
        ("rollout", ".analysis.custom") => format!(
            "rollout.a.analysis.custom = {{ name = \"a\", prometheus = \"http://a:1\", query = \
             \"{{version}}\", max = 1, compare = true, {key} = \"{word}\" }}"
        ),
        _ => format!("{kind}{name}{rest}.{key} = \"{word}\""),
    });
    if matches!(kind, "rollout" | "audience") {
        lines.push(rollout(key));
    }
    if rest == ".hash" {
        lines.push("pool.a.balance = \"ip-hash\"".to_owned());
    }
    if (kind, rest.as_str()) == ("listener", ".tls") {
        let files = "{ certificate = \"a.pem\", key = \"a.key\" }";
        lines.push(format!("listener.a.tls.certificates = {files}"));
        lines.push("listener.a.tls.client_ca = \"ca.pem\"".to_owned());
    }
    if rest == ".tls.acme" {
        lines.push("listener.a.tls.acme.domains = \"shop.example.com\"".to_owned());
        lines.push("listener.plain.address = \"127.0.0.1:82\"".to_owned());
    }
    if rest == ".session" && key != "mode" {
        lines.push("pool.a.session.mode = \"cookie\"".to_owned());
    }
    if (key, word) == ("mode", "table") {
        lines.push("pool.a.session.key = \"cookie:sid\"".to_owned());
    }
    if (key, word) == ("same_site", "none") {
        let acme = "listener.b = { address = \"127.0.0.1:83\", tls.acme.domains = \"a.example\" }";
        lines.push(acme.to_owned());
    }
    if word == "hash" {
        lines.push("pool.a.hash.key = \"path\"".to_owned());
    }
    lines.join("\n")
}

/// What a rollout needs beside one key, for an audience to be used as well.
fn rollout(key: &str) -> String {
    let mut lines = vec!["pool.b.servers = \"127.0.0.1:82\"".to_owned()];
    lines.push("rollout.a.pool = \"a\"\nrollout.a.candidate = \"b\"".to_owned());
    if key != "strategy" {
        lines.push("rollout.a.strategy = \"canary\"".to_owned());
    }
    if key == "device" {
        lines.push("rollout.a.always = \"a\"".to_owned());
    }
    lines.join("\n")
}

/// A whole autoscaler in which one key is one word.
fn autoscale(rest: &str, key: &str, word: &str) -> String {
    let one = format!("{key} = \"{word}\"");
    let metric = "name = \"a\", prometheus = \"http://a:1\", query = \"a\", target = 1";
    let day = "from = \"2026-11-27T00:00Z\", to = \"2026-11-28T00:00Z\"";
    let mut lines = vec!["min = 1".to_owned(), "max = 2".to_owned()];
    lines.push(match rest {
        ".autoscale" => one,
        ".autoscale.custom" => format!("custom = {{ {metric}, {one} }}"),
        ".autoscale.schedule" => format!("schedule = {{ name = \"a\", min = 1, {day}, {one} }}"),
        ".autoscale.budget" => format!("budget = {{ server_hour = 1, per_day = 100, {one} }}"),
        ".autoscale.levels.custom" => {
            format!("custom = {{ {metric} }}\nlevels.custom.a = {{ scale = 2, down = 1, {one} }}")
        }
        deeper => format!("{}.{one}", deeper.trim_start_matches(".autoscale.")),
    });
    if rest.starts_with(".autoscale.levels") || key == "levels" {
        lines.push("policy = \"levels\"".to_owned());
    }
    if key != "provider" {
        lines.push("provider = \"process\"".to_owned());
    }
    lines.push(match (key, word) {
        ("provider", "exec") => "exec = { list = \"a\", start = \"a\", stop = \"a\" }".to_owned(),
        _ if rest == ".autoscale.process" => {
            "process.command = \"a\"\nprocess.ports = \"9100\"".to_owned()
        }
        _ => "process = { command = \"a\", ports = \"9100\" }".to_owned(),
    });
    format!("[pool.a.health]\n[pool.a.autoscale]\n{}", lines.join("\n"))
}

fn said(diagnostics: &[Diagnostic]) -> String {
    diagnostics.iter().map(|diagnostic| format!("{diagnostic}\n")).collect()
}
