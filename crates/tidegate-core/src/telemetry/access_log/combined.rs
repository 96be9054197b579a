//! The `combined` format of Apache and nginx, for tools that read it. What it has no field for is
//! left out.

use std::io::Write;

use super::{Record, escape, number, redact, timestamp};
use crate::model::node::Redaction;

pub(super) fn write(record: &Record<'_>, redact: &[Redaction], out: &mut Vec<u8>) {
    // Writing to a vector does not fail.
    let _ = write!(out, "{} - - [", record.client);
    timestamp::common_log(record.time, out);
    out.extend_from_slice(b"] \"");
    escape::combined(record.method, out);
    out.push(b' ');
    redact::pieces(record.path, redact, |piece| escape::combined(piece, out));
    out.push(b' ');
    escape::combined(record.protocol.as_bytes(), out);
    out.extend_from_slice(b"\" ");
    number::padded(record.status.unwrap_or(0).into(), 3, out);
    out.push(b' ');
    number::decimal(record.bytes_out, out);
    for header in [record.referer, record.user_agent] {
        out.extend_from_slice(b" \"");
        redact::pieces(header.unwrap_or(b"-"), redact, |piece| escape::combined(piece, out));
        out.push(b'"');
    }
    out.push(b'\n');
}
