//! HTTP as bytes and rules: heads, framing, chunks, paths, and the fields a proxy owns.
//!
//! Everything here is a pure function of bytes. Reading order: `head` and `reply` (the message
//! heads of every protocol), `scan` and `parse` (bytes to heads), `assemble` (the same from HTTP/2)
//! with `scheme`, `authority`, `path` and `field_kind`, then `framing`, `chunked` and `body` (where
//! a message ends), `edit` (heads changed on their way), then what is written: `forwarded`,
//! `client_certificate` and `write`. `grpc` and `device` read what stands in fields of their own,
//! `set_cookie` is how cookies are set, and `base64url` how bytes stand in them.

pub mod assemble;
pub mod authority;
pub mod base64url;
pub mod body;
pub mod chunked;
pub mod client_certificate;
pub mod compose;
pub mod device;
pub mod edit;
pub mod field_kind;
pub mod forwarded;
pub mod framing;
pub mod grpc;
pub mod handshake;
pub mod head;
pub mod parse;
pub mod path;
pub mod reply;
pub mod scan;
pub mod scheme;
pub mod set_cookie;
pub mod status;
pub mod write;
