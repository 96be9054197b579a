//! Blots the values of secret query keys out of a URL.
//!
//! It would rather blot too much: keys are compared without regard to case and with percent signs
//! decoded, since the application may read them so, and `;` separates as `&` does.

use crate::model::node::Redaction;

/// Hands the pieces of `url` to `each`, in order, with secret values replaced by `***`.
pub(super) fn pieces(url: &[u8], redact: &[Redaction], mut each: impl FnMut(&[u8])) {
    let Some(mark) = url.iter().position(|byte| *byte == b'?') else {
        return each(url);
    };
    if redact.is_empty() {
        return each(url);
    }
    each(&url[..=mark]);
    for pair in url[mark + 1..].split_inclusive(|byte| is_separator(*byte)) {
        match pair.iter().position(|byte| *byte == b'=') {
            Some(equals) if is_secret(&pair[..equals], redact) => {
                each(&pair[..=equals]);
                each(b"***");
                each(
                    pair.last_chunk::<1>().filter(|[last]| is_separator(*last)).map_or(&[], |c| c),
                );
            }
            _ => each(pair),
        }
    }
}

const fn is_separator(byte: u8) -> bool {
    matches!(byte, b'&' | b';')
}

fn is_secret(key: &[u8], redact: &[Redaction]) -> bool {
    redact.iter().any(|Redaction::Query(name)| {
        decoded(key).eq(name.bytes().map(|byte| byte.to_ascii_lowercase()))
    })
}

/// The bytes of a query key in lower case, percent signs decoded once.
fn decoded(key: &[u8]) -> impl Iterator<Item = u8> {
    let mut rest = key;
    std::iter::from_fn(move || {
        let (byte, after) = match rest {
            [b'%', high, low, after @ ..] => match (hex_value(*high), hex_value(*low)) {
                (Some(high), Some(low)) => (high << 4 | low, after),
                _ => (b'%', &rest[1..]),
            },
            [byte, after @ ..] => (*byte, after),
            [] => return None,
        };
        rest = after;
        Some(byte.to_ascii_lowercase())
    })
}

fn hex_value(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(url: &str, expected: &str) {
        let redact = [Redaction::Query("token".to_owned()), Redaction::Query("Key".to_owned())];
        let mut out = Vec::new();
        pieces(url.as_bytes(), &redact, |piece| out.extend_from_slice(piece));
        assert_eq!(String::from_utf8_lossy(&out), expected);
    }

    #[test]
    fn secret_values_are_blotted_out_and_nothing_else() {
        check("/a/token=1", "/a/token=1");
        check("/?token=1", "/?token=***");
        check("/?a=b&token=1&c=d", "/?a=b&token=***&c=d");
        check("/?TOKEN=1;key=2;k=3", "/?TOKEN=***;key=***;k=3");
        check("/?t%6fken=1&%4bey=2&", "/?t%6fken=***&%4bey=***&");
        check("/?token&token=&tokens=1&%=2&%4=3", "/?token&token=***&tokens=1&%=2&%4=3");
        check("https://x/?token=a=b?c#d", "https://x/?token=***");
    }
}
