//! The reference page of the configuration file, derived from the declared keys.

use std::fmt::Write as _;

use super::keys::key::{Default, Key, Kind, Section};
use super::keys::root::ROOT;

const INTRODUCTION: &str = "\
# Configuration reference

<!-- Generated from the declared keys. To renew it:
     UPDATE_EXPECT=1 cargo test -p tidegate-core --test config -->

The file is TOML. `tidegate check` lists every mistake in it with its line and column and the
nearest known word; `tidegate check --resolved` prints it with every default and where each value
comes from; `tidegate schema` prints a JSON Schema for editors.

- Where a list is taken, a single item will do.
- Durations are a whole number and a unit: `\"500ms\"`, `\"5s\"`, `\"1m\"`, `\"1h\"`. Sizes too:
  `\"512B\"`, `\"64KiB\"`, `\"16MiB\"`, or decimal, `\"64KB\"`.
- No number means \"unlimited\": the word does.
- Secrets are references: `\"env:NAME\"` or `\"file:PATH\"`.
- A relative path starts at the directory of the main file.
- A key that is not on this page does not exist: nothing is accepted and ignored.
";

/// The page, as Markdown.
#[must_use]
pub fn reference() -> String {
    let mut page = INTRODUCTION.to_owned();
    section(&mut page, "The file", &ROOT, None);
    tables(&mut page, "", &ROOT);
    page
}

fn section(page: &mut String, title: &str, section: &Section, presence: Option<&str>) {
    push(page, format_args!("\n## {title}\n\n{}\n", section.doc));
    if let Some(presence) = presence {
        push(page, format_args!("\nWithout this table: {presence}.\n"));
    }
    push(page, format_args!("\n| key | value | default | |\n|---|---|---|---|\n"));
    for key in section.keys {
        push(
            page,
            format_args!("| `{}` | {} | {} | {} |\n", key.name, value(key), default(key), doc(key)),
        );
    }
}

/// The tables below a section, depth first.
fn tables(page: &mut String, above: &str, section: &Section) {
    for key in section.keys {
        let name = format!("{above}{}", key.name);
        let (title, inner) = match key.kind {
            Kind::Objects(inner) => (format!("{name}.NAME"), inner),
            Kind::Table(inner) | Kind::Tables(inner) | Kind::Shorthand(inner) => (name, inner),
            Kind::List(Kind::Table(inner) | Kind::Shorthand(inner)) => (name, *inner),
            Kind::Map { value: Kind::Table(inner), .. } => (format!("{name}.NAME"), *inner),
            Kind::Either(_) if let Some(inner) = key.kind.section() => (name, inner),
            _ => continue,
        };
        let presence = match (&key.kind, &key.default) {
            (Kind::Table(_) | Kind::Tables(_), Default::Absent(meaning)) => Some(*meaning),
            _ => None,
        };
        self::section(page, &format!("`[{title}]`"), inner, presence);
        tables(page, &format!("{title}."), inner);
    }
}

fn value(key: &Key) -> String {
    match &key.kind {
        Kind::Table(_) => "a table".to_owned(),
        Kind::Tables(_) => "a table, or several".to_owned(),
        Kind::List(Kind::Table(_)) => "a list of tables".to_owned(),
        Kind::Defaults(_) => "a table of its keys".to_owned(),
        kind => in_code(&kind.expected()),
    }
}

fn default(key: &Key) -> String {
    match &key.default {
        Default::Required => "required".to_owned(),
        Default::Absent(meaning) => (*meaning).to_owned(),
        Default::Text(text) => format!("`\"{text}\"`"),
        Default::Words(words) => format!("`{words:?}`"),
        Default::Integer(number) => format!("`{number}`"),
        Default::Integers(numbers) => format!("`{numbers:?}`"),
        Default::Number(number) => format!("`{number:?}`"),
        Default::Flag(flag) => format!("`{flag}`"),
        Default::Table => "its defaults".to_owned(),
        Default::Computed(meaning, _) => (*meaning).to_owned(),
    }
}

fn doc(key: &Key) -> String {
    match &key.only {
        Some(only) => {
            let words = Kind::Word(only.words).expected();
            format!("{} Only with `{}` {words}.", key.doc, only.key)
        }
        None => key.doc.to_owned(),
    }
}

/// Quoted words as code, so that nothing in them is taken for Markdown.
fn in_code(text: &str) -> String {
    let mut page = String::new();
    for (position, part) in text.split('"').enumerate() {
        let quoted = position % 2 == 1;
        page.push_str(&if quoted { format!("`\"{part}\"`") } else { part.to_owned() });
    }
    page.replace('|', "\\|")
}

fn push(page: &mut String, text: std::fmt::Arguments<'_>) {
    page.write_fmt(text).expect("writing to a string does not fail");
}
