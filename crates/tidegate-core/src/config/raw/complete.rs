//! Fills in what is not written, and finds what is missing or has no effect.
//!
//! Defaults are filled here and nowhere else. Afterwards a single item of a list is a list, a
//! shorthand is a table, and a key is absent only if its absence means something.

use super::report::{Mistake, Report};
use super::tree::{Data, Entry, Origin, Path, Table, Value, quote};
use crate::config::keys::key::{Computed, Default, Key, Kind, Known, Only, Section};
use crate::config::position::At;

/// A table that is being completed.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a> {
    /// Its dotted name.
    pub path: &'a Path<'a>,
    /// Where it is written, or what it belongs to is.
    pub at: At,
    /// The name of the listener, route or pool it belongs to.
    pub object: &'a str,
    /// The table around it.
    pub around: Option<&'a Table>,
}

/// Whether a key has an effect.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Effect {
    Some,
    None,
    /// What it depends on is faulty.
    Unknown,
}

/// Completes a table.
pub(crate) fn table(
    section: &'static Section,
    table: &mut Table,
    place: Place<'_>,
    report: &mut Report,
) {
    for key in section.keys {
        let effect = key.only.as_ref().map_or(Effect::Some, |only| effect(only, table, place));
        let path = place.path.key(key.name);
        match (table.remove(key.name), effect) {
            (Some(mut entry), Effect::Some) => {
                let at = entry.key.unwrap_or(place.at);
                let inner = Place { path: &path, at, around: Some(table), ..place };
                value(&key.kind, &mut entry.value, inner, report);
                table.insert(key.name, entry);
            }
            (Some(entry), Effect::None) => idle(key, &entry, table, place, report),
            (None, Effect::Some) => fill(key, table, place, report),
            (Some(_) | None, Effect::Unknown) | (None, Effect::None) => {}
        }
    }
}

fn effect(only: &Only, table: &Table, place: Place<'_>) -> Effect {
    let beside = table.value(only.key);
    match beside.or_else(|| place.around?.value(only.key)).and_then(Value::text) {
        Some(word) if only.words.contains(&word) => Effect::Some,
        Some(_) => Effect::None,
        None => Effect::Unknown,
    }
}

/// A key without effect is a mistake where it is written; inherited, it waits for those it means.
fn idle(key: &Key, entry: &Entry, table: &Table, place: Place<'_>, report: &mut Report) {
    let (Some(only), Some(at)) = (&key.only, entry.key) else { return };
    if !matches!(entry.value.origin, Origin::Written(_)) {
        return;
    }
    let beside = table.text(only.key).or_else(|| place.around?.text(only.key));
    let path = place.path.key(key.name);
    let word = quote(beside.unwrap_or_default());
    let message = format!("`{path}` has no effect while `{}` is {word}", only.key);
    let expected = Kind::Word(only.words).expected();
    report.add(Mistake::new(at, &path, message).expected(format!("`{}` {expected}", only.key)));
}

fn fill(key: &'static Key, table: &mut Table, place: Place<'_>, report: &mut Report) {
    let path = place.path.key(key.name);
    let data = match &key.default {
        Default::Absent(_) => return,
        Default::Required => {
            let message = format!("`{}` needs `{}`", place.path, key.name);
            let mistake = Mistake::new(place.at, &path, message);
            report.add(mistake.expected(key.kind.expected()));
            Data::Faulty
        }
        Default::Text(text) => Data::Text((*text).to_owned()),
        Default::Words(words) => {
            let text = |word: &&str| Value::default(Data::Text((*word).to_owned()));
            Data::List(words.iter().map(text).collect())
        }
        Default::Integer(number) => Data::Integer(*number),
        Default::Integers(numbers) => {
            let number = |number: &i128| Value::default(Data::Integer(*number));
            Data::List(numbers.iter().map(number).collect())
        }
        Default::Number(number) => Data::Number(*number),
        Default::Flag(flag) => Data::Flag(*flag),
        Default::Table => Data::Table(Table::default()),
        Default::Computed(_, compute) => {
            match compute(&Known { object: place.object, beside: table, around: place.around }) {
                Computed::Text(text) => Data::Text(text),
                Computed::Integer(number) => Data::Integer(number),
                Computed::Number(number) => Data::Number(number),
                Computed::Absent => return,
                Computed::Unknown => Data::Faulty,
            }
        }
    };
    let mut filled = Value::default(data);
    let inner = Place { path: &path, around: Some(table), ..place };
    value(&key.kind, &mut filled, inner, report);
    table.insert(key.name, Entry { key: None, value: filled });
}

/// Completes a value, and brings it to the one form of its kind.
fn value(kind: &'static Kind, value: &mut Value, place: Place<'_>, report: &mut Report) {
    normalize(kind, value);
    match (kind, &mut value.data) {
        (Kind::Table(section) | Kind::Shorthand(section), Data::Table(inner)) => {
            table(section, inner, place, report)
        }
        (Kind::Tables(section), Data::List(items)) => {
            for item in items {
                let at = item.at().unwrap_or(place.at);
                if let Data::Table(inner) = &mut item.data {
                    table(section, inner, Place { at, ..place }, report);
                }
            }
        }
        (Kind::List(kind) | Kind::Some(kind), Data::List(items)) => {
            for item in items {
                let at = item.at().unwrap_or(place.at);
                self::value(kind, item, Place { at, ..place }, report);
            }
        }
        (Kind::Either(_), Data::Table(inner)) if let Some(section) = kind.section() => {
            table(section, inner, place, report);
        }
        (Kind::Map { value: kind, .. }, Data::Table(entries)) => {
            for (name, entry) in entries.iter_mut() {
                let path = place.path.key(name);
                let at = entry.key.unwrap_or(place.at);
                self::value(kind, &mut entry.value, Place { path: &path, at, ..place }, report);
            }
        }
        (Kind::Objects(section), Data::Table(objects)) => {
            for (name, object) in objects.iter_mut() {
                let path = place.path.key(name);
                let at = object.key.unwrap_or(place.at);
                if let Data::Table(inner) = &mut object.value.data {
                    let place = Place { path: &path, at, object: name, around: None };
                    table(section, inner, place, report);
                }
            }
        }
        _ => {}
    }
}

fn normalize(kind: &Kind, value: &mut Value) {
    let single = !matches!(value.data, Data::List(_) | Data::Faulty);
    match kind {
        Kind::List(_) | Kind::Some(_) | Kind::Tables(_) if single => {
            let item = std::mem::replace(value, Value::default(Data::Faulty));
            value.origin = item.origin;
            value.data = Data::List(vec![item]);
        }
        // The same form, without quotes.
        Kind::Time(_) => {
            if let Data::Date(text) = &mut value.data {
                value.data = Data::Text(std::mem::take(text));
            }
        }
        Kind::Shorthand(section) if !matches!(value.data, Data::Table(_) | Data::Faulty) => {
            let Some(first) = section.keys.first() else { return };
            let item = std::mem::replace(value, Value::default(Data::Faulty));
            value.origin = item.origin;
            let mut table = Table::default();
            table.insert(first.name, Entry { key: item.at(), value: item });
            value.data = Data::Table(table);
        }
        _ => {}
    }
}
