//! HTTP as bytes and rules: heads, framing, chunks, paths, and the fields a proxy owns.
//!
//! Everything here is a pure function of bytes. Reading order: `head` and `reply` (the message
//! heads of every protocol), `scan` and `parse` (bytes to heads) with `authority`, `path` and
//! `field_kind`, then `framing`, `chunked` and `body` (where a message ends), then what is written:
//! `forwarded`, `client_certificate` and `write`.

pub mod authority;
pub mod body;
pub mod chunked;
pub mod client_certificate;
pub mod compose;
pub mod field_kind;
pub mod forwarded;
pub mod framing;
pub mod head;
pub mod parse;
pub mod path;
pub mod reply;
pub mod scan;
pub mod write;
