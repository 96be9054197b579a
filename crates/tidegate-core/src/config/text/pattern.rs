//! Patterns: regular expressions, and the values that headers, cookies and query keys are held
//! against.

use regex::{Regex, RegexBuilder};

use super::fault::{Fault, Format};
use crate::model::route::ValuePattern;

/// A path as a regular expression.
pub(crate) static PATH_REGEX: Format = Format {
    name: "a regular expression",
    expected: "a regular expression for the whole path, such as \"/item/[0-9]+\"",
    example: "/item/[0-9]+",
    pattern: None,
    unit: None,
    check: |text| well_formed(text),
};

/// A value to match.
pub(crate) static VALUE: Format = Format {
    name: "a value to match",
    expected: "a value, or \"~\" and a regular expression for the whole value",
    example: "~gold|silver",
    pattern: None,
    unit: None,
    check: |text| match text.strip_prefix('~') {
        Some(pattern) => well_formed(pattern),
        None => Ok(()),
    },
};

/// What a compiled expression may take: enough for a page of alternatives, too little to starve the
/// process.
const REGEX_BYTES_MAX: usize = 1 << 20;

/// Compiles an expression so that it matches a whole text or nothing.
pub(crate) fn anchored(pattern: &str) -> Result<Regex, Fault> {
    compile(&format!("^(?:{pattern})$"), REGEX_BYTES_MAX + (REGEX_BYTES_MAX >> 4))
}

pub(crate) fn value(text: &str) -> Result<ValuePattern, Fault> {
    match text.strip_prefix('~') {
        Some(pattern) => anchored(pattern).map(ValuePattern::Regex),
        None => Ok(ValuePattern::Exact(text.to_owned())),
    }
}

/// Checks the expression alone, as `a)(b` would be well-formed inside the anchors.
fn well_formed(pattern: &str) -> Result<(), Fault> {
    compile(pattern, REGEX_BYTES_MAX).map(drop)
}

fn compile(pattern: &str, bytes_max: usize) -> Result<Regex, Fault> {
    let built = RegexBuilder::new(pattern).size_limit(bytes_max).build();
    built.map_err(|error| match error {
        regex::Error::CompiledTooBig(_) => {
            Fault::because("the regular expression takes more than 1MiB when compiled")
        }
        error => Fault::because(format!("the regular expression is broken: {}", last_line(&error))),
    })
}

/// The sentence of an error that also draws the expression.
fn last_line(error: &regex::Error) -> String {
    let text = error.to_string();
    let line = text.lines().next_back().unwrap_or_default();
    line.trim().trim_start_matches("error: ").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expression_matches_the_whole_text_or_nothing() {
        let regex = anchored("a|b").expect("well-formed");
        assert!(regex.is_match("a") && !regex.is_match("ab") && !regex.is_match("xa"));
    }

    #[test]
    fn broken_and_oversized_expressions_are_refused() {
        for (pattern, part) in
            [("(", "unclosed"), ("a)(b", "unopened"), ("(?:a{900}){900}", "1MiB")]
        {
            let fault = (PATH_REGEX.check)(pattern).expect_err(pattern);
            assert!(fault.message.is_some_and(|m| m.contains(part)), "{pattern}");
        }
    }
}
