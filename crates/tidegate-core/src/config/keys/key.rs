//! What a declaration of a key consists of.

use crate::config::raw::tree::{Table, quote};
use crate::config::text::fault::Format;

/// A table of the file: what it is, and its keys.
#[derive(Debug)]
pub(crate) struct Section {
    /// One or more sentences for the reference page.
    pub doc: &'static str,
    /// Its keys in reading order. A key that others depend on ([`Only`], [`Default::Computed`])
    /// stands before them.
    pub keys: &'static [Key],
}

/// A key.
#[derive(Debug)]
pub(crate) struct Key {
    /// Its name.
    pub name: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// What it holds when it is not written.
    pub default: Default,
    /// A sentence for people, in Markdown.
    pub doc: &'static str,
    /// When it has an effect at all; `None`: always.
    pub only: Option<Only>,
    /// What other programs call it.
    pub also: &'static [&'static str],
}

/// What a value has to be.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    /// A string of a certain form.
    Text(&'static Format),
    /// A string of a certain form, or what TOML writes as a date and a time.
    Time(&'static Format),
    /// One of these strings.
    Word(&'static [&'static str]),
    /// True or false.
    Flag,
    /// A whole number, both ends included.
    Integer {
        /// The least.
        min: i128,
        /// The most.
        max: i128,
    },
    /// A number, both ends included.
    Number {
        /// The least.
        min: f64,
        /// The most.
        max: f64,
    },
    /// One of these kinds, which differ in TOML type or, as strings, in being words; at most one
    /// is a table.
    Either(&'static [Self]),
    /// A list; a single item will do.
    List(&'static Self),
    /// A list of at least one item; a single item will do.
    Some(&'static Self),
    /// A table of free keys.
    Map {
        /// What keys look like.
        key: &'static Format,
        /// What values look like.
        value: &'static Self,
    },
    /// A table of declared keys.
    Table(&'static Section),
    /// A table of declared keys, or a list of such tables.
    Tables(&'static Section),
    /// A table of declared keys, or the value of its first key alone.
    Shorthand(&'static Section),
    /// Tables of declared keys, by a name that people give.
    Objects(&'static Section),
    /// What objects of a kind inherit: any of their keys.
    Defaults(&'static Section),
}

/// What a key holds when it is not written.
#[derive(Debug)]
pub(crate) enum Default {
    /// It has to be written.
    Required,
    /// Nothing; what that means.
    Absent(&'static str),
    /// A string.
    Text(&'static str),
    /// A list of strings.
    Words(&'static [&'static str]),
    /// A whole number.
    Integer(i128),
    /// A list of whole numbers.
    Integers(&'static [i128]),
    /// A number.
    Number(f64),
    /// True or false.
    Flag(bool),
    /// A table of the defaults of its keys.
    Table,
    /// What follows from other values: in words, and as a function.
    Computed(&'static str, fn(&Known<'_>) -> Computed),
}

/// What a computed default may depend on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Known<'a> {
    /// The name of the listener, route or pool that the key belongs to.
    pub object: &'a str,
    /// The keys beside it that are declared before it, with their defaults.
    pub beside: &'a Table,
    /// The same of the table around it.
    pub around: Option<&'a Table>,
}

/// A computed default.
#[derive(Debug)]
pub(crate) enum Computed {
    /// A string.
    Text(String),
    /// A whole number.
    Integer(i128),
    /// A number.
    Number(f64),
    /// Nothing: it would have no effect.
    Absent,
    /// What it depends on is faulty.
    Unknown,
}

/// When a key has an effect: while a word beside it, or else beside the table it stands in, is one
/// of these.
#[derive(Debug)]
pub(crate) struct Only {
    /// The key of the word.
    pub key: &'static str,
    /// The words.
    pub words: &'static [&'static str],
}

impl Key {
    /// Declares a key.
    pub(crate) const fn new(
        name: &'static str,
        kind: Kind,
        default: Default,
        doc: &'static str,
    ) -> Self {
        Self { name, kind, default, doc, only: None, also: &[] }
    }

    /// The same key, with an effect only while `key` is one of `words`.
    pub(crate) const fn only(self, key: &'static str, words: &'static [&'static str]) -> Self {
        Self { only: Some(Only { key, words }), ..self }
    }

    /// The same key, with the names that other programs give it.
    pub(crate) const fn also(self, also: &'static [&'static str]) -> Self {
        Self { also, ..self }
    }
}

impl Kind {
    /// What a value has to be, for people: follows "expected".
    pub(crate) fn expected(&self) -> String {
        match self {
            Self::Text(format) | Self::Time(format) => format.expected.to_owned(),
            Self::Word(words) => one_of(words),
            Self::Flag => "true or false".to_owned(),
            Self::Integer { min, max } if min == max => min.to_string(),
            Self::Integer { min, max } => format!("a whole number from {min} to {max}"),
            Self::Number { min, max } => format!("a number from {min} to {max}"),
            Self::Either(kinds) => {
                kinds.iter().map(Self::expected).collect::<Vec<_>>().join(", or ")
            }
            Self::List(item) | Self::Some(item) => {
                format!("{}, or a list of these", item.expected())
            }
            Self::Map { key, value } => {
                format!("a table such as {{ {} = {} }}", key.example, value.example())
            }
            Self::Table(section) => format!("a table of {}", names(section)),
            Self::Tables(section) => format!("a table of {}, or a list of these", names(section)),
            Self::Shorthand(section) => {
                let first = section.keys.first().map(|key| key.kind.expected());
                format!("{}, or a table of {}", first.unwrap_or_default(), names(section))
            }
            Self::Objects(_) => "named tables".to_owned(),
            Self::Defaults(section) => format!("a table of any of {}", names(section)),
        }
    }

    /// The declared keys of a table of this kind, where it may be one.
    pub(crate) fn section(&self) -> Option<&'static Section> {
        match self {
            Self::Table(section) => Some(section),
            Self::Either(kinds) => kinds.iter().find_map(Self::section),
            _ => None,
        }
    }

    /// A value of a kind without parts, as TOML writes it.
    fn example(&self) -> String {
        match self {
            Self::Text(format) | Self::Time(format) => quote(format.example),
            Self::Either([first, ..]) => first.example(),
            _ => "…".to_owned(),
        }
    }
}

impl Section {
    /// The declaration of a key.
    pub(crate) fn key(&self, name: &str) -> Option<&'static Key> {
        self.keys.iter().find(|key| key.name == name)
    }
}

/// `"a", "b" or "c"`.
fn one_of(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("\"{word}\"")).collect();
    match quoted.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} or {last}", others.join(", ")),
        None => String::new(),
    }
}

/// The names of a section's keys.
pub(crate) fn names(section: &Section) -> String {
    section.keys.iter().map(|key| key.name).collect::<Vec<_>>().join(", ")
}
