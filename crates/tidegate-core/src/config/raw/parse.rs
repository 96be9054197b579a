//! TOML text to raw tree. Recovers after each mistake of syntax, so that one pass finds them all.

use toml::de::{DeInteger, DeTable, DeValue};

use super::report::{Mistake, Report};
use super::tree::{Data, Entry, Origin, Table, Value, quote};
use crate::config::position::Files;

/// Reads the text of one file.
pub(crate) fn parse(files: &Files, file: usize, report: &mut Report) -> Table {
    let text = files.text(file);
    let (tree, errors) = DeTable::parse_recoverable(text);
    // A list that is not closed makes an item of every word after it: what follows is no news.
    let unclosed = errors.iter().any(|error| error.message().starts_with("unclosed array"));
    for error in errors {
        report.add(if unclosed && error.message().contains("array") {
            let at = files.at(file, error.span().unwrap_or(0..0).start);
            Mistake::swallowing(at, "the list before this is not closed").expected("`]`")
        } else {
            explain(&error, files, file)
        });
    }
    table(tree.into_inner(), files, file)
}

/// A mistake of syntax in words: the library's own, with its expectation apart, except where it
/// does not help.
fn explain(error: &toml::de::Error, files: &Files, file: usize) -> Mistake {
    let text = files.text(file);
    let span = error.span().unwrap_or(0..0);
    let at = files.at(file, span.start);
    let (message, expected) = match error.message().split_once(", expected ") {
        Some((message, expected)) => (message, Some(expected)),
        None => (error.message(), None),
    };
    match message {
        "duplicate key" => {
            let key = text.get(span).unwrap_or_default();
            Mistake::syntax(at, format!("duplicate key `{key}`"))
                .expected("each key and each table once")
        }
        "missing comma between array elements" => {
            Mistake::syntax(at, "the list goes on without a comma").expected("`,` or `]`")
        }
        "invalid literal string"
            if text.get(..span.start).is_some_and(|before| before.trim_end().ends_with('=')) =>
        {
            bare_value(text, span.start, files, file)
        }
        "invalid basic string" | "invalid literal string" => match expected {
            Some("`\"`" | "`'`") => Mistake::syntax(at, "a text without its closing quote")
                .expected("the closing quote on the same line"),
            _ => Mistake::syntax(at, "a control character in a text")
                .expected("an escape, as in `\\t`"),
        },
        _ if is_about_a_bare_value(message) => bare_value(text, span.start, files, file),
        _ => match expected {
            Some(expected) => Mistake::syntax(at, message).expected(expected),
            None => Mistake::syntax(at, message),
        },
    }
}

/// Whether the library read a value without quotes as a number, a date or a word, and got stuck.
fn is_about_a_bare_value(message: &str) -> bool {
    const KINDS: [&str; 8] =
        ["boolean", "date", "exponent", "float", "fraction", "integer", "mantissa", "number"];
    message == "string values must be quoted"
        || message.starts_with("invalid") && KINDS.iter().any(|kind| message.contains(kind))
}

/// A value without quotes, or none at all: what people who know other formats write first.
fn bare_value(text: &str, offset: usize, files: &Files, file: usize) -> Mistake {
    let is_end = |letter: char| matches!(letter, '\n' | '=' | '[' | ',' | '{');
    let before = text.get(..offset).unwrap_or(text);
    let start = before.rfind(is_end).map_or(0, |end| end + 1);
    let rest = &text[start..];
    let blank = rest.len() - rest.trim_start_matches([' ', '\t']).len();
    let value =
        rest[blank..].split(['\n', ',', ']', '}', '#']).next().unwrap_or_default().trim_end();
    let at = files.at(file, start + blank);
    match value {
        "" => Mistake::syntax(at, "a key without a value")
            .expected("a value, as in `key = \"value\"`"),
        "yes" | "on" | "True" | "TRUE" => {
            Mistake::syntax(at, "a text without quotes").nearest(Some("true"))
        }
        "no" | "off" | "False" | "FALSE" => {
            Mistake::syntax(at, "a text without quotes").nearest(Some("false"))
        }
        value => Mistake::syntax(at, "a text without quotes")
            .expected("quotes around texts, durations, sizes and addresses")
            .nearest(Some(quote(value))),
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
        DeValue::Datetime(date) => Data::Date(date.to_string()),
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
