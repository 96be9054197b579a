//! JSON pointers (RFC 6901).

use super::fault::{Fault, Format};
use crate::model::body::JsonPointer;

/// A JSON pointer.
pub(crate) static POINTER: Format = Format {
    name: "a JSON pointer",
    expected: "a JSON pointer, such as \"/order/type\"",
    example: "/order/type",
    pattern: Some("^(/([^~/]|~0|~1)*)*$"),
    unit: None,
    check: |text| pointer(text).map(drop),
};

/// Tokens of one pointer: deeper than any body is read.
const TOKENS_MAX: usize = 128;

pub(crate) fn pointer(text: &str) -> Result<JsonPointer, Fault> {
    let tokens = match text.strip_prefix('/') {
        None if text.is_empty() => Vec::new(),
        None => return Err(Fault::default().nearest(Some(format!("/{}", text.replace('.', "/"))))),
        Some(rest) => rest.split('/').map(unescape).collect::<Option<_>>().ok_or_else(|| {
            Fault::because(format!("{text:?} has a `~` that is not `~0` or `~1`"))
        })?,
    };
    if tokens.len() > TOKENS_MAX {
        return Err(Fault::because(format!("the pointer is deeper than {TOKENS_MAX}")));
    }
    Ok(JsonPointer { text: text.to_owned(), tokens })
}

/// Section 4: `~1` is `/`, `~0` is `~`, in one pass, so that `~01` is `~1`.
fn unescape(token: &str) -> Option<String> {
    let mut parts = token.split('~');
    let mut text = parts.next()?.to_owned();
    for part in parts {
        let letter = match part.chars().next()? {
            '0' => '~',
            '1' => '/',
            _ => return None,
        };
        text.push(letter);
        text.push_str(&part[1..]);
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_unescaped() {
        for (text, tokens) in [
            ("", &[][..]),
            ("/", &[""]),
            ("/a/0", &["a", "0"]),
            ("/a~1b/m~0n/~01", &["a/b", "m~n", "~1"]),
            ("/é//", &["é", "", ""]),
        ] {
            assert_eq!(pointer(text).expect(text).tokens, tokens, "{text}");
        }
    }

    #[test]
    fn what_is_no_pointer_is_refused() {
        for (text, nearest) in
            [("order.type", Some("/order/type")), ("/~", None), ("/~2", None), ("/a~", None)]
        {
            assert_eq!(pointer(text).expect_err(text).nearest.as_deref(), nearest, "{text}");
        }
    }
}
