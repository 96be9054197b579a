//! What a rollout tells users apart by.

use super::fault::{Fault, Format};
use super::name;
use crate::model::rollout::UserKey;

/// What tells users apart.
pub(crate) static USER_KEY: Format = Format {
    name: "something that tells users apart",
    expected: "\"cookie:NAME\", \"header:NAME\", \"client\" or \"assign\"",
    example: "cookie:uid",
    pattern: Some("^(cookie:.+|header:.+|client|assign)$"),
    unit: None,
    check: |text| user_key(text).map(drop),
};

pub(crate) fn user_key(text: &str) -> Result<UserKey, Fault> {
    match text.split_once(':') {
        Some(("cookie", cookie)) => name::token(cookie).map(UserKey::Cookie),
        Some(("header", header)) => name::header(header).map(UserKey::Header),
        Some(_) => Err(Fault::default()),
        None => match text {
            "client" => Ok(UserKey::Client),
            "assign" => Ok(UserKey::Assign),
            _ => Err(Fault::default()),
        },
    }
}
