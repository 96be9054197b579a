//! TOML text to raw tree. Recovers after each mistake of syntax, so that one pass finds them all.

use toml::de::{DeInteger, DeTable, DeValue};

use super::report::{Mistake, Report};
use super::tree::{Data, Entry, Origin, Table, Value};
use crate::config::position::Files;

/// Reads the text of one file.
pub(crate) fn parse(files: &Files, file: usize, report: &mut Report) -> Table {
    let text = files.text(file);
    let (tree, errors) = DeTable::parse_recoverable(text);
    for error in errors {
        report.add(explain(&error, files, file));
    }
    table(tree.into_inner(), files, file)
}

/// A mistake of syntax in words: the library's own, with its expectation apart, except where it does not help.
fn explain(error: &toml::de::Error, files: &Files, file: usize) -> Mistake {
    let span = error.span().unwrap_or(0..0);
    let at = files.at(file, span.start);
    let written = files.text(file).get(span).unwrap_or("");
    let (message, expected) = error.message().split_once(", expected ").unzip();
    match message.unwrap_or_else(|| error.message()) {
        "duplicate key" => Mistake::syntax(at, format!("duplicate key `{written}`"))
            .expected("each key and each table once"),
        "string values must be quoted" if written.is_empty() => {
            Mistake::syntax(at, "a key without a value").expected("a value, as in `key = \"value\"`")
        }
        "string values must be quoted" => Mistake::syntax(at, "a text without quotes")
            .expected("quotes around texts, durations, sizes and addresses")
            .nearest(Some(super::tree::quote(written))),
        message => {
            let mistake = Mistake::syntax(at, message);
            match expected {
                Some(expected) => mistake.expected(expected),
                None => mistake,
            }
        }
    }
}

fn table(tree: DeTable<'_>, files: &Files, file: usize) -> Table {
    let mut table = Table::default();
    for (key, value) in tree {
        let at = files.at(file, key.span().start);
        let start = value.span().start;
        let value = self::value(value.into_inner(), start, files, file);
        table.insert(key.get_ref(), Entry { key: Some(at), value });
    }
    table
}

fn value(tree: DeValue<'_>, start: usize, files: &Files, file: usize) -> Value {
    let data = match tree {
        DeValue::String(text) => Data::Text(text.into_owned()),
        DeValue::Integer(number) => Data::Integer(integer(&number)),
        // What the grammar calls a float is one; a broken one has been reported.
        DeValue::Float(number) => number.as_str().parse().map_or(Data::Faulty, Data::Number),
        DeValue::Boolean(flag) => Data::Flag(flag),
        DeValue::Datetime(_) => Data::Date,
        DeValue::Array(items) => Data::List(
            items
                .into_iter()
                .map(|item| {
                    let start = item.span().start;
                    value(item.into_inner(), start, files, file)
                })
                .collect(),
        ),
        DeValue::Table(tree) => Data::Table(table(tree, files, file)),
    };
    Value { data, origin: Origin::Written(files.at(file, start)) }
}

/// Numbers beyond 128 bits saturate: they are out of every range.
fn integer(number: &DeInteger<'_>) -> i128 {
    let negative = number.as_str().starts_with('-');
    let bound = if negative { i128::MIN } else { i128::MAX };
    i128::from_str_radix(number.as_str(), number.radix()).unwrap_or(bound)
}
