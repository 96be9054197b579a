//! Request paths to match, which have to be written in the canonical form that routing compares
//! with.
//!
//! Canonical (RFC 3986, section 6.2.2): no dot segments, no empty segments, no `%XX` for what needs
//! none, capitals in the `%XX` that remain. A condition in another form would never match, so it is
//! refused rather than rewritten.

use super::fault::{Fault, Format};

/// A path to match.
pub(crate) static PATH: Format = Format {
    name: "a canonical path",
    expected: "a path from `/` on, without `//`, dot segments, `?` and `#`, such as \"/cart\"",
    example: "/cart",
    pattern: Some(r"^/[^?#\\\s]*$"),
    unit: None,
    check: |text| path(text).map(drop),
};

/// A path prefix to match.
pub(crate) static PREFIX: Format = Format {
    name: "a canonical path",
    expected: "a path from `/` on, without `//`, dot segments, `?` and `#`, such as \"/api\"",
    example: "/api",
    pattern: Some(r"^/[^?#\\\s]*$"),
    unit: None,
    check: |text| prefix(text).map(drop),
};

/// What a check requests.
pub(crate) static PROBE_TARGET: Format = Format {
    name: "a request path",
    expected: "a path from `/` on, with a query if need be, such as \"/healthz\"",
    example: "/healthz",
    pattern: Some(r"^/[!-~]*$"),
    unit: None,
    check: |text| probe_target(text).map(drop),
};

pub(crate) fn path(text: &str) -> Result<String, Fault> {
    let Some(rest) = text.strip_prefix('/') else {
        let slashed = format!("/{text}");
        let nearest = (!text.is_empty()).then(|| path(&slashed).ok()).flatten();
        return Err(Fault::default().nearest(nearest));
    };
    check_bytes(text)?;
    check_segments(text, rest)?;
    Ok(text.to_owned())
}

/// Without its trailing slash: a prefix is whole segments. `/`, which takes every path, becomes
/// empty.
pub(crate) fn prefix(text: &str) -> Result<String, Fault> {
    path(text).map(|path| path.strip_suffix('/').unwrap_or(&path).to_owned())
}

pub(crate) fn probe_target(text: &str) -> Result<String, Fault> {
    let fits = text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#');
    if fits && text.starts_with('/') { Ok(text.to_owned()) } else { Err(Fault::default()) }
}

fn check_segments(text: &str, rest: &str) -> Result<(), Fault> {
    let mut segments = rest.split('/').peekable();
    while let Some(segment) = segments.next() {
        if hides_dots(segment) {
            return Err(Fault::because(format!("\"{text}\" has a dot segment")));
        }
        if segment.is_empty() && segments.peek().is_some() {
            return Err(Fault::because(format!("\"{text}\" has an empty segment")));
        }
    }
    Ok(())
}

/// Whether some server would see a dot segment: alone, before a parameter or an escaped delimiter,
/// or beside an escaped slash. Requests for such paths are refused or rewritten, so a condition on
/// one would never hold.
fn hides_dots(segment: &str) -> bool {
    let parts = segment.split("%2F").flat_map(|part| part.split("%5C"));
    parts.into_iter().any(|part| {
        let ends = [";", "%3B", "%23", "%3F"];
        let name = ends.iter().fold(part, |name, end| name.split(end).next().unwrap_or(name));
        matches!(name, "." | "..")
    })
}

fn check_bytes(text: &str) -> Result<(), Fault> {
    let mut canonical = String::with_capacity(text.len());
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        let letter = match byte {
            b'%' => escaped(&mut bytes).ok_or_else(|| {
                Fault::because(format!("\"{text}\" has a `%` without two digits"))
            })?,
            b'?' | b'#' | b'\\' => return Err(Fault::default()),
            byte => byte,
        };
        decoded.push(letter);
        if is_unreserved(letter) || byte != b'%' && is_delimiter(byte) {
            canonical.push(char::from(letter));
        } else {
            canonical.push_str(&format!("%{letter:02X}"));
        }
    }
    if std::str::from_utf8(&decoded).is_err() || decoded.contains(&0) {
        return Err(Fault::because(format!("\"{text}\" is not UTF-8 text when decoded")));
    }
    if canonical == text { Ok(()) } else { Err(Fault::default().nearest(Some(canonical))) }
}

/// The byte that two hexadecimal digits stand for.
fn escaped(bytes: &mut impl Iterator<Item = u8>) -> Option<u8> {
    let mut digit = || char::from(bytes.next()?).to_digit(16);
    u8::try_from(digit()? * 16 + digit()?).ok()
}

/// What a path holds as it is beside unreserved characters (`pchar` and `/`, RFC 3986, section
/// 3.3).
const fn is_delimiter(byte: u8) -> bool {
    matches!(
        byte,
        b'/' | b'!'
            | b'$'
            | b'&'
            | b'\''
            | b'('
            | b')'
            | b'*'
            | b'+'
            | b','
            | b';'
            | b'='
            | b':'
            | b'@'
    )
}

/// RFC 3986, section 2.3.
const fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn canonical_paths_stand() {
        for text in
            ["/", "/a", "/a/", "/a/b.c", "/%2F", "/%C3%9F", "/a;v=1", "/..a", "/@:!$", "/%20x"]
        {
            assert_eq!(path(text).as_deref(), Ok(text));
        }
        assert_eq!(prefix("/api/").as_deref(), Ok("/api"));
        assert_eq!(prefix("/").as_deref(), Ok(""));
    }

    #[test]
    fn other_forms_are_refused_with_the_canonical_one() {
        for (text, nearest) in [
            ("api", Some("/api")),
            ("/%61", Some("/a")),
            ("/%c3%9f", Some("/%C3%9F")),
            ("/ß x", Some("/%C3%9F%20x")),
            ("/a//b", None),
            ("/a/../b", None),
            ("/.;x/b", None),
            ("/a%2F../b", None),
            ("/..%3Bx", None),
            ("/%FF", None),
            ("/a%00", None),
            ("/a|b", Some("/a%7Cb")),
            ("/a?b", None),
            ("/a\\b", None),
            ("/%4", None),
            ("", None),
        ] {
            assert_eq!(path(text).expect_err(text).nearest.as_deref(), nearest, "{text}");
        }
    }
}
