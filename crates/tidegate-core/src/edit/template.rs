//! Renders values with variables.
//!
//! A variable says what the client asked for, whatever was edited since. One that the request does
//! not have is empty; of a repeated cookie or query key the first counts, and the values of a
//! repeated field are joined (RFC 9110, section 5.3). What comes out may still hold any byte that a
//! request can: whoever uses it holds it against what its place allows.

use std::io::Write;

use super::error::EditError;
use super::facts::Facts;
use crate::http::forwarded::hexadecimal;
use crate::http::head::Head;
use crate::model::ids::RouteName;
use crate::model::template::{Part, Template, Variable};

/// What a value is rendered from.
#[derive(Clone, Copy)]
pub(super) struct Sight<'a> {
    pub(super) head: &'a Head,
    pub(super) facts: &'a Facts<'a>,
    pub(super) route: &'a RouteName,
    /// What `{path}` says.
    pub(super) path: &'a str,
    /// 0 where there is no response yet; no variable asks for it then.
    pub(super) status: u16,
}

impl Template {
    /// Appends the value to `out`.
    pub(super) fn render(&self, sight: &Sight<'_>, out: &mut Vec<u8>) -> Result<(), EditError> {
        let start = out.len();
        for part in &self.parts {
            match part {
                Part::Literal(text) => out.extend_from_slice(text.as_bytes()),
                Part::Variable(variable) => sight.render(variable, out),
            }
        }
        if out.len() - start > EditError::VALUE_BYTES_MAX {
            return Err(EditError::TooLong);
        }
        Ok(())
    }

    /// Whether a variable is asked for.
    pub(super) fn names(&self, variable: &Variable) -> bool {
        self.parts.iter().any(|part| matches!(part, Part::Variable(named) if named == variable))
    }
}

impl Sight<'_> {
    fn render(&self, variable: &Variable, out: &mut Vec<u8>) {
        let (head, facts) = (self.head, self.facts);
        let text = match variable {
            Variable::Host => head.asked_host(),
            Variable::Path => self.path,
            Variable::Query => head.query().unwrap_or_default(),
            Variable::Scheme => facts.scheme.as_str(),
            Variable::Method => head.method(),
            Variable::Listener => facts.listener,
            Variable::Route => self.route.as_str(),
            Variable::QueryValue(key) => head.query_values(key).next().unwrap_or_default(),
            Variable::Client => return print(out, format_args!("{}", facts.client)),
            Variable::Port => return print(out, format_args!("{}", facts.port)),
            Variable::Status => return print(out, format_args!("{}", self.status)),
            Variable::RequestId => return self.request_id(out),
            Variable::Header(name) => return join(head.values(name), out),
            Variable::Cookie(name) => return join(head.cookies(name).take(1), out),
        };
        out.extend_from_slice(text.as_bytes());
    }

    fn request_id(&self, out: &mut Vec<u8>) {
        match self.facts.request_id {
            Some(id) => out.extend_from_slice(&hexadecimal(id)),
            None => join(self.head.values("x-request-id").take(1), out),
        }
    }
}

fn join<'v>(values: impl Iterator<Item = &'v [u8]>, out: &mut Vec<u8>) {
    for (position, value) in values.enumerate() {
        out.extend_from_slice(if position == 0 { b"" } else { b", " });
        out.extend_from_slice(value);
    }
}

fn print(out: &mut Vec<u8>, text: std::fmt::Arguments<'_>) {
    // Writing into a vector cannot fail.
    let _ = out.write_fmt(text);
}
