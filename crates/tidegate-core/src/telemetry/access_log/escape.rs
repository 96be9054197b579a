//! Bytes from strangers, made into text that stays within its quotes.

use super::number::hex_byte;

/// Appends `bytes` so that they can stand between the quotes of a JSON string (RFC 8259, section
/// 7).
///
/// Escaped beyond what JSON demands: DEL and the C1 controls, which terminals obey, and the marks
/// that turn the direction of text or end a line in it. What is not UTF-8 becomes U+FFFD.
pub(super) fn json(bytes: &[u8], out: &mut Vec<u8>) {
    for chunk in bytes.utf8_chunks() {
        let text = chunk.valid();
        let mut copied = 0;
        for (at, char) in text.char_indices().filter(|(_, char)| !is_plain(*char)) {
            out.extend_from_slice(&text.as_bytes()[copied..at]);
            json_char(char, out);
            copied = at + char.len_utf8();
        }
        out.extend_from_slice(&text.as_bytes()[copied..]);
        if !chunk.invalid().is_empty() {
            out.extend_from_slice(b"\\ufffd");
        }
    }
}

/// Appends `bytes` so that they can stand between the quotes of the combined format, as nginx
/// escapes them: quotes, backslashes, controls and all that is not ASCII become `\xNN`.
pub(super) fn combined(bytes: &[u8], out: &mut Vec<u8>) {
    for &byte in bytes {
        match byte {
            b'"' | b'\\' | 0..=0x1f | 0x7f.. => {
                out.extend_from_slice(b"\\x");
                hex_byte(byte, out);
            }
            plain => out.push(plain),
        }
    }
}

fn is_plain(char: char) -> bool {
    !(char.is_control()
        || matches!(
            char,
            '"' | '\\' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
        ))
}

fn json_char(char: char, out: &mut Vec<u8>) {
    match char {
        '"' => out.extend_from_slice(b"\\\""),
        '\\' => out.extend_from_slice(b"\\\\"),
        '\n' => out.extend_from_slice(b"\\n"),
        '\r' => out.extend_from_slice(b"\\r"),
        '\t' => out.extend_from_slice(b"\\t"),
        other => {
            let [_, _, high, low] = u32::from(other).to_be_bytes();
            out.extend_from_slice(b"\\u");
            hex_byte(high, out);
            hex_byte(low, out);
        }
    }
}
