//! The nodes of the raw tree, and the typed reading of them.
//!
//! The readers answer `None` where a value is faulty: whoever builds from it gives up silently,
//! because the fault has been reported where it was found.

use std::collections::BTreeMap;
use std::fmt;

use crate::config::position::At;
use crate::config::text::fault::Fault;

/// A value and where it comes from.
#[derive(Clone, Debug)]
pub(crate) struct Value {
    /// What it is.
    pub data: Data,
    /// Where it comes from.
    pub origin: Origin,
}

/// What a value is.
#[derive(Clone, Debug)]
pub(crate) enum Data {
    /// A string.
    Text(String),
    /// A whole number; one that is too large for any key saturates.
    Integer(i128),
    /// A number with a fraction.
    Number(f64),
    /// True or false.
    Flag(bool),
    /// A date or a time, as TOML writes it without quotes.
    Date(String),
    /// A list.
    List(Vec<Value>),
    /// A table.
    Table(Table),
    /// A value that has been reported.
    Faulty,
}

/// Where a value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// The place where it is written.
    Written(At),
    /// The place in `[default.*]` where it is written.
    Inherited(At),
    /// The declared default.
    Default,
}

/// Values by key.
#[derive(Clone, Debug, Default)]
pub(crate) struct Table(BTreeMap<String, Entry>);

/// A key and its value.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// Where the key is written, if it is.
    pub key: Option<At>,
    /// Its value.
    pub value: Value,
}

/// The dotted name of a key, as a list that grows on the stack.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Path<'a> {
    above: Option<&'a Self>,
    name: &'a str,
}

impl Value {
    /// A value that no file holds.
    pub(crate) const fn default(data: Data) -> Self {
        Self { data, origin: Origin::Default }
    }

    /// The place where it is written, if it is.
    pub(crate) const fn at(&self) -> Option<At> {
        match self.origin {
            Origin::Written(at) | Origin::Inherited(at) => Some(at),
            Origin::Default => None,
        }
    }

    /// Its text, if it is one.
    pub(crate) fn text(&self) -> Option<&str> {
        match &self.data {
            Data::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Its table, if it is one.
    pub(crate) const fn table(&self) -> Option<&Table> {
        match &self.data {
            Data::Table(table) => Some(table),
            _ => None,
        }
    }

    /// Its number, whole or not, if it is one.
    pub(crate) const fn number(&self) -> Option<f64> {
        match self.data {
            #[expect(clippy::cast_precision_loss, reason = "ranges of declared numbers are small")]
            Data::Integer(number) => Some(number as f64),
            Data::Number(number) => Some(number),
            _ => None,
        }
    }

    /// What its text means.
    pub(crate) fn parse<T>(&self, parse: impl Fn(&str) -> Result<T, Fault>) -> Option<T> {
        parse(self.text()?).ok()
    }
}

impl Table {
    /// The entry of a key.
    pub(crate) fn entry(&self, key: &str) -> Option<&Entry> {
        self.0.get(key)
    }

    /// The value of a key.
    pub(crate) fn value(&self, key: &str) -> Option<&Value> {
        self.0.get(key).map(|entry| &entry.value)
    }

    /// The value of a key, to change.
    pub(crate) fn value_mut(&mut self, key: &str) -> Option<&mut Value> {
        self.0.get_mut(key).map(|entry| &mut entry.value)
    }

    /// Puts an entry in.
    pub(crate) fn insert(&mut self, key: &str, entry: Entry) {
        self.0.insert(key.to_owned(), entry);
    }

    /// Takes an entry out.
    pub(crate) fn remove(&mut self, key: &str) -> Option<Entry> {
        self.0.remove(key)
    }

    /// All entries, by key.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &Entry)> {
        self.0.iter().map(|(key, entry)| (key.as_str(), entry))
    }

    /// All entries, by key, to change.
    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = (&str, &mut Entry)> {
        self.0.iter_mut().map(|(key, entry)| (key.as_str(), entry))
    }

    /// All entries, by key, to keep.
    pub(crate) fn into_entries(self) -> impl Iterator<Item = (String, Entry)> {
        self.0.into_iter()
    }

    /// The text of a key.
    pub(crate) fn text(&self, key: &str) -> Option<&str> {
        self.value(key)?.text()
    }

    /// What the text of a key means.
    pub(crate) fn parse<T>(
        &self,
        key: &str,
        parse: impl Fn(&str) -> Result<T, Fault>,
    ) -> Option<T> {
        self.value(key)?.parse(parse)
    }

    /// What an optional key means: `Some(None)` when it is absent, `None` when it is faulty.
    pub(crate) fn optional<T>(
        &self,
        key: &str,
        read: impl FnOnce(&Value) -> Option<T>,
    ) -> Option<Option<T>> {
        self.value(key).map_or(Some(None), |value| read(value).map(Some))
    }

    /// The number of a key, if it fits.
    pub(crate) fn integer<T: TryFrom<i128>>(&self, key: &str) -> Option<T> {
        match self.value(key)?.data {
            Data::Integer(number) => T::try_from(number).ok(),
            _ => None,
        }
    }

    /// The number of a key, whole or not.
    pub(crate) fn number(&self, key: &str) -> Option<f64> {
        self.value(key)?.number()
    }

    /// The flag of a key.
    pub(crate) fn flag(&self, key: &str) -> Option<bool> {
        match self.value(key)?.data {
            Data::Flag(flag) => Some(flag),
            _ => None,
        }
    }

    /// The table of a key.
    pub(crate) fn table(&self, key: &str) -> Option<&Self> {
        self.value(key)?.table()
    }

    /// The items of a key that holds a list; none when it is absent.
    pub(crate) fn list(&self, key: &str) -> Option<&[Value]> {
        match self.value(key).map(|value| &value.data) {
            None => Some(&[]),
            Some(Data::List(items)) => Some(items),
            Some(_) => None,
        }
    }

    /// What each item of a list of texts means; nothing when it is absent.
    pub(crate) fn parse_list<T>(
        &self,
        key: &str,
        parse: impl Fn(&str) -> Result<T, Fault>,
    ) -> Option<Vec<T>> {
        self.list(key)?.iter().map(|item| item.parse(&parse)).collect()
    }
}

impl<'a> Path<'a> {
    /// The path of the whole file.
    pub(crate) const ROOT: Path<'static> = Path { above: None, name: "" };

    /// The path of a key below this one.
    pub(crate) const fn key(&'a self, name: &'a str) -> Self {
        Path { above: Some(self), name }
    }

    /// Whether this is the whole file.
    pub(crate) const fn is_root(&self) -> bool {
        self.above.is_none()
    }

    /// Its last name.
    pub(crate) const fn name(&self) -> &'a str {
        self.name
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(above) = self.above else { return Ok(()) };
        if !above.is_root() {
            write!(f, "{above}.")?;
        }
        f.write_str(&quote_key(self.name))
    }
}

/// A key as TOML writes it: bare when it can be.
pub(crate) fn quote_key(key: &str) -> String {
    let bare = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    if !key.is_empty() && key.bytes().all(bare) { key.to_owned() } else { quote(key) }
}

/// A text as TOML writes it: a basic string.
pub(crate) fn quote(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for letter in text.chars() {
        match letter {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            letter if letter.is_control() => {
                quoted.push_str(&format!("\\u{:04X}", u32::from(letter)));
            }
            letter => quoted.push(letter),
        }
    }
    quoted.push('"');
    quoted
}
