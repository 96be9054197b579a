//! Origins of web pages, as browsers write them (RFC 6454, section 6.2).

use super::fault::{Fault, Format};
use super::host;

/// An origin, or `*`.
pub(crate) static ORIGIN: Format = Format {
    name: "an origin",
    expected: "an origin, such as \"https://shop.example.com\", or \"*\" for any",
    example: "https://shop.example.com",
    pattern: Some(r"^(\*|https?://[a-z0-9_.-]+(:[0-9]+)?|https?://\[[0-9a-f:.]+\](:[0-9]+)?)$"),
    unit: None,
    check: |text| origin(text).map(drop),
};

/// An origin. Browsers compare nothing: they send one form, and this has to be it.
pub(crate) fn origin(text: &str) -> Result<String, Fault> {
    if text == "*" {
        return Ok(text.to_owned());
    }
    let (scheme, rest) = text.split_once("://").ok_or_else(Fault::default)?;
    let lower = scheme.to_ascii_lowercase();
    let standard = match lower.as_str() {
        "http" => ":80",
        "https" => ":443",
        _ => return Err(Fault::default()),
    };
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    let authority = host::authority(rest).map_err(|_| Fault::default())?.to_ascii_lowercase();
    let authority = authority.strip_suffix(standard).unwrap_or(&authority);
    let canonical = format!("{lower}://{}", authority.trim_end_matches('.'));
    if canonical == text { Ok(canonical) } else { Err(Fault::default().nearest(Some(canonical))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_written_as_browsers_do() {
        for text in ["*", "https://a.example", "http://a:8080", "https://[::1]:8443"] {
            assert_eq!(origin(text).as_deref(), Ok(text));
        }
        for (text, nearest) in [
            ("https://A.example", Some("https://a.example")),
            ("https://a.example/", Some("https://a.example")),
            ("https://a.example:443", Some("https://a.example")),
            ("https://a/b", None),
            ("a.example", None),
            ("null", None),
            ("https://*.a", None),
            ("ftp://a", None),
        ] {
            assert_eq!(origin(text).expect_err(text).nearest.as_deref(), nearest, "{text}");
        }
    }
}
