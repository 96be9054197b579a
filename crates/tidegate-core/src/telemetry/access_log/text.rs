//! The `text` format: `key=value` words, quoted where a value could be taken for more than a word.

use super::{Record, Value, json};
use crate::model::node::Redaction;

pub(super) fn write(record: &Record<'_>, redact: &[Redaction], out: &mut Vec<u8>) {
    for (place, (key, value)) in record.fields(redact).enumerate() {
        if place > 0 {
            out.push(b' ');
        }
        out.extend_from_slice(key.as_bytes());
        out.push(b'=');
        write_value(value, out);
    }
    out.push(b'\n');
}

fn write_value(value: Value<'_>, out: &mut Vec<u8>) {
    let bare = match value {
        Value::Unknown => return out.push(b'-'),
        Value::Text(bytes) | Value::Url(bytes, _) => is_word(bytes),
        _ => true,
    };
    if !bare {
        out.push(b'"');
    }
    json::write_quoted(value, out);
    if !bare {
        out.push(b'"');
    }
}

/// Whether these bytes need no quotes: printable ASCII that neither ends a word nor stands for
/// something else.
fn is_word(bytes: &[u8]) -> bool {
    bytes != b"-"
        && bytes.iter().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\'))
}
