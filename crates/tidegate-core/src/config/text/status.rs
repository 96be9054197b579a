//! Response status codes: one, or a range of them.

use super::fault::{Fault, Format};

/// One status code.
pub(crate) static STATUS: Format = Format {
    name: "a status code",
    expected: "a status code, such as \"503\"",
    example: "503",
    pattern: Some("^[1-5][0-9][0-9]$"),
    unit: Some(""),
    check: |text| status(text).map(drop),
};

/// A status code or a range.
pub(crate) static STATUS_RANGE: Format = Format {
    name: "a status code or a range",
    expected: "a status code or a range, such as \"204\" or \"200-399\"",
    example: "200-399",
    pattern: Some("^[1-5][0-9][0-9](-[1-5][0-9][0-9])?$"),
    unit: Some(""),
    check: |text| range(text).map(drop),
};

/// The status of an error.
pub(crate) static ERROR_STATUS: Format = Format {
    name: "the status of an error",
    expected: "a status code from 400 to 599, such as 503",
    example: "503",
    pattern: Some("^[45][0-9][0-9]$"),
    unit: None,
    check: |text| error_status(text).map(drop),
};

/// 400 to 599.
pub(crate) fn error_status(text: &str) -> Result<u16, Fault> {
    status(text).ok().filter(|code| *code >= 400).ok_or_else(Fault::default)
}

/// 100 to 599, which is all that there is (RFC 9110, section 15).
pub(crate) fn status(text: &str) -> Result<u16, Fault> {
    let code = text.parse().ok().filter(|code| text.len() == 3 && (100..=599).contains(code));
    code.ok_or_else(Fault::default)
}

/// Both ends included.
pub(crate) fn range(text: &str) -> Result<(u16, u16), Fault> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last) = (status(first)?, status(last)?);
    if first > last {
        return Err(Fault::default().nearest(Some(format!("{last}-{first}"))));
    }
    Ok((first, last))
}
