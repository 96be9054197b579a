//! The WebSocket handshake (RFC 6455, section 4), as far as a proxy has a part in it.

use super::head::Head;

/// A key for a handshake of our own: 16 bytes in base64.
#[must_use]
pub fn key(draws: [u64; 2]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let bits = u128::from(draws[0]) << 64 | u128::from(draws[1]);
    // 21 digits of six bits, and one for the two that are left.
    let digits = (0..22).map(|place| {
        let digit = if place < 21 { bits >> (122 - 6 * place) } else { bits << 4 };
        char::from(DIGITS[(digit & 63) as usize])
    });
    digits.chain("==".chars()).collect()
}

/// Whether a request is a handshake (section 4.1): GET, version 13, a 16-byte key in base64.
#[must_use]
pub fn is_handshake(head: &Head) -> bool {
    let one = |name| {
        let mut values = head.values(name);
        values.next().filter(|_| values.next().is_none())
    };
    head.method() == "GET"
        && one("sec-websocket-version") == Some(b"13")
        && one("sec-websocket-key").is_some_and(is_key)
}

fn is_key(key: &[u8]) -> bool {
    let (data, padding) = key.split_at(key.len().min(22));
    padding == b"=="
        && data.len() == 22
        && data.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_base64_of_their_draws() {
        assert_eq!(key([0, 0]), "AAAAAAAAAAAAAAAAAAAAAA==");
        assert_eq!(key([u64::MAX, u64::MAX]), "/////////////////////w==");
        assert_eq!(key([0x7468_6520_7361_6d70, 0x6c65_206e_6f6e_6365]), "dGhlIHNhbXBsZSBub25jZQ==");
        assert!(is_key(key([1, 2]).as_bytes()));
    }
}
