//! Holds one file against the declared keys: unknown keys, values of the wrong type, values that
//! mean nothing.
//!
//! What is wrong is reported and becomes [`Data::Faulty`], so that nothing later trips over it
//! again. Whether keys are missing is not asked here, as another file or `[default.*]` may hold
//! them.

use super::report::{Mistake, Report};
use super::tree::{Data, Entry, Origin, Path, Table, Value, quote};
use crate::config::keys::key::{Key, Kind, Section, names};
use crate::config::position::At;
use crate::config::text::fault::{Fault, Format};
use crate::config::text::name;

/// Holds a table against its section.
pub(crate) fn table(section: &Section, table: &mut Table, path: &Path<'_>, report: &mut Report) {
    let mut meant = Vec::new();
    for (name, entry) in table.iter_mut() {
        let path = path.key(name);
        match section.key(name) {
            Some(key) if is_misplaced(section, key, entry) => {
                misplaced_key(section, key, entry, &path, report);
            }
            Some(key) => value(&key.kind, &mut entry.value, &path, report),
            None => {
                meant.extend(unknown_key(section, entry, &path, report));
                entry.value.data = Data::Faulty;
            }
        }
    }
    // A misspelled key is not missing as well.
    for key in meant {
        if table.value(&key).is_none() {
            table.insert(&key, Entry { key: None, value: Value::default(Data::Faulty) });
        }
    }
}

/// Reports a key that is not declared, and tells which one was probably meant.
fn unknown_key(
    section: &Section,
    entry: &Entry,
    path: &Path<'_>,
    report: &mut Report,
) -> Option<String> {
    let at = entry.key?;
    let nearest = nearest_key(section, path.name(), report);
    let mistake = Mistake::new(at, path, format!("unknown key `{path}`")).nearest(nearest.as_ref());
    report.add(match nearest {
        Some(_) => mistake,
        None => mistake.expected(format!("one of {}", names(section))),
    });
    nearest
}

/// Whether a value stands where a table belongs, while a table beside it has a key of that name:
/// `path = "/x"` in a route means `match.path`.
fn is_misplaced(section: &Section, key: &Key, entry: &Entry) -> bool {
    let value = matches!(entry.value.data, Data::Text(_) | Data::List(_) | Data::Integer(_));
    value && matches!(key.kind, Kind::Table(_)) && deeper_key(section, key.name).is_some()
}

fn misplaced_key(
    section: &Section,
    key: &Key,
    entry: &mut Entry,
    path: &Path<'_>,
    report: &mut Report,
) {
    let Some(at) = entry.key else { return };
    let message = format!("`{path}` cannot be {}", type_name(&entry.value.data));
    let mistake = Mistake::new(at, path, message).expected(key.kind.expected());
    report.add(mistake.nearest(deeper_key(section, key.name)));
    entry.value.data = Data::Faulty;
}

/// What was probably meant: another program's word for a key, a key of this table, or one of a
/// table in it.
fn nearest_key(section: &Section, word: &str, report: &mut Report) -> Option<String> {
    let known = || section.keys.iter();
    let alias = known().find(|key| key.also.contains(&word)).map(|key| key.name);
    let near = alias.or_else(|| report.nearest(word, known().map(|key| key.name)));
    near.map(str::to_owned).or_else(|| deeper_key(section, word)).or_else(|| {
        tables(section).find_map(|(key, inner)| {
            let near = report.nearest(word, inner.keys.iter().map(|key| key.name))?;
            Some(format!("{}.{near}", key.name))
        })
    })
}

/// A key of this name in one of the tables of a section.
fn deeper_key(section: &Section, word: &str) -> Option<String> {
    tables(section).find_map(|(key, inner)| Some(format!("{}.{}", key.name, inner.key(word)?.name)))
}

/// The tables that a section holds once.
fn tables(section: &Section) -> impl Iterator<Item = (&Key, &Section)> {
    section.keys.iter().filter_map(|key| match key.kind {
        Kind::Table(inner) | Kind::Tables(inner) => Some((key, inner)),
        _ => None,
    })
}

fn value(kind: &Kind, value: &mut Value, path: &Path<'_>, report: &mut Report) {
    let Origin::Written(at) = value.origin else { return };
    match (kind, &mut value.data) {
        (_, Data::Faulty) => {}
        (Kind::Table(section) | Kind::Defaults(section), Data::Table(inner))
        | (Kind::Tables(section) | Kind::Shorthand(section), Data::Table(inner)) => {
            table(section, inner, path, report);
        }
        (Kind::Objects(section), Data::Table(inner)) => objects(section, inner, path, report),
        (Kind::Either(_), Data::Table(inner)) if let Some(section) = kind.section() => {
            table(section, inner, path, report);
        }
        (Kind::Map { key, value }, Data::Table(inner)) => map(key, value, inner, path, report),
        (Kind::Some(_) | Kind::Tables(_), Data::List(items)) if items.is_empty() => {
            let mistake = Mistake::new(at, path, format!("`{path}` cannot be empty"));
            report.add(mistake.expected(kind.expected()));
            value.data = Data::Faulty;
        }
        (Kind::List(item) | Kind::Some(item), Data::List(items)) => each(item, items, path, report),
        (Kind::Tables(section), Data::List(items)) => {
            each(&Kind::Table(section), items, path, report);
        }
        (Kind::List(item) | Kind::Some(item), _) => self::value(item, value, path, report),
        (Kind::Shorthand(section), Data::List(_)) if let Some(list) = first_list(section) => {
            self::value(list, value, path, report);
        }
        (kind, data) => {
            if let Err(fault) = leaf(kind, data, report) {
                report.add(explain(at, path, kind, data, fault));
                value.data = Data::Faulty;
            }
        }
    }
}

/// The kind of the first key of a section, if it takes a list.
fn first_list(section: &Section) -> Option<&Kind> {
    let first = section.keys.first().map(|key| &key.kind);
    first.filter(|kind| matches!(kind, Kind::List(_) | Kind::Some(_)))
}

fn each(kind: &Kind, items: &mut [Value], path: &Path<'_>, report: &mut Report) {
    for item in items {
        value(kind, item, path, report);
    }
}

fn map(key: &Format, kind: &Kind, table: &mut Table, path: &Path<'_>, report: &mut Report) {
    for (name, entry) in table.iter_mut() {
        let path = path.key(name);
        if let (Err(fault), Some(at)) = ((key.check)(name), entry.key) {
            let message =
                fault.message.unwrap_or_else(|| format!("{} is not {}", quote(name), key.name));
            report.add(
                Mistake::new(at, &path, message).expected(key.expected).nearest(fault.nearest),
            );
            entry.value.data = Data::Faulty;
        }
        value(kind, &mut entry.value, &path, report);
    }
}

/// Named tables, and the two ways in which they are commonly mistaken.
fn objects(section: &Section, table: &mut Table, path: &Path<'_>, report: &mut Report) {
    for (name, entry) in table.iter_mut() {
        let inner = path.key(name);
        let Some(at) = entry.key else { continue };
        if let Data::Table(object) = &mut entry.value.data {
            if name::object(name).is_err() {
                let message = format!("{} is not the name of a {path}", quote(name));
                report.add(Mistake::new(at, &inner, message).expected(name::OBJECT.expected));
            }
            self::table(section, object, &inner, report);
            continue;
        }
        let mistake = Mistake::new(at, &inner, format!("`{inner}` is not a table"));
        report.add(mistake.expected(format!("a table with a name: `[{path}.NAME]`")));
        entry.value.data = Data::Faulty;
    }
}

/// Whether a value is what a kind without parts asks for.
fn leaf(kind: &Kind, data: &Data, report: &mut Report) -> Result<(), Fault> {
    match (kind, data) {
        (Kind::Text(format), Data::Text(text)) => (format.check)(text),
        (Kind::Time(format), Data::Text(text) | Data::Date(text)) => (format.check)(text),
        (Kind::Word(words), Data::Text(text)) if words.contains(&text.as_str()) => Ok(()),
        (Kind::Word(words), Data::Text(text)) => {
            let nearest = report.nearest(text, words.iter().copied());
            Err(Fault::default().nearest(nearest))
        }
        (Kind::Flag, Data::Flag(_)) => Ok(()),
        (Kind::Integer { min, max }, Data::Integer(number)) if (min..=max).contains(&number) => {
            Ok(())
        }
        (Kind::Number { min, max }, Data::Number(number)) if (min..=max).contains(&number) => {
            Ok(())
        }
        #[expect(clippy::cast_precision_loss, reason = "ranges of declared numbers are small")]
        (Kind::Number { min, max }, Data::Integer(number))
            if (*min..=*max).contains(&(*number as f64)) =>
        {
            Ok(())
        }
        (Kind::Either(kinds), data) => either(kinds, data, report),
        (Kind::List(item) | Kind::Some(item), data) => leaf(item, data, report),
        (Kind::Shorthand(section), data) => {
            section.keys.first().map_or(Ok(()), |first| leaf(&first.kind, data, report))
        }
        _ => Err(Fault::default()),
    }
}

/// The fault of an alternative that has something to say, if none fits.
fn either(kinds: &[Kind], data: &Data, report: &mut Report) -> Result<(), Fault> {
    let mut fault = Fault::default();
    for kind in kinds {
        match leaf(kind, data, report) {
            Ok(()) => return Ok(()),
            Err(found) if found.message.is_some() || found.nearest.is_some() => fault = found,
            Err(_) => {}
        }
    }
    Err(fault)
}

fn explain(at: At, path: &Path<'_>, kind: &Kind, data: &Data, fault: Fault) -> Mistake {
    let message = fault.message.unwrap_or_else(|| match (kind, data) {
        (Kind::Text(format) | Kind::Time(format), Data::Text(text)) => {
            format!("{} is not {}", quote(text), format.name)
        }
        (Kind::Time(format), Data::Date(text)) => format!("{text} is not {}", format.name),
        (_, Data::Text(text)) if takes_text(kind) => {
            format!("`{path}` cannot be {}", quote(text))
        }
        // The reader saturates: which number it was is not known.
        (_, Data::Integer(i128::MIN | i128::MAX)) => format!("`{path}` cannot be that large"),
        (_, Data::Integer(number)) if takes_number(kind) => format!("`{path}` cannot be {number}"),
        (_, Data::Number(number)) if takes_number(kind) => format!("`{path}` cannot be {number}"),
        (Kind::Table(_) | Kind::Objects(_), Data::List(_)) => {
            format!("`{path}` is not a list of tables")
        }
        _ => format!("`{path}` cannot be {}", type_name(data)),
    });
    let expected = match (kind, data) {
        (Kind::Objects(_), Data::List(_)) => format!("tables with names: `[{path}.NAME]`"),
        (Kind::Table(_), Data::List(_)) => format!("a single table: `[{path}]`"),
        _ => kind.expected(),
    };
    Mistake::new(at, path, message).expected(expected).nearest(fault.nearest.or_else(|| {
        // A bare number where a unit belongs, and a quoted one where none does, are the commonest
        // slips.
        suggestion(kind, data)
    }))
}

fn suggestion(kind: &Kind, data: &Data) -> Option<String> {
    match (kind, data) {
        (Kind::Text(format), Data::Integer(number)) if *number >= 0 => {
            let unit = format.unit?;
            Some(quote(&format!("{number}{unit}")))
        }
        (Kind::Either([Kind::Word(["unlimited"]), _]), Data::Integer(..=0)) => {
            Some(quote("unlimited"))
        }
        (Kind::Either(kinds), data) => kinds.iter().find_map(|kind| suggestion(kind, data)),
        (Kind::Integer { .. } | Kind::Number { .. }, Data::Text(text)) => {
            text.parse::<f64>().ok().map(|_| text.clone())
        }
        // A version, say, without its quotes.
        (Kind::Word(words), Data::Number(number)) => {
            let word = number.to_string();
            words.contains(&word.as_str()).then(|| quote(&word))
        }
        (Kind::Flag, Data::Text(text)) => match text.as_str() {
            "true" | "yes" | "on" => Some("true".to_owned()),
            "false" | "no" | "off" => Some("false".to_owned()),
            _ => None,
        },
        _ => None,
    }
}

fn takes_text(kind: &Kind) -> bool {
    match kind {
        Kind::Text(_) | Kind::Time(_) | Kind::Word(_) | Kind::Shorthand(_) => true,
        Kind::Either(kinds) => kinds.iter().any(takes_text),
        _ => false,
    }
}

fn takes_number(kind: &Kind) -> bool {
    match kind {
        Kind::Integer { .. } | Kind::Number { .. } => true,
        Kind::Either(kinds) => kinds.iter().any(takes_number),
        _ => false,
    }
}

const fn type_name(data: &Data) -> &'static str {
    match data {
        Data::Text(_) => "a text",
        Data::Integer(_) | Data::Number(_) => "a number",
        Data::Flag(_) => "true or false",
        Data::Date(_) => "a date",
        Data::List(_) => "a list",
        Data::Table(_) => "a table",
        Data::Faulty => "this",
    }
}
