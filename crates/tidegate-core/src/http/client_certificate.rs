//! The fields by which a server learns who a client is by its certificate: `Client-Cert` (RFC 9440)
//! and the subject as text.
//!
//! A certificate is verified when its connection begins, so the fields are written then, once, and
//! copied into every request. What a client says in fields of these names never goes on.

use super::write::field;

/// Writes both fields. `subject` is visible ASCII, as RFC 4514 text with escapes is.
pub fn write(der: &[u8], subject: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(b"Client-Cert: :");
    encode(der, out);
    out.extend_from_slice(b":\r\n");
    field(b"X-Client-Cert-Subject", subject.as_bytes(), out);
}

/// Base64 with padding (RFC 4648, section 4), as byte sequences are written in fields (RFC 8941,
/// section 3.3.5).
fn encode(bytes: &[u8], out: &mut Vec<u8>) {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for group in bytes.chunks(3) {
        let mut padded = [0; 3];
        padded[..group.len()].copy_from_slice(group);
        let [a, b, c] = padded;
        let bits = u32::from_be_bytes([0, a, b, c]);
        for place in 0..4 {
            let digit = DIGITS[(bits >> (18 - 6 * place) & 63) as usize];
            out.push(if place <= group.len() { digit } else { b'=' });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_that_of_the_standard() {
        let cases = [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ];
        for (plain, encoded) in cases {
            let mut out = Vec::new();
            encode(plain.as_bytes(), &mut out);
            assert_eq!(String::from_utf8(out).as_deref(), Ok(encoded), "{plain}");
        }
    }

    #[test]
    fn both_fields_are_written() {
        let mut out = Vec::new();
        write(&[0xff; 3], "CN=a", &mut out);
        assert_eq!(out, b"Client-Cert: :////:\r\nX-Client-Cert-Subject: CN=a\r\n");
    }
}
