//! The beginning of a connection as a PROXY header.
//!
//! What is decided does not depend on how the bytes came, no byte behind the header is asked for,
//! and a header that was read says the same when it is written in either version and read again.

use tidegate_core::model::pool::ProxyVersion;
use tidegate_core::wire::proxy_protocol::{
    Header, HeaderError, Reading, V1_LENGTH_MAX, V2_LENGTH_MAX, read,
};

use crate::plain::text;

/// Runs the check.
pub fn run(data: &[u8]) {
    let whole = read(data);
    assert_eq!(read_as_asked(data), whole, "pieces show: {}", text(data));
    let Ok(Reading::Whole { header, length }) = whole else { return };
    let longest = if data.starts_with(b"PROXY ") { V1_LENGTH_MAX } else { V2_LENGTH_MAX };
    assert!(length <= longest.min(data.len()), "a bound was passed: {}", text(data));
    assert_eq!(read(&data[..length]), whole, "what follows shows: {}", text(data));
    if let Header::Proxied { source, destination } = header {
        assert_eq!(source.is_ipv4(), destination.is_ipv4(), "two families: {header:?}");
    }
    for version in [ProxyVersion::V1, ProxyVersion::V2] {
        let bytes = header.to_bytes(version);
        let again = Reading::Whole { header, length: bytes.len() };
        assert_eq!(read(&bytes), Ok(again), "{version:?} of {header:?}");
    }
}

/// Reads so many bytes as are asked for, as a shell does that must leave the rest alone.
fn read_as_asked(data: &[u8]) -> Result<Reading, HeaderError> {
    let mut length = 0;
    loop {
        let reading = read(&data[..length])?;
        match reading {
            Reading::More(missing) if length < data.len() => {
                length = data.len().min(length + missing.get());
            }
            Reading::More(_) => return Ok(reading),
            Reading::Whole { length: end, .. } => {
                assert_eq!(end, length, "a byte too many was asked for: {}", text(data));
                return Ok(reading);
            }
        }
    }
}
