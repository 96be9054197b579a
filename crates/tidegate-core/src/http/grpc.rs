//! gRPC as a proxy sees it: which requests are calls, how long they may take, how they ended.
//!
//! A call is told by its media type, over any protocol. Its messages pass unread; what concerns a
//! proxy stands in fields: `grpc-timeout` in the request head, `grpc-status` in the trailers of the
//! response, or in its head when that is all there is ("trailers-only"). The one message that is
//! written and read here, `health`, asks a server whether it is well.

pub mod health;

use thiserror::Error;

use super::head::Head;
use super::write::field;
use crate::model::grpc::Status;
use crate::time::Duration;

/// The field in which a client says how long it waits.
pub const TIMEOUT: &str = "grpc-timeout";
/// The field in which a server says how a call ended.
pub const STATUS: &str = "grpc-status";

const MEDIA_TYPE: &[u8] = b"application/grpc";
/// Digits of a timeout.
const DIGITS_MAX: usize = 8;
/// The first number that has more digits than that.
const TOO_MANY: u128 = 100_000_000;
/// The units of a timeout in nanoseconds, from the finest.
const UNITS: [(u8, u128); 6] = [
    (b'n', 1),
    (b'u', 1_000),
    (b'm', 1_000_000),
    (b'S', 1_000_000_000),
    (b'M', 60_000_000_000),
    (b'H', 3_600_000_000_000),
];

/// A timeout that is none.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("malformed grpc-timeout")]
pub struct BadTimeout;

/// Whether a request is a call: a POST with the media type of gRPC, or one that builds upon it, as
/// `application/grpc+proto`. gRPC-Web, `application/grpc-web`, is another protocol.
#[must_use]
pub fn is_call(head: &Head) -> bool {
    head.method() == "POST" && head.values("content-type").next().is_some_and(is_media_type)
}

fn is_media_type(value: &[u8]) -> bool {
    let Some((start, rest)) = value.split_at_checked(MEDIA_TYPE.len()) else { return false };
    start.eq_ignore_ascii_case(MEDIA_TYPE) && matches!(rest.first(), None | Some(b'+' | b';'))
}

/// How long the client of a call waits for its end; `None`: it does not say.
///
/// # Errors
/// What is malformed is refused rather than ignored, as grpc-go does: a client that means a
/// deadline must not be served without one.
pub fn timeout(head: &Head) -> Result<Option<Duration>, BadTimeout> {
    head.values(TIMEOUT).next().map(parse_timeout).transpose()
}

/// Up to eight digits and a unit.
fn parse_timeout(value: &[u8]) -> Result<Duration, BadTimeout> {
    let (unit, digits) = value.split_last().ok_or(BadTimeout)?;
    let (_, nanos) = UNITS.iter().find(|(known, _)| known == unit).ok_or(BadTimeout)?;
    if digits.is_empty() || digits.len() > DIGITS_MAX || !digits.iter().all(u8::is_ascii_digit) {
        return Err(BadTimeout);
    }
    let count = digits.iter().fold(0, |count, digit| count * 10 + u128::from(digit - b'0'));
    let nanos = count * nanos;
    let (seconds, rest) = (nanos / 1_000_000_000, nanos % 1_000_000_000);
    Ok(Duration::new(seconds as u64, rest as u32))
}

/// A timeout as it is sent, in the finest unit that holds it; what does not fit in is cut off.
#[must_use]
pub fn print_timeout(timeout: Duration) -> String {
    let nanos = timeout.as_nanos().max(1);
    for (unit, size) in UNITS {
        if nanos / size < TOO_MANY {
            return format!("{}{}", nanos / size, char::from(unit));
        }
    }
    format!("{}H", TOO_MANY - 1)
}

/// The status that a head or trailers say, if they do. A number that stands for nothing is
/// [`Status::Unknown`], as clients read it.
pub fn status<'a>(mut fields: impl Iterator<Item = (&'a [u8], &'a [u8])>) -> Option<Status> {
    let (_, value) = fields.find(|(name, _)| name.eq_ignore_ascii_case(STATUS.as_bytes()))?;
    let number = std::str::from_utf8(value).ok().and_then(|text| text.parse::<usize>().ok());
    Some(number.and_then(|n| Status::ALL.get(n).copied()).unwrap_or(Status::Unknown))
}

/// Writes how a call ended, as field lines.
pub fn write_status(status: Status, message: &str, out: &mut Vec<u8>) {
    field(STATUS.as_bytes(), status.code().to_string().as_bytes(), out);
    field(b"grpc-message", percent_encoded(message).as_bytes(), out);
}

/// Text as `grpc-message` carries it: printable ASCII but the percent sign stands for itself.
fn percent_encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'%' => encoded.push_str("%25"),
            b' '..=b'~' => encoded.push(char::from(byte)),
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

#[cfg(test)]
mod tests;
