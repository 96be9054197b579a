//! Conditions on a JSON body of arbitrary bytes.
//!
//! The first line is a pointer, the rest a body. A condition that holds, holds in the whole tree
//! that a common parser builds as well, whatever routing read on its way; and a body that no parser
//! takes satisfies none. Where routing finds nothing although the tree has the value, a key stands
//! twice.

use std::fmt::Write;
use std::path::Path;

use serde_json::Value;
use tidegate_core::config::load::{Text, load};
use tidegate_core::http::head::{BodyLength, Head};
use tidegate_core::model::ids::{ListenerIndex, ListenerName};
use tidegate_core::route::body::BodyView;
use tidegate_core::route::table::{Found, RouteRequest, RouteTable};

use crate::plain::text;

/// Runs the check.
pub fn run(data: &[u8]) {
    let end = memchr::memchr(b'\n', data).unwrap_or(data.len());
    let (pointer, body) = (&data[..end], data.get(end + 1..).unwrap_or_default());
    let Ok(pointer) = std::str::from_utf8(pointer) else { return };
    let tree: Option<Value> = serde_json::from_slice(body).ok();
    let value = tree.as_ref().and_then(|tree| tree.pointer(pointer));
    // What is there, or else something to look for in vain.
    let wanted = match value {
        Some(Value::Bool(flag)) => flag.to_string(),
        Some(Value::Number(number)) => match number.as_f64() {
            Some(number) if number.abs() < 9e15 => format!("{number:?}"),
            _ => "1".to_owned(),
        },
        Some(Value::String(text)) if !text.starts_with('~') => quote(text),
        _ => "\"x\"".to_owned(),
    };
    let Some(table) = table(pointer, &wanted) else { return };
    let there = value.is_some_and(|value| matches(value, &wanted));
    let found = find(&table, body);
    assert!(!found || there, "what routing finds is there: {}", text(data));
    if there && !found {
        assert!(keys(body) > distinct(tree.as_ref()), "only doubt hides it: {}", text(data));
    }
}

/// A table with one route that asks for the value.
fn table(pointer: &str, wanted: &str) -> Option<RouteTable> {
    let config = format!(
        "[listener.web]\naddress = \"127.0.0.1:1\"\n[route.all]\npool = \"app\"\n\
         [route.all.match]\nbody_prefix = \"64KiB\"\nbody_json = {{ {} = {wanted} }}\n\
         [pool.app]\nservers = \"127.0.0.1:4\"\n",
        quote(pointer)
    );
    let config = load(Path::new("fuzz.toml"), &mut Text(&config)).config?;
    Some(RouteTable::build(&[ListenerName::new("web")], &config.routes))
}

fn find(table: &RouteTable, body: &[u8]) -> bool {
    let fields = [("content-type", "application/json")];
    let mut head = Head::compose("POST", "a", "/", &fields).expect("a path");
    head.set_body(BodyLength::Chunked);
    let client = [192, 0, 2, 1].into();
    let request = RouteRequest { listener: ListenerIndex::new(0), head: &head, client };
    assert_eq!(table.find(&request), Found::NeedsBody(64 * 1024));
    assert_eq!(table.find_with_body(&request, BodyView::TooLarge), None);
    let body = &body[..body.len().min(64 * 1024)];
    table.find_with_body(&request, BodyView::Whole(body)).is_some()
}

fn matches(value: &Value, wanted: &str) -> bool {
    match value {
        Value::Bool(flag) => flag.to_string() == wanted,
        Value::Number(number) => number.as_f64() == wanted.parse().ok(),
        Value::String(text) => quote(text) == wanted,
        _ => false,
    }
}

/// At least as many keys as a text of JSON has: each stands before a colon.
fn keys(body: &[u8]) -> usize {
    memchr::memchr_iter(b':', body).count()
}

/// The keys of a tree, each once.
fn distinct(tree: Option<&Value>) -> usize {
    match tree {
        Some(Value::Object(object)) => object.values().map(|value| 1 + distinct(Some(value))).sum(),
        Some(Value::Array(items)) => items.iter().map(|item| distinct(Some(item))).sum(),
        _ => 0,
    }
}

/// A text as TOML writes it.
fn quote(text: &str) -> String {
    let mut quoted = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' | '\\' => quoted.extend(['\\', letter]),
            letter if letter.is_control() => {
                write!(quoted, "\\U{:08X}", u32::from(letter)).expect("a string grows");
            }
            letter => quoted.push(letter),
        }
    }
    quoted.push('"');
    quoted
}
