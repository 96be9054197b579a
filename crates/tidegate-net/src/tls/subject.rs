//! The subject of a certificate as text (RFC 4514).
//!
//! Servers decide by this text who a client is, so every value is escaped: no certificate can be
//! made whose subject reads as that of another, and the text has no byte that a header field may
//! not have.

use std::fmt::Write;

use x509_parser::objects::{oid_registry, oid2abbrev};
use x509_parser::x509::{AttributeTypeAndValue, X509Name};

/// The text, the most specific part first (RFC 4514, section 2.1).
pub(super) fn text(name: &X509Name<'_>) -> String {
    let mut out = String::new();
    let parts: Vec<_> = name.iter().collect();
    for (place, part) in parts.iter().rev().enumerate() {
        if place > 0 {
            out.push(',');
        }
        for (place, attribute) in part.iter().enumerate() {
            if place > 0 {
                out.push('+');
            }
            write_attribute(attribute, &mut out);
        }
    }
    out
}

fn write_attribute(attribute: &AttributeTypeAndValue<'_>, out: &mut String) {
    match oid2abbrev(attribute.attr_type(), oid_registry()) {
        Ok(name) => out.push_str(name),
        Err(_) => out.push_str(&attribute.attr_type().to_id_string()),
    }
    out.push('=');
    match attribute.as_str() {
        Ok(value) => write_value(value, out),
        // A type whose text form is not known is written as its encoding (section 2.4).
        Err(_) => {
            out.push('#');
            attribute.as_slice().iter().for_each(|byte| write_hex(*byte, out));
        }
    }
}

/// Escapes what section 2.4 asks for, and whatever is not visible ASCII.
fn write_value(value: &str, out: &mut String) {
    for (place, byte) in value.bytes().enumerate() {
        let last = place + 1 == value.len();
        match byte {
            b'"' | b'+' | b',' | b';' | b'<' | b'>' | b'\\' | b'=' => {
                out.push('\\');
                out.push(char::from(byte));
            }
            b'#' | b' ' if place == 0 => {
                out.push('\\');
                out.push(char::from(byte));
            }
            b' ' if last => out.push_str("\\ "),
            b' '..=b'~' => out.push(char::from(byte)),
            _ => {
                out.push('\\');
                write_hex(byte, out);
            }
        }
    }
}

fn write_hex(byte: u8, out: &mut String) {
    // Writing into a string cannot fail.
    let _ = write!(out, "{byte:02X}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(value: &str, expected: &str) {
        let mut out = String::new();
        write_value(value, &mut out);
        assert_eq!(out, expected);
    }

    /// Security case G5.
    #[test]
    fn values_cannot_pretend_to_be_more_than_one() {
        check("plain value", "plain value");
        check("a,CN=admin", "a\\,CN\\=admin");
        check(" both ", "\\ both\\ ");
        check("#1", "\\#1");
        check("a\0b\r\nX: y", "a\\00b\\0D\\0AX: y");
        check("\u{fc}", "\\C3\\BC");
        check("a\\b\"c", "a\\\\b\\\"c");
    }
}
