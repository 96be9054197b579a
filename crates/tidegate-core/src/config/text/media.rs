//! Media types to match: `text/html`, `text/*`, `application/*+json`.

use super::fault::{Fault, Format};
use super::name::token;
use crate::model::compression::{MediaPattern, Subtype};

/// A media type or a pattern of some.
pub(crate) static MEDIA: Format = Format {
    name: "a media type",
    expected: "a media type, such as \"text/html\", \"text/*\" or \"application/*+json\"",
    example: "text/html",
    pattern: Some(r"^[^/*; ]+/([^/*; ]+|\*(\+[^/*; ]+)?)$"),
    unit: None,
    check: |text| media(text).map(drop),
};

pub(crate) fn media(text: &str) -> Result<MediaPattern, Fault> {
    let name = |text: &str| match token(text) {
        Ok(name) if !name.contains('*') => Ok(name.to_ascii_lowercase()),
        _ => Err(Fault::default()),
    };
    // A subtype alone, as `json`, is not guessed at; a parameter is never compared.
    let (kind, subtype) = text.split_once('/').ok_or_else(Fault::default)?;
    let bare = text.split(';').next().map(str::trim_end).filter(|bare| bare.len() < text.len());
    let kind = name(kind)?;
    let subtype = match subtype.strip_prefix('*') {
        Some("") => Subtype::Any,
        Some(suffix) => {
            let suffix = suffix.strip_prefix('+').ok_or_else(Fault::default)?;
            Subtype::Suffix(format!("+{}", name(suffix)?))
        }
        None => Subtype::Exact(name(subtype).map_err(|fault| fault.nearest(bare))?),
    };
    Ok(MediaPattern { kind, subtype })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_and_a_subtype_or_a_star() {
        let read = |text| media(text).expect("a media type").subtype;
        assert_eq!(read("text/*"), Subtype::Any);
        assert_eq!(read("Image/SVG+xml"), Subtype::Exact("svg+xml".to_owned()));
        assert_eq!(read("application/*+JSON"), Subtype::Suffix("+json".to_owned()));
        for bad in ["text", "text/", "/html", "*/*", "text/*html", "text/*+", "te xt/a", "text/a*"]
        {
            assert!(media(bad).is_err(), "{bad}");
        }
        let parameter = media("text/html; charset=utf-8").expect_err("a parameter");
        assert_eq!(parameter.nearest.as_deref(), Some("text/html"));
    }
}
