//! A request path from arbitrary bytes, brought into canonical form.
//!
//! The form must be its own canonical form, hold no dot segment that any reader could see, and be
//! what a walk over decoded segments gives. A path that is called plain must be left as it is.

use tidegate_core::http::path::{canonical, is_plain};

use crate::plain::text;

/// Bytes that stand in front of the path in its buffer.
const BEFORE: &[u8] = b"GET ";

/// Runs the check.
pub fn run(data: &[u8]) {
    let forms = forms(data);
    if is_plain(data) {
        let same = Forms { merged: data.into(), unmerged: data.into(), encodes_slash: false };
        assert_eq!(forms.as_ref(), Some(&same), "a plain path is canonical: {}", text(data));
    }
    let Some(Forms { merged, unmerged, encodes_slash }) = forms else { return };
    for form in [&merged, &unmerged] {
        check_bytes(form);
        check_segments(form);
        let again = self::forms(form).expect("a canonical path is a path");
        assert_eq!(text(&again.unmerged), text(form), "canonical form is canonical");
        assert_eq!(again.encodes_slash, holds_slash(form));
    }
    assert_eq!(text(&merged), text(&without_empty_segments(&unmerged)));
    assert_eq!(text(&merged), text(&walked(data)), "a walk over segments comes to the same");
    // It is told even of one that was resolved away.
    assert!(encodes_slash || !holds_slash(&merged));
    assert!(!encodes_slash || holds_slash(&data.to_ascii_uppercase()));
}

fn holds_slash(path: &[u8]) -> bool {
    path.windows(3).any(|window| matches!(window, b"%2F" | b"%5C"))
}

#[derive(Debug, PartialEq, Eq)]
struct Forms {
    merged: Vec<u8>,
    unmerged: Vec<u8>,
    encodes_slash: bool,
}

fn forms(path: &[u8]) -> Option<Forms> {
    let mut buffer = [BEFORE, path].concat();
    let before = buffer.clone();
    let range = BEFORE.len()..buffer.len();
    let Ok(form) = canonical(&mut buffer, range) else {
        assert_eq!(buffer, before, "a refused path leaves the buffer as it was");
        return None;
    };
    assert!(buffer.len() - before.len() <= 6 * path.len().max(1), "growth is bounded");
    Some(Forms {
        merged: buffer[form.merged].into(),
        unmerged: buffer[form.unmerged].into(),
        encodes_slash: form.encodes_slash,
    })
}

/// Only bytes of RFC 3986, section 3.3 stand in it, and escapes that are needed, in upper case.
fn check_bytes(path: &[u8]) {
    assert_eq!(path.first(), Some(&b'/'));
    let mut decoded = Vec::new();
    let mut rest = path;
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        if *byte != b'%' {
            let allowed = byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/".contains(byte);
            assert!(allowed, "a byte that must be escaped: {}", text(path));
            decoded.push(*byte);
            continue;
        }
        let (digits, after) = rest.split_first_chunk::<2>().expect("an escape has two digits");
        rest = after;
        assert!(!digits.iter().any(u8::is_ascii_lowercase), "in upper case: {}", text(path));
        let byte = unescaped(*digits).expect("digits are hexadecimal");
        let needless = byte == 0 || byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        assert!(!needless, "an escape without need: {}", text(path));
        decoded.push(byte);
    }
    assert!(std::str::from_utf8(&decoded).is_ok(), "it is UTF-8: {}", text(path));
}

/// No segment is `.` or `..` to a reader who decodes more, or who cuts parameters off.
fn check_segments(path: &[u8]) {
    let separated = String::from_utf8_lossy(path).replace("%2F", "/").replace("%5C", "/");
    for segment in separated.split('/') {
        let name = segment.replace("%3B", ";").replace("%23", ";").replace("%3F", ";");
        let name = name.split(';').next().unwrap_or_default();
        assert!(!matches!(name, "." | ".."), "a dot segment remains: {}", text(path));
    }
}

fn without_empty_segments(path: &[u8]) -> Vec<u8> {
    let mut merged: Vec<u8> = Vec::new();
    for byte in path {
        if *byte != b'/' || merged.last() != Some(&b'/') {
            merged.push(*byte);
        }
    }
    merged
}

/// The merged form as a walk over segments gives it: decode what needs no escape, leave empty
/// segments out, and go up where it says so.
fn walked(path: &[u8]) -> Vec<u8> {
    let mut segments: Vec<Vec<u8>> = Vec::new();
    let mut directory = false;
    for raw in path.split(|byte| *byte == b'/').skip(1) {
        let segment = settled(raw);
        directory = matches!(&segment[..], b"" | b"." | b"..");
        match &segment[..] {
            b"" | b"." => {}
            b".." => assert!(segments.pop().is_some(), "a path that leaves the root is refused"),
            _ => segments.push(segment),
        }
    }
    let mut walked: Vec<u8> = segments.iter().flat_map(|s| [b"/", &s[..]].concat()).collect();
    if directory || walked.is_empty() {
        walked.push(b'/');
    }
    walked
}

/// A segment with every byte in its one form.
fn settled(raw: &[u8]) -> Vec<u8> {
    let mut settled = Vec::new();
    let mut rest = raw;
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        let mut byte = *byte;
        let escaped = byte == b'%';
        if let (true, Some((digits, after))) = (escaped, rest.split_first_chunk::<2>()) {
            byte = unescaped(*digits).expect("a broken escape is refused");
            rest = after;
        }
        let unreserved = byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        if unreserved || (!escaped && b"!$&'()*+,;=:@".contains(&byte)) {
            settled.push(byte);
        } else {
            settled.extend_from_slice(format!("%{byte:02X}").as_bytes());
        }
    }
    settled
}

fn unescaped(digits: [u8; 2]) -> Option<u8> {
    let digit = |digit: u8| char::from(digit).to_digit(16);
    u8::try_from(digit(digits[0])? << 4 | digit(digits[1])?).ok()
}
