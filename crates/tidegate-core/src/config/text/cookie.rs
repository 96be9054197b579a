//! Cookies: the paths that they are for, and what tells sessions apart.

use super::fault::{Fault, Format};
use super::name;
use crate::model::session::SessionKey;

/// The paths that a cookie is for.
pub(crate) static COOKIE_PATH: Format = Format {
    name: "the path of a cookie",
    expected: "a path without `;`, such as \"/\" or \"/shop\"",
    example: "/",
    pattern: Some("^/[!-:<-~]*$"),
    unit: None,
    check: |text| cookie_path(text).map(drop),
};

/// What tells sessions apart.
pub(crate) static SESSION_KEY: Format = Format {
    name: "something that the application sends",
    expected: "\"cookie:NAME\" or \"header:NAME\"",
    example: "cookie:JSESSIONID",
    pattern: Some("^(header|cookie):.+$"),
    unit: None,
    check: |text| session_key(text).map(drop),
};

/// What may stand in the attribute (RFC 6265, section 4.1.1).
pub(crate) fn cookie_path(text: &str) -> Result<String, Fault> {
    let fits = |byte: u8| byte.is_ascii_graphic() && byte != b';';
    if text.starts_with('/') && text.bytes().all(fits) && text.len() <= 1024 {
        return Ok(text.to_owned());
    }
    let rooted = format!("/{text}");
    let nearest = !text.is_empty() && !text.starts_with('/') && text.bytes().all(fits);
    Err(Fault::default().nearest(nearest.then_some(rooted)))
}

pub(crate) fn session_key(text: &str) -> Result<SessionKey, Fault> {
    match text.split_once(':') {
        Some(("cookie", cookie)) => name::token(cookie).map(SessionKey::Cookie),
        Some(("header", header)) => name::header(header).map(SessionKey::Header),
        _ => Err(Fault::default()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_what_the_attribute_can_hold() {
        for path in ["/", "/shop", "/a/b=c,d"] {
            assert_eq!(cookie_path(path).as_deref(), Ok(path));
        }
        for path in ["", "shop", "/a;b", "/a b", "/\u{e4}", "/a\r\n"] {
            assert!(cookie_path(path).is_err(), "{path:?}");
        }
        let fault = cookie_path("shop").expect_err("it is not rooted");
        assert_eq!(fault.nearest.as_deref(), Some("/shop"));
    }

    #[test]
    fn sessions_are_told_apart_by_a_cookie_or_a_header() {
        assert_eq!(session_key("cookie:JSESSIONID"), Ok(SessionKey::Cookie("JSESSIONID".into())));
        assert_eq!(session_key("header:X-Cart"), Ok(SessionKey::Header("x-cart".into())));
        for text in ["JSESSIONID", "query:cart", "cookie:", "cookie:a b", "header:"] {
            assert!(session_key(text).is_err(), "{text}");
        }
    }
}
