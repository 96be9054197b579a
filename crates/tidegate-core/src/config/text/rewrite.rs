//! What a rewritten path becomes: text, and `$1`, `${1}` or `${name}` for what the groups of an
//! expression took; `$$` is a dollar sign.

use regex::Regex;

use super::fault::{Fault, Format};
use super::path;
use crate::model::edit::RewritePart;

/// A path with groups in it. Which groups there are is checked beside the expression.
pub(crate) static REWRITE: Format = Format {
    name: "a path to rewrite to",
    expected: "a path from `/` or a group on, without `?` and `#`, such as \"/v2/$1\"",
    example: "/v2/$1",
    pattern: Some(r"^[/$][^?#\\\s]*$"),
    unit: None,
    check: |text| parts(text).map(drop),
};

/// A part, with the group as it is named.
enum Written<'a> {
    Literal(String),
    Group(&'a str),
}

/// A path with the groups of this expression in it.
pub(crate) fn rewrite(text: &str, regex: &Regex) -> Result<Vec<RewritePart>, Fault> {
    let group = |name: &str| {
        let by_number = name.parse().ok().filter(|group| *group < regex.captures_len());
        let by_name = || regex.capture_names().position(|known| known == Some(name));
        by_number.or_else(by_name).ok_or_else(|| {
            let last = regex.captures_len() - 1;
            Fault::because(format!("there is no group `${name}`: the expression has {last}"))
        })
    };
    let parts = parts(text)?.into_iter().map(|part| match part {
        Written::Literal(text) => Ok(RewritePart::Literal(text)),
        Written::Group(name) => group(name).map(RewritePart::Group),
    });
    parts.collect()
}

fn parts(text: &str) -> Result<Vec<Written<'_>>, Fault> {
    if !text.starts_with(['/', '$']) || text.starts_with("$$") {
        return Err(Fault::default());
    }
    let mut parts = Vec::new();
    let mut literal = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        literal.push_str(before);
        if let Some(after) = after.strip_prefix('$') {
            literal.push('$');
            rest = after;
            continue;
        }
        let (group, after) = group(after)
            .ok_or_else(|| Fault::because(format!("{text:?} has a `$` without a group")))?;
        push(&mut parts, &mut literal)?;
        parts.push(Written::Group(group));
        rest = after;
    }
    literal.push_str(rest);
    push(&mut parts, &mut literal)?;
    Ok(parts)
}

/// The group at the front of a text, and what is behind it. Digits end where digits end, so that
/// `$1st` is a group and two letters.
fn group(text: &str) -> Option<(&str, &str)> {
    if let Some(rest) = text.strip_prefix('{') {
        return rest.split_once('}').filter(|(name, _)| !name.is_empty());
    }
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    (digits > 0).then(|| text.split_at(digits))
}

/// Takes literal text in, if it is canonical: a server is to see what was checked.
fn push(parts: &mut Vec<Written<'_>>, literal: &mut String) -> Result<(), Fault> {
    if !literal.is_empty() {
        let text = std::mem::take(literal);
        // What groups put beside it is not known yet: a dot may well be part of a name.
        path::path(&format!("/x{text}x"))?;
        parts.push(Written::Literal(text));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(to: &str, regex: &str) -> Result<Vec<RewritePart>, Fault> {
        rewrite(to, &Regex::new(regex).expect("a regex"))
    }

    #[test]
    fn groups_are_found_by_number_and_by_name() {
        let literal = |text: &str| RewritePart::Literal(text.to_owned());
        let parts = read("/a/$1st/${2}0$$/${rest}", "(a)(b)(?P<rest>c)").expect("groups exist");
        let expected = [
            literal("/a/"),
            RewritePart::Group(1),
            literal("st/"),
            RewritePart::Group(2),
            literal("0$/"),
            RewritePart::Group(3),
        ];
        assert_eq!(parts, expected);
        assert!(read("/$1.$2", "(a)(b)").is_ok() && read("/.$1", "(a)").is_ok());
        assert_eq!(read("$0", "a"), Ok(vec![RewritePart::Group(0)]));
    }

    #[test]
    fn what_names_no_group_or_is_no_path_is_refused() {
        for to in
            ["/$2", "/$", "/$x", "/${}", "/${1", "a", "", "/a?b", "/a#b", "/../$1", "/a b", "$$a"]
        {
            assert!(read(to, "(a)").is_err(), "{to}");
        }
    }
}
