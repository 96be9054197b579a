//! Fields between the lines of HTTP/1, in which this program writes heads, and the map that the
//! HTTP/2 library takes and gives.

use http::{HeaderMap, HeaderName, HeaderValue};

/// The map of fields that were written by the core, and so are valid.
pub(crate) fn map<'a>(fields: impl Iterator<Item = (&'a [u8], &'a [u8])>) -> HeaderMap {
    let mut map = HeaderMap::with_capacity(FIELDS_EXPECTED);
    for (name, value) in fields {
        let name = HeaderName::from_bytes(name);
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_bytes(value)) {
            // It fails for more fields than limits let through.
            let _ = map.try_append(name, value);
        }
    }
    map
}

/// The fields of a map as bytes.
pub(crate) fn bytes(map: &HeaderMap) -> impl Iterator<Item = (&[u8], &[u8])> {
    map.iter().map(|(name, value)| (name.as_str().as_bytes(), value.as_bytes()))
}

/// A map grows by doubling; most heads fit in without.
const FIELDS_EXPECTED: usize = 16;
