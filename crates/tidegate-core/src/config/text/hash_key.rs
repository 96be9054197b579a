//! What `balance = "hash"` hashes.

use super::fault::{Fault, Format};
use super::name;
use crate::model::pool::HashKey;

/// A hash key.
pub(crate) static HASH_KEY: Format = Format {
    name: "something that a request carries",
    expected: "\"header:NAME\", \"cookie:NAME\", \"query:NAME\", \"path\", \"uri\" or \"host\"",
    example: "header:x-user",
    pattern: Some("^(header:.+|cookie:.+|query:.+|path|uri|host)$"),
    unit: None,
    check: |text| hash_key(text).map(drop),
};

pub(crate) fn hash_key(text: &str) -> Result<HashKey, Fault> {
    match text.split_once(':') {
        Some(("header", header)) => name::header(header).map(HashKey::Header),
        Some(("cookie", cookie)) => name::token(cookie).map(HashKey::Cookie),
        Some(("query", key)) => name::query(key).map(HashKey::Query),
        Some(_) => Err(Fault::default()),
        None => match text {
            "path" => Ok(HashKey::Path),
            "uri" => Ok(HashKey::Uri),
            "host" => Ok(HashKey::Host),
            _ => Err(Fault::default()),
        },
    }
}
