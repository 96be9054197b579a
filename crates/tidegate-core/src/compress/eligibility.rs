//! Which responses may be sent in a content coding, and are worth it.
//!
//! May: the response is final and whole, is not encoded already, and neither side forbids changing
//! it. Worth it: its media type shrinks, and it is not tiny. An event stream is text like any
//! other, since encoders are flushed whenever the server pauses; gRPC compresses its own messages
//! and is left alone whatever the types say.

use std::fmt;

use crate::http::head::{BodyLength, Head, Version};
use crate::http::reply::ReplyHead;
use crate::model::compression::Compression;

/// Why a response stays as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unfit {
    /// The client speaks HTTP/1.0, where a body of unknown length costs the connection.
    Version,
    /// The status allows no body, or the body is a part of something.
    Status,
    /// It is encoded already.
    Encoded,
    /// `no-transform`, said by either side (RFC 9111, section 5.2).
    NoTransform,
    /// A digest in its head is that of these very bytes (RFC 9530).
    Digest,
    /// Its media type is missing, repeated or not among those of the route.
    Type,
    /// It is smaller than what is worth it, or there is no body.
    Small,
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Version => "the client speaks HTTP/1.0",
            Self::Status => "not with this status",
            Self::Encoded => "it is encoded already",
            Self::NoTransform => "no-transform",
            Self::Digest => "it carries a digest of its bytes",
            Self::Type => "not of this type",
            Self::Small => "it is too small",
        })
    }
}

/// Fields that hold a digest of the content as the server sent it.
const DIGESTS: [&str; 4] = ["content-digest", "repr-digest", "digest", "content-md5"];

/// Judges a response by its head and that of its request.
///
/// # Errors
/// The first reason against it.
pub fn eligible(policy: &Compression, request: &Head, reply: &ReplyHead) -> Result<(), Unfit> {
    let refusal = if request.version() == Version::Http10 {
        Unfit::Version
    } else if !is_whole(reply) {
        Unfit::Status
    } else if is_encoded(reply) {
        Unfit::Encoded
    } else if forbids_transform(request.values("cache-control"))
        || forbids_transform(reply.values("cache-control"))
    {
        Unfit::NoTransform
    } else if DIGESTS.iter().any(|name| reply.values(name).next().is_some()) {
        Unfit::Digest
    } else if !is_of_type(policy, reply) {
        Unfit::Type
    } else if is_small(policy, request, reply) {
        Unfit::Small
    } else {
        return Ok(());
    };
    Err(refusal)
}

/// A final response with a body that is all of what it represents: not 204, 205, 304, nor 206 and
/// 226, which are parts.
fn is_whole(reply: &ReplyHead) -> bool {
    reply.status() >= 200
        && !matches!(reply.status(), 204 | 205 | 206 | 226 | 304)
        && reply.values("content-range").next().is_none()
}

fn is_encoded(reply: &ReplyHead) -> bool {
    let codings = reply.values("content-encoding").flat_map(members);
    codings.into_iter().any(|coding| !coding.eq_ignore_ascii_case(b"identity"))
}

fn forbids_transform<'a>(mut values: impl Iterator<Item = &'a [u8]>) -> bool {
    values.any(|value| members(value).any(|word| word.eq_ignore_ascii_case(b"no-transform")))
}

fn is_of_type(policy: &Compression, reply: &ReplyHead) -> bool {
    let mut values = reply.values("content-type");
    let (Some(value), None) = (values.next(), values.next()) else { return false };
    let essence = value.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
    let Some(slash) = memchr::memchr(b'/', essence) else { return false };
    let (kind, subtype) = (&essence[..slash], &essence[slash + 1..]);
    !is_grpc(kind, subtype) && policy.types.iter().any(|pattern| pattern.takes(kind, subtype))
}

fn is_grpc(kind: &[u8], subtype: &[u8]) -> bool {
    let named = |name: &[u8]| name.eq_ignore_ascii_case(b"grpc");
    kind.eq_ignore_ascii_case(b"application")
        && subtype.split_at_checked(4).is_some_and(|(name, rest)| {
            named(name) && matches!(rest.first(), None | Some(b'+' | b'-'))
        })
}

/// Answers to HEAD are judged by the length that they name: their heads are to be those of the same
/// GET (RFC 9110, section 9.3.2).
fn is_small(policy: &Compression, request: &Head, reply: &ReplyHead) -> bool {
    let length = match reply.body() {
        BodyLength::Exact(bytes) => Some(bytes),
        BodyLength::Empty if request.method() == "HEAD" => named_length(reply),
        BodyLength::Empty => Some(0),
        BodyLength::Chunked | BodyLength::UntilEnd => None,
    };
    length.is_some_and(|bytes| bytes == 0 || bytes < policy.bytes_min)
}

fn named_length(reply: &ReplyHead) -> Option<u64> {
    std::str::from_utf8(reply.values("content-length").next()?).ok()?.parse().ok()
}

/// The members of a list, without white space; empty ones count for nothing.
fn members(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii).filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests;
