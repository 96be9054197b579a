//! Names: of objects, of header fields, of cookies and query keys, of methods.

use super::fault::{Fault, Format};

/// The name of a listener, a route, a pool, a zone or a token.
pub(crate) static OBJECT: Format = OBJECT_FORM;

const OBJECT_FORM: Format = Format {
    name: "a name",
    expected: "1 to 64 letters, digits, `_`, `-` and `.`",
    example: "shop-v2",
    pattern: Some("^[A-Za-z0-9_.-]{1,64}$"),
    unit: None,
    check: |text| object(text).map(drop),
};

/// A pool that is named elsewhere.
pub(crate) static POOL: Format =
    Format { name: "the name of a pool", expected: "the name of a pool", ..OBJECT_FORM };

/// A listener that is named elsewhere.
pub(crate) static LISTENER: Format =
    Format { name: "the name of a listener", expected: "the name of a listener", ..OBJECT_FORM };

/// The name of a server; an address is one.
pub(crate) static SERVER: Format = Format {
    name: "the name of a server",
    expected: "1 to 64 letters, digits, `_`, `-`, `.`, `:`, `[` and `]`",
    example: "big",
    pattern: Some(r"^[A-Za-z0-9_.:\[\]-]{1,64}$"),
    unit: None,
    check: |text| server(text).map(drop),
};

/// The name of a header field.
pub(crate) static HEADER: Format = Format {
    name: "the name of a header",
    expected: "the name of a header, such as \"x-tier\"",
    example: "x-tier",
    pattern: Some("^[!#$%&'*+.^_`|~0-9A-Za-z-]+$"),
    unit: None,
    check: |text| header(text).map(drop),
};

/// The name of a header that a check may send.
pub(crate) static PROBE_HEADER: Format = Format {
    name: "the name of a header that a check may send",
    expected: "the name of a header other than `host` and those that frame a message",
    example: "authorization",
    pattern: Some("^[!#$%&'*+.^_`|~0-9A-Za-z-]+$"),
    unit: None,
    check: |text| probe_header(text).map(drop),
};

/// The name of a header that an edit may set or remove.
pub(crate) static EDITED_HEADER: Format = Format {
    name: "the name of a header that may be edited",
    expected: "the name of a header other than those that frame a message or that the balancer \
               writes itself",
    example: "x-tier",
    pattern: Some("^[!#$%&'*+.^_`|~0-9A-Za-z-]+$"),
    unit: None,
    check: |text| edited_header(text).map(drop),
};

/// The type of a body.
pub(crate) static MEDIA_TYPE: Format = Format {
    name: "a media type",
    expected: "a media type, such as \"text/plain\"",
    example: "text/plain",
    pattern: Some("^[!-~]+/[!-~]+(;[ -~]+)?$"),
    unit: None,
    check: |text| media_type(text).map(drop),
};

/// The value of a header field.
pub(crate) static HEADER_VALUE: Format = Format {
    name: "the value of a header",
    expected: "the value of a header: visible ASCII, with spaces inside",
    example: "gold",
    pattern: Some("^([!-~]([ -~]*[!-~])?)?$"),
    unit: None,
    check: |text| header_value(text).map(drop),
};

/// The name of a cookie.
pub(crate) static COOKIE: Format = Format {
    name: "the name of a cookie",
    expected: "the name of a cookie, such as \"beta\"",
    example: "beta",
    pattern: Some("^[!#$%&'*+.^_`|~0-9A-Za-z-]+$"),
    unit: None,
    check: |text| token(text).map(drop),
};

/// A key of the query.
pub(crate) static QUERY: Format = Format {
    name: "a query key",
    expected: "a query key as requests carry it, without `&`, `=`, `#` and spaces",
    example: "v",
    pattern: Some("^[^&=# ]+$"),
    unit: None,
    check: |text| query(text).map(drop),
};

/// A request method.
pub(crate) static METHOD: Format = Format {
    name: "a method",
    expected: "a method in capitals, such as \"GET\"",
    example: "GET",
    pattern: Some("^[!#$%&'*+.^_`|~0-9A-Z-]+$"),
    unit: None,
    check: |text| method(text).map(drop),
};

/// A protocol to upgrade to.
pub(crate) static UPGRADE: Format = Format {
    name: "a protocol to upgrade to",
    expected: "the name of a protocol, such as \"websocket\"; never \"h2c\"",
    example: "websocket",
    pattern: Some("^[!#$%&'*+.^_`|~0-9A-Za-z/-]+$"),
    unit: None,
    check: |text| upgrade(text).map(drop),
};

/// What the access log blots out.
pub(crate) static REDACTION: Format = Format {
    name: "something that can be blotted out",
    expected: "\"query:KEY\", such as \"query:token\"",
    example: "query:token",
    pattern: Some("^query:[^&=# ]+$"),
    unit: None,
    check: |text| redaction(text).map(drop),
};

/// A body.
pub(crate) static BODY: Format = Format {
    name: "a body",
    expected: "a text",
    example: "ok",
    pattern: None,
    unit: None,
    check: |_| Ok(()),
};

/// A text that is not empty.
pub(crate) static PHRASE: Format = Format {
    name: "a text",
    expected: "a text that is not empty",
    example: "ok",
    pattern: Some("^[\\s\\S]+$"),
    unit: None,
    check: |text| phrase(text).map(drop),
};

pub(crate) fn object(text: &str) -> Result<String, Fault> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    whole(text, (1..=64).contains(&text.len()) && text.bytes().all(fits))
}

pub(crate) fn server(text: &str) -> Result<String, Fault> {
    let fits = |byte: u8| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b':' | b'[' | b']')
    };
    whole(text, (1..=64).contains(&text.len()) && text.bytes().all(fits))
}

/// In lower case, as names of fields do not know case (RFC 9110, section 5.1).
pub(crate) fn header(text: &str) -> Result<String, Fault> {
    token(text).map(|name| name.to_ascii_lowercase())
}

pub(crate) fn probe_header(text: &str) -> Result<String, Fault> {
    const OURS: [&str; 7] = [
        "host",
        "connection",
        "content-length",
        "keep-alive",
        "te",
        "transfer-encoding",
        "upgrade",
    ];
    let name = header(text)?;
    if OURS.contains(&name.as_str()) { Err(Fault::default()) } else { Ok(name) }
}

/// In lower case.
pub(crate) fn edited_header(text: &str) -> Result<String, Fault> {
    let name = header(text)?;
    if is_protected(&name) {
        let message = format!("`{name}` is the balancer's own and cannot be edited");
        let instead = (name == "host").then_some("request.host");
        return Err(Fault::because(message).nearest(instead));
    }
    Ok(name)
}

/// Whether a name, in lower case, is that of a field that frames the message, speaks to one hop, or
/// says what only the balancer may say of a client; an underscore counts as a hyphen, as servers
/// read it so.
pub(crate) fn is_protected(name: &str) -> bool {
    const OURS: [&str; 25] = [
        "client-cert",
        "client-cert-chain",
        "connection",
        "content-length",
        "date",
        "expect",
        "forwarded",
        "host",
        "http2-settings",
        "keep-alive",
        "proxy",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "via",
        "x-forwarded",
        "x-http-method",
        "x-http-method-override",
        "x-method-override",
        "x-original-url",
        "x-real-ip",
        "x-request-id",
        "x-rewrite-url",
    ];
    let name = name.replace('_', "-");
    let letters: String = name.chars().filter(char::is_ascii_alphabetic).collect();
    OURS.contains(&name.as_str())
        || name.starts_with("x-forwarded-")
        || matches!(letters.as_str(), "contentlength" | "transferencoding")
}

pub(crate) fn media_type(text: &str) -> Result<String, Fault> {
    let essence = text.split(';').next().unwrap_or_default().trim_end();
    let fits = essence
        .split_once('/')
        .is_some_and(|(kind, subtype)| token(kind).is_ok() && token(subtype).is_ok());
    whole(text, fits && header_value(text).is_ok())
}

pub(crate) fn header_value(text: &str) -> Result<String, Fault> {
    let trimmed = text.trim_matches(' ').len() == text.len();
    whole(text, trimmed && text.bytes().all(|byte| (b' '..=b'~').contains(&byte)))
}

pub(crate) fn method(text: &str) -> Result<String, Fault> {
    let name = token(text)?;
    if text.bytes().any(|byte| byte.is_ascii_lowercase()) {
        return Err(Fault::default().nearest(Some(text.to_ascii_uppercase())));
    }
    Ok(name)
}

pub(crate) fn query(text: &str) -> Result<String, Fault> {
    let fits = |byte: u8| byte > b' ' && !matches!(byte, b'&' | b'=' | b'#' | 0x7f);
    whole(text, !text.is_empty() && text.bytes().all(fits))
}

/// In lower case. `h2c` would open a second connection's worth of requests behind the balancer's
/// back.
pub(crate) fn upgrade(text: &str) -> Result<String, Fault> {
    let name = text.to_ascii_lowercase();
    let (protocol, version) = name.split_once('/').unwrap_or((&name, "1"));
    if protocol == "h2c" || protocol == "tls" || token(protocol).is_err() {
        return Err(Fault::default());
    }
    token(version).map(|_| name.clone())
}

pub(crate) fn redaction(text: &str) -> Result<String, Fault> {
    let key = text.strip_prefix("query:").ok_or_else(|| {
        let bare = query(text).ok().filter(|key| !key.contains(':') && key != "cookie");
        let message = (text == "cookie").then(|| "the access log holds no cookies".to_owned());
        Fault { message, nearest: bare.map(|key| format!("query:{key}")) }
    })?;
    query(key)
}

pub(crate) fn phrase(text: &str) -> Result<String, Fault> {
    whole(text, !text.is_empty())
}

/// A token (RFC 9110, section 5.6.2).
pub(crate) fn token(text: &str) -> Result<String, Fault> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    whole(text, !text.is_empty() && text.bytes().all(fits))
}

fn whole(text: &str, fits: bool) -> Result<String, Fault> {
    if fits { Ok(text.to_owned()) } else { Err(Fault::default()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::field_kind::FieldKind;

    #[test]
    fn a_field_that_a_proxy_does_not_pass_as_it_is_cannot_be_edited() {
        for name in [
            "host",
            "content-length",
            "transfer-encoding",
            "content--length",
            "connection",
            "keep-alive",
            "te",
            "upgrade",
            "expect",
            "x-forwarded-for",
            "x-forwarded-anything",
            "forwarded",
            "x-real-ip",
            "via",
            "date",
            "x-request-id",
            "proxy",
            "x-original-url",
            "x-http-method-override",
            "http2-settings",
            "proxy-connection",
        ] {
            assert!(!matches!(FieldKind::of(name.as_bytes()), FieldKind::Plain), "{name}");
            assert!(edited_header(name).is_err() && is_protected(&name.replace('-', "_")));
        }
        for name in ["client-cert", "trailer"] {
            assert!(edited_header(name).is_err(), "{name}");
        }
        for name in ["X-Tier", "authorization", "server", "set-cookie", "x_user"] {
            assert_eq!(edited_header(name), Ok(name.to_ascii_lowercase()));
        }
    }
}
