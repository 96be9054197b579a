//! What a session cookie says, and the text that it is sealed into.
//!
//! Any bytes are one session or none, and one that was read is written as it was, but for what
//! stands in a slot that is none; any text is one value or none, and reads back from no other.

use tidegate_core::http::base64url;
use tidegate_core::session::cookie::{LEN, Remembered};
use tidegate_core::session::tag::{PoolTag, ServerTag};
use tidegate_core::time::UnixTime;

use crate::plain::text;

/// Runs the check.
pub fn run(data: &[u8]) {
    is_one_text(data);
    let mut bytes = [0; LEN];
    let length = data.len().min(LEN);
    bytes[..length].copy_from_slice(&data[..length]);
    let Some(session) = Remembered::decode(&bytes) else { return };
    assert_eq!(Remembered::decode(&session.encode()), Some(session), "{session:?}");
    let (home, other) = (PoolTag(1), PoolTag(2));
    for pool in [home, other] {
        let moved = session.with(home, (pool, ServerTag(7)), UnixTime::from_millis(0));
        assert_eq!(moved.server(pool), Some(ServerTag(7)), "{session:?}");
        if pool == other {
            assert_eq!(moved.server(home), session.server(home), "home is kept: {session:?}");
        }
        assert_eq!(Remembered::decode(&moved.encode()), Some(moved), "{moved:?}");
    }
}

fn is_one_text(data: &[u8]) {
    let mut value = [0; 1024];
    let Some(length) = base64url::decode(data, &mut value) else { return };
    let mut again = String::new();
    base64url::encode(&value[..length], &mut again);
    assert_eq!(again.as_bytes(), data, "two texts of one value: {}", text(data));
}
