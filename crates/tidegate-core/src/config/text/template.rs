//! Values with variables: `{host}`, `{header:NAME}`, and `{{` for a brace.
//!
//! What a literal part may hold depends on the place that the value is for, so that no line end and
//! no control byte comes from a file into a message; what variables bring is checked when they are
//! rendered.

use super::fault::{Fault, Format};
use super::name;
use crate::config::nearest::Nearest;
use crate::model::template::{Part, Template, Variable};

/// The value of a request field.
pub(crate) static REQUEST_VALUE: Format = Format {
    name: "the value of a header",
    expected: "the value of a header: visible ASCII, with variables such as `{client}`",
    example: "{client}",
    pattern: Some("^([!-~]([ -~]*[!-~])?)?$"),
    unit: None,
    check: |text| request_value(text).map(drop),
};

/// The value of a response field.
pub(crate) static REPLY_VALUE: Format = Format {
    name: "the value of a header",
    expected: "the value of a header: visible ASCII, with variables such as `{status}`",
    example: "{route}",
    pattern: Some("^([!-~]([ -~]*[!-~])?)?$"),
    unit: None,
    check: |text| reply_value(text).map(drop),
};

/// A URL to send clients to.
pub(crate) static LOCATION: Format = Format {
    name: "a URL to redirect to",
    expected: "a URL or a path from `/` on, such as \"https://{host}{path}\"",
    example: "https://{host}{path}",
    pattern: Some("^(https?://|\\{scheme\\}://|/|\\{path\\})[!-~]*$"),
    unit: None,
    check: |text| location(text).map(drop),
};

/// Variables that every value may ask for.
const COMMON: [(&str, Variable); 10] = [
    ("host", Variable::Host),
    ("path", Variable::Path),
    ("query", Variable::Query),
    ("scheme", Variable::Scheme),
    ("method", Variable::Method),
    ("client", Variable::Client),
    ("request_id", Variable::RequestId),
    ("listener", Variable::Listener),
    ("route", Variable::Route),
    ("port", Variable::Port),
];

/// Which message a value is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Request,
    Reply,
}

pub(crate) fn request_value(text: &str) -> Result<Template, Fault> {
    name::header_value(text)?;
    template(text, Side::Request)
}

pub(crate) fn reply_value(text: &str) -> Result<Template, Fault> {
    name::header_value(text)?;
    template(text, Side::Reply)
}

/// A URL of another place, or a path of this one. What would be read as a host must not come from a
/// variable by chance, so `//` cannot begin it.
pub(crate) fn location(text: &str) -> Result<Template, Fault> {
    let starts = ["https://", "http://", "{scheme}://", "/", "{path}"];
    let fits = starts.iter().any(|start| text.starts_with(start))
        && !text.starts_with("//")
        && !matches!(text, "https://" | "http://" | "{scheme}://")
        && text.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"<>\\^`|".contains(&byte));
    if !fits {
        return Err(Fault::default());
    }
    if text.starts_with("/{path}") {
        let message = "a path begins with a slash of its own: two name a host";
        return Err(Fault::because(message).nearest(text.strip_prefix('/')));
    }
    template(text, Side::Request)
}

fn template(text: &str, side: Side) -> Result<Template, Fault> {
    let mut parts = Vec::new();
    let mut literal = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(['{', '}']) {
        literal.push_str(&rest[..at]);
        let (brace, after) = rest[at..].split_at(1);
        rest = if let Some(after) = after.strip_prefix(brace) {
            literal.push_str(brace);
            after
        } else if brace == "}" {
            return Err(
                Fault::because(format!("{text:?} has a `}}` without `{{`")).nearest(Some("}}"))
            );
        } else {
            let Some((name, after)) = after.split_once('}') else {
                return Err(
                    Fault::because(format!("{text:?} has a `{{` without `}}`")).nearest(Some("{{"))
                );
            };
            if !literal.is_empty() {
                parts.push(Part::Literal(std::mem::take(&mut literal)));
            }
            parts.push(Part::Variable(variable(name, side)?));
            after
        };
    }
    literal.push_str(rest);
    if !literal.is_empty() {
        parts.push(Part::Literal(literal));
    }
    Ok(Template { parts })
}

fn variable(text: &str, side: Side) -> Result<Variable, Fault> {
    if let Some((_, variable)) = COMMON.iter().find(|(known, _)| *known == text) {
        return Ok(variable.clone());
    }
    match (text.split_once(':'), side) {
        (None, Side::Reply) if text == "status" => Ok(Variable::Status),
        (Some(("header", name)), Side::Request) => header(name).map(Variable::Header),
        (Some(("cookie", name)), Side::Request) if name::token(name).is_ok() => {
            Ok(Variable::Cookie(name.to_owned()))
        }
        (Some(("query", key)), Side::Request) if name::query(key).is_ok() => {
            Ok(Variable::QueryValue(key.to_owned()))
        }
        _ => Err(unknown(text, side)),
    }
}

/// A field that a client may say. What it says of itself is not believed anywhere, so no variable
/// repeats it.
fn header(text: &str) -> Result<String, Fault> {
    let name = name::header(text)?;
    if !name::is_protected(&name) {
        return Ok(name);
    }
    let instead = match name.as_str() {
        "host" | "x-forwarded-host" => Some("{host}"),
        "x-forwarded-for" | "x-real-ip" | "forwarded" => Some("{client}"),
        "x-forwarded-proto" => Some("{scheme}"),
        "x-forwarded-port" => Some("{port}"),
        "x-request-id" => Some("{request_id}"),
        _ => None,
    };
    let message = format!("no variable holds the field `{name}`");
    Err(Fault::because(message).nearest(instead))
}

fn unknown(text: &str, side: Side) -> Fault {
    let named: &[&str] = match side {
        Side::Request => &["header:NAME", "cookie:NAME", "query:NAME"],
        Side::Reply => &["status"],
    };
    let known = || COMMON.iter().map(|(name, _)| *name).chain(named.iter().copied());
    let mut nearest = Nearest::default();
    let near = nearest.find(text, known()).map(|name| format!("{{{name}}}"));
    let names: Vec<String> = known().map(|name| format!("{{{name}}}")).collect();
    let message = match near {
        Some(_) => format!("there is no variable `{{{text}}}`"),
        None => format!("there is no variable `{{{text}}}` here; there are {}", names.join(" ")),
    };
    Fault::because(message).nearest(near)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn literal(text: &str) -> Part {
        Part::Literal(text.to_owned())
    }

    #[test]
    fn variables_and_literals_are_parts() {
        let parts = |text: &str| request_value(text).expect(text).parts;
        assert_eq!(parts(""), []);
        assert_eq!(parts("gold"), [literal("gold")]);
        assert_eq!(parts("{{x}}{{"), [literal("{x}{")]);
        assert_eq!(
            parts("a{host}{header:X-Tier}{{"),
            [
                literal("a"),
                Part::Variable(Variable::Host),
                Part::Variable(Variable::Header("x-tier".to_owned())),
                literal("{"),
            ]
        );
        let status = reply_value("{status}").expect("a response has one");
        assert_eq!(status.parts, [Part::Variable(Variable::Status)]);
    }

    #[test]
    fn mistakes_are_told_with_what_was_meant() {
        for (text, nearest) in [
            ("{hots}", Some("{host}")),
            ("{request-id}", Some("{request_id}")),
            ("{status}", None),
            ("{header:x-forwarded-for}", Some("{client}")),
            ("{header:X_Forwarded_Proto}", None),
            ("{header:}", None),
            ("{cookie:a b}", None),
            ("{}", None),
            ("{host", Some("{{")),
            ("host}", Some("}}")),
            ("a\r\nb", None),
            ("a\0", None),
            (" a", None),
            ("\u{e9}", None),
        ] {
            let fault = request_value(text).expect_err(text);
            assert_eq!(fault.nearest.as_deref(), nearest, "{text:?}");
        }
        assert!(reply_value("{header:x}").is_err() && reply_value("{status}").is_ok());
    }

    #[test]
    fn a_location_is_a_url_or_a_path() {
        for text in ["https://{host}{path}", "/x?{query}", "{scheme}://b", "{path}", "/{{x}}"] {
            assert!(location(text).is_ok(), "{text}");
        }
        for text in [
            "",
            "shop",
            "//b",
            "/{path}",
            "https://",
            "javascript:x",
            "{host}",
            "/a b",
            "/a\"",
            "/\r\nx: y",
        ] {
            assert!(location(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_literal_holds_what_a_field_cannot(text in "(?s:.){0,40}") {
            for template in [request_value(&text), reply_value(&text), location(&text)] {
                let parts = template.map(|template| template.parts).unwrap_or_default();
                for part in parts {
                    if let Part::Literal(text) = part {
                        prop_assert!(text.bytes().all(|byte| (b' '..=b'~').contains(&byte)));
                    }
                }
            }
        }
    }
}
