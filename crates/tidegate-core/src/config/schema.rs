//! The JSON Schema (2020-12) of the configuration file, for editors.
//!
//! Derived from the declared keys. It admits a little more than `check` does: what spans keys or
//! objects, and what an object may inherit instead of holding it, is not told.

use serde_json::{Map, Value, json};

use super::keys::key::{Default, Key, Kind, Section};
use super::keys::root::ROOT;
use super::text::fault::Format;
use super::text::name::OBJECT;

/// The schema.
#[must_use]
pub fn schema() -> Value {
    let mut schema = table(&ROOT);
    schema["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
    schema["title"] = json!("tidegate configuration");
    let objects = ROOT.keys.iter().filter_map(|key| match key.kind {
        Kind::Objects(section) => Some((key.name.to_owned(), table(section))),
        _ => None,
    });
    schema["$defs"] = Value::Object(objects.collect());
    schema
}

fn table(section: &Section) -> Value {
    let properties: Map<_, _> =
        section.keys.iter().map(|key| (key.name.to_owned(), property(key))).collect();
    json!({ "type": "object", "properties": properties, "additionalProperties": false })
}

/// A table of which some keys have to be written. Objects are exempt, as they may inherit them.
fn whole_table(section: &Section) -> Value {
    let mut schema = table(section);
    let required = section
        .keys
        .iter()
        .filter(|key| matches!(key.default, Default::Required) && key.only.is_none())
        .map(|key| key.name);
    schema["required"] = required.collect();
    schema
}

fn property(key: &Key) -> Value {
    let mut schema = kind(&key.kind, key.name);
    schema["description"] = json!(key.doc);
    if let Some(default) = default(&key.default) {
        schema["default"] = default;
    }
    schema
}

fn default(default: &Default) -> Option<Value> {
    match default {
        Default::Text(text) => Some(json!(text)),
        Default::Words(words) => Some(json!(words)),
        Default::Integer(number) => Some(integer(*number)),
        Default::Integers(numbers) => Some(numbers.iter().copied().map(integer).collect()),
        Default::Number(number) => Some(json!(number)),
        Default::Flag(flag) => Some(json!(flag)),
        Default::Required | Default::Absent(_) | Default::Table | Default::Computed(..) => None,
    }
}

/// `name` is the key that the kind belongs to: objects are defined under it.
fn kind(kind: &Kind, name: &str) -> Value {
    match kind {
        Kind::Text(format) | Kind::Time(format) => text(format),
        Kind::Word(words) => json!({ "enum": words }),
        Kind::Flag => json!({ "type": "boolean" }),
        Kind::Integer { min, max } => {
            json!({ "type": "integer", "minimum": integer(*min), "maximum": integer(*max) })
        }
        Kind::Number { min, max } => json!({ "type": "number", "minimum": min, "maximum": max }),
        Kind::Either(kinds) => {
            json!({ "anyOf": kinds.iter().map(|kind| self::kind(kind, name)).collect::<Vec<_>>() })
        }
        Kind::List(item) => list(self::kind(item, name), 0),
        Kind::Some(item) => list(self::kind(item, name), 1),
        Kind::Map { key, value } => json!({
            "type": "object",
            "propertyNames": text(key),
            "additionalProperties": self::kind(value, name),
        }),
        Kind::Table(section) => whole_table(section),
        Kind::Tables(section) => list(whole_table(section), 1),
        Kind::Shorthand(section) => {
            let first = section.keys.first().map(|key| self::kind(&key.kind, key.name));
            json!({ "anyOf": [first, whole_table(section)] })
        }
        Kind::Objects(_) => json!({
            "type": "object",
            "propertyNames": text(&OBJECT),
            "additionalProperties": reference(name),
        }),
        Kind::Defaults(_) => reference(name),
    }
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/$defs/{name}") })
}

/// A list, or a single item.
fn list(item: Value, items_min: usize) -> Value {
    json!({ "anyOf": [item, { "type": "array", "items": item, "minItems": items_min }] })
}

fn text(format: &Format) -> Value {
    let mut schema = json!({ "type": "string", "examples": [format.example] });
    if let Some(pattern) = format.pattern {
        schema["pattern"] = json!(pattern);
    }
    schema
}

/// Declared ranges lie within 64 bits.
fn integer(number: i128) -> Value {
    i64::try_from(number).map_or(Value::Null, Value::from)
}
