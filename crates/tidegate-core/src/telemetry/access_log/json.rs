//! The `json` format: one object a line.

use std::io::Write;

use super::{Record, Value, escape, number, redact, timestamp};
use crate::model::node::Redaction;

pub(super) fn write(record: &Record<'_>, redact: &[Redaction], out: &mut Vec<u8>) {
    let mut before = b'{';
    for (key, value) in record.fields(redact) {
        out.push(before);
        before = b',';
        out.push(b'"');
        out.extend_from_slice(key.as_bytes());
        out.extend_from_slice(b"\":");
        write_value(value, out);
    }
    out.extend_from_slice(b"}\n");
}

fn write_value(value: Value<'_>, out: &mut Vec<u8>) {
    match value {
        Value::Unknown => out.extend_from_slice(b"null"),
        Value::Number(number) => number::decimal(number, out),
        Value::Seconds(duration) => number::seconds(duration, out),
        quoted => {
            out.push(b'"');
            write_quoted(quoted, out);
            out.push(b'"');
        }
    }
}

/// Appends what stands between the quotes of a value.
pub(super) fn write_quoted(value: Value<'_>, out: &mut Vec<u8>) {
    match value {
        Value::Unknown => {}
        Value::Text(bytes) => escape::json(bytes, out),
        Value::Url(url, redact) => redact::pieces(url, redact, |piece| escape::json(piece, out)),
        Value::Number(number) => number::decimal(number, out),
        Value::Seconds(duration) => number::seconds(duration, out),
        Value::Time(time) => timestamp::rfc3339(time, out),
        Value::Address(address) => {
            // Writing to a vector does not fail.
            let _ = write!(out, "{address}");
        }
        Value::Id(id) => number::hexadecimal(id, out),
    }
}
