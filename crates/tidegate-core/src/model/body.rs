//! Conditions on a request body.

use regex::Regex;

/// What one value of a JSON body has to be.
#[derive(Clone, Debug)]
pub struct BodyCondition {
    /// Where the value stands.
    pub pointer: JsonPointer,
    /// What it has to be.
    pub value: BodyValue,
}

/// A JSON pointer (RFC 6901).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct JsonPointer {
    /// As it is written.
    pub text: String,
    /// Its reference tokens, their escapes undone.
    pub tokens: Vec<String>,
}

/// A value to find in a body.
#[derive(Clone, Debug)]
pub enum BodyValue {
    /// This string.
    Exact(String),
    /// A string that the expression takes whole, in linear time.
    Regex(Regex),
    /// This number, however it is written.
    Number(f64),
    /// True or false.
    Flag(bool),
}

/// Bytes that a body may have to be routed by: the most that `body_prefix` can say.
pub const BODY_PREFIX_MAX: u32 = 64 * 1024;
