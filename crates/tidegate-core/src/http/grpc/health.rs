//! The one call of `grpc.health.v1.Health` that a check makes: `Check`, as bytes.
//!
//! Both messages have a single field, so the little of the protocol buffers encoding that they need
//! stands here: a message is a run of fields, each a tag, then a number or so many bytes. A message
//! of gRPC has a prefix of five bytes: whether it is compressed, and its length.

/// The path of the call.
pub const PATH: &str = "/grpc.health.v1.Health/Check";
/// Bytes of a reply; more are none.
pub const REPLY_MAX: usize = 1024;

const PREFIX: usize = 5;
/// Field 1, so many bytes: the service that is asked about.
const SERVICE: u8 = 0x0a;
/// Field 1, a number: the status.
const STATUS: u64 = 0x08;
const SERVING: u64 = 1;

/// What a server says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// It is well.
    Serving,
    /// It is not, or does not know.
    NotServing,
}

/// The request that asks about a service; about the server as a whole if it has no name.
#[must_use]
pub fn request(service: &str) -> Vec<u8> {
    let mut message = Vec::new();
    if !service.is_empty() {
        message.push(SERVICE);
        put_number(service.len() as u64, &mut message);
        message.extend_from_slice(service.as_bytes());
    }
    let mut request = vec![0];
    request.extend_from_slice(&(message.len() as u32).to_be_bytes());
    request.append(&mut message);
    request
}

/// Reads the reply; `None` when it is none.
#[must_use]
pub fn reply(bytes: &[u8]) -> Option<Condition> {
    let (prefix, mut message) = bytes.split_at_checked(PREFIX)?;
    let length = u32::from_be_bytes(prefix[1..].try_into().ok()?);
    if prefix[0] != 0 || length as usize != message.len() {
        return None;
    }
    let mut status = 0;
    while !message.is_empty() {
        let tag = take_number(&mut message)?;
        match tag & 7 {
            0 => {
                let number = take_number(&mut message)?;
                // The last one counts.
                status = if tag == STATUS { number } else { status };
            }
            1 => message = message.get(8..)?,
            2 => {
                let length = usize::try_from(take_number(&mut message)?).ok()?;
                message = message.get(length..)?;
            }
            5 => message = message.get(4..)?,
            _ => return None,
        }
    }
    Some(if status == SERVING { Condition::Serving } else { Condition::NotServing })
}

/// Seven bits a byte, the least first; the eighth says that more follow.
fn put_number(mut number: u64, out: &mut Vec<u8>) {
    while number > 0x7f {
        out.push(0x80 | (number & 0x7f) as u8);
        number >>= 7;
    }
    out.push(number as u8);
}

fn take_number(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for place in 0..10 {
        let (first, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u64::from(first & 0x7f) << (7 * place);
        if first & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_request_names_the_service_or_none() {
        assert_eq!(request(""), [0; 5]);
        assert_eq!(request("shop"), *b"\0\0\0\0\x06\x0a\x04shop");
        let long = "s".repeat(200);
        assert_eq!(request(&long)[..8], *b"\0\0\0\0\xcb\x0a\xc8\x01");
    }

    #[test]
    fn a_reply_says_how_it_is() {
        use Condition::{NotServing, Serving};
        for (message, condition) in [
            (&b"\x08\x01"[..], Some(Serving)),
            (b"\x08\x02", Some(NotServing)),
            (b"\x08\x03", Some(NotServing)),
            (b"", Some(NotServing)),
            // Fields that a later version may have.
            (b"\x12\x02hi\x08\x01\x1d1234\x2112345678", Some(Serving)),
            (b"\x08\x01\x08\x02", Some(NotServing)),
            (b"\x08", None),
            (b"\x0b", None),
            (b"\x12\x7fhi", None),
            (b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", None),
        ] {
            let mut bytes = vec![0, 0, 0, 0, message.len() as u8];
            bytes.extend_from_slice(message);
            assert_eq!(reply(&bytes), condition, "{message:?}");
        }
        for bytes in [&b""[..], b"\0\0\0\0", b"\x01\0\0\0\x02\x08\x01", b"\0\0\0\0\x03\x08\x01"] {
            assert_eq!(reply(bytes), None, "{bytes:?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_reply_or_none(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let mut framed = vec![0, 0, 0, 0, bytes.len() as u8];
            framed.extend_from_slice(&bytes);
            let _ = reply(&framed);
            prop_assert!(bytes.len() < 5 || reply(&bytes).is_none() || bytes[0] == 0);
        }

        #[test]
        fn a_number_is_read_as_it_was_written(number in any::<u64>()) {
            let mut bytes = Vec::new();
            put_number(number, &mut bytes);
            let mut rest = &bytes[..];
            prop_assert_eq!(take_number(&mut rest), Some(number));
            prop_assert!(rest.is_empty());
        }
    }
}
