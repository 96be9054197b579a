//! Base64 for places where `+`, `/` and `=` mean something (RFC 4648, section 5), as in cookies:
//! without padding, and with one text for each value.

const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
/// What is no letter.
const NONE: u8 = 0xff;

/// The value of each byte, or [`NONE`].
static VALUES: [u8; 256] = values();

const fn values() -> [u8; 256] {
    let mut values = [NONE; 256];
    let mut value = 0;
    while value < LETTERS.len() {
        values[LETTERS[value] as usize] = value as u8;
        value += 1;
    }
    values
}

/// Writes `bytes` behind what `out` holds.
pub fn encode(bytes: &[u8], out: &mut String) {
    for group in bytes.chunks(3) {
        let mut bits = 0;
        for place in 0..3 {
            bits = bits << 8 | u32::from(group.get(place).copied().unwrap_or(0));
        }
        for place in 0..=group.len() {
            let letter = bits >> (18 - 6 * place) & 63;
            out.push(char::from(LETTERS[letter as usize]));
        }
    }
}

/// Reads `text` into the front of `out` and returns how many bytes that were; `None` if it is no
/// such text, or does not fit.
#[must_use]
pub fn decode(text: &[u8], out: &mut [u8]) -> Option<usize> {
    let mut written = 0;
    for group in text.chunks(4) {
        let mut bits = 0;
        for place in 0..4 {
            let value = group.get(place).map_or(0, |letter| VALUES[usize::from(*letter)]);
            if value == NONE {
                return None;
            }
            bits = bits << 6 | u32::from(value);
        }
        let bytes = group.len() - 1;
        // One letter alone is less than a byte; bits that are left over are zero in the one text.
        if bytes == 0 || bits & (0x00ff_ffff >> (8 * bytes)) != 0 {
            return None;
        }
        let target = out.get_mut(written..written + bytes)?;
        target.copy_from_slice(&bits.to_be_bytes()[1..=bytes]);
        written += bytes;
    }
    Some(written)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn texts_are_those_of_the_standard() {
        // RFC 4648, section 10, without padding; the last needs both of the other letters.
        for (bytes, text) in [
            (&b""[..], ""),
            (b"f", "Zg"),
            (b"fo", "Zm8"),
            (b"foo", "Zm9v"),
            (b"foob", "Zm9vYg"),
            (b"fooba", "Zm9vYmE"),
            (b"foobar", "Zm9vYmFy"),
            (&[0xfb, 0xef, 0xff], "--__"),
        ] {
            let mut encoded = String::new();
            encode(bytes, &mut encoded);
            assert_eq!(encoded, text);
            let mut decoded = [0; 8];
            let length = decode(text.as_bytes(), &mut decoded);
            assert_eq!(length.map(|length| &decoded[..length]), Some(bytes));
        }
    }

    #[test]
    fn what_is_no_such_text_is_refused() {
        for text in ["Z", "Zg==", "Zh", "Zm9", "Zm+v", "Zm/v", "Zm9v\n", "Zm 9v", "Zm9v\u{e4}"] {
            assert_eq!(decode(text.as_bytes(), &mut [0; 16]), None, "{text:?}");
        }
        assert_eq!(decode(b"Zm9vYg", &mut [0; 3]), None, "it does not fit");
    }

    proptest! {
        #[test]
        fn bytes_come_back_and_a_text_that_reads_is_the_one(
            bytes in proptest::collection::vec(any::<u8>(), 0..64),
            text in "[A-Za-z0-9_-]{0,64}",
        ) {
            let (mut encoded, mut decoded) = (String::new(), [0; 64]);
            encode(&bytes, &mut encoded);
            prop_assert_eq!(decode(encoded.as_bytes(), &mut decoded), Some(bytes.len()));
            prop_assert_eq!(&decoded[..bytes.len()], &bytes[..]);
            if let Some(length) = decode(text.as_bytes(), &mut decoded) {
                let mut again = String::new();
                encode(&decoded[..length], &mut again);
                prop_assert_eq!(again, text);
            }
        }
    }
}
