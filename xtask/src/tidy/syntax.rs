//! The little syntax the checks need: where a block ends, where an item ends, what is test code.
//!
//! All of it works on tokens and tolerates source that does not compile: an unclosed block ends
//! with the file.

use super::lexer::Token;

/// Whether `tokens` start with these words and marks.
pub(super) fn starts_with(tokens: &[Token<'_>], expected: &[&str]) -> bool {
    tokens.len() >= expected.len()
        && tokens.iter().zip(expected).all(|(token, text)| token.is(text))
}

/// The index of the bracket that closes the one at `open`, or the last token when none does.
pub(super) fn closing(tokens: &[Token<'_>], open: usize) -> usize {
    let mut depth = 0_usize;
    for (index, token) in tokens.iter().enumerate().skip(open) {
        if ["(", "[", "{"].iter().any(|mark| token.is(mark)) {
            depth += 1;
        } else if [")", "]", "}"].iter().any(|mark| token.is(mark)) {
            depth = depth.saturating_sub(1);
            if depth == 0 {
                return index;
            }
        }
    }
    tokens.len().saturating_sub(1)
}

/// The index of the `{` that opens the body of the item at `start`, if it has one before its `;`.
pub(super) fn body(tokens: &[Token<'_>], start: usize) -> Option<usize> {
    let mut index = start;
    while let Some(token) = tokens.get(index) {
        if token.is("{") {
            return Some(index);
        } else if token.is(";") {
            return None;
        } else if token.is("(") || token.is("[") {
            index = closing(tokens, index);
        }
        index += 1;
    }
    None
}

/// The tokens without the items that are compiled for tests only.
pub(super) fn without_tests<'a>(tokens: &[Token<'a>]) -> Vec<Token<'a>> {
    let mut kept = Vec::with_capacity(tokens.len());
    let mut index = 0;
    while index < tokens.len() {
        if is_test_attribute(tokens, index) {
            index = item_end(tokens, index) + 1;
        } else {
            kept.push(tokens[index]);
            index += 1;
        }
    }
    kept
}

/// Whether an attribute like `#[cfg(test)]` starts at `start`.
pub(super) fn is_test_attribute(tokens: &[Token<'_>], start: usize) -> bool {
    if !starts_with(&tokens[start..], &["#", "[", "cfg", "("]) {
        return false;
    }
    let inside = &tokens[start..=closing(tokens, start + 1)];
    inside.iter().any(|token| token.is("test")) && !inside.iter().any(|token| token.is("not"))
}

/// The index of the last token of the item whose attributes start at `start`.
fn item_end(tokens: &[Token<'_>], start: usize) -> usize {
    let mut index = start;
    while tokens.get(index).is_some_and(|token| token.is("#")) {
        index = closing(tokens, index + 1) + 1;
    }
    let is_item = tokens.get(index).is_some_and(|token| ITEMS.contains(&token.text));
    while let Some(token) = tokens.get(index) {
        if token.is("{") {
            return closing(tokens, index);
        } else if token.is(";") || (!is_item && token.is(",")) {
            return index;
        } else if token.is("(") || token.is("[") {
            index = closing(tokens, index);
        }
        index += 1;
    }
    tokens.len().saturating_sub(1)
}

/// What an item starts with. Anything else behind an attribute is a field, a variant or a
/// statement, which a comma may end.
const ITEMS: &[&str] = &[
    "pub",
    "fn",
    "mod",
    "use",
    "impl",
    "struct",
    "enum",
    "union",
    "trait",
    "type",
    "const",
    "static",
    "unsafe",
    "async",
    "extern",
    "macro_rules",
];

#[cfg(test)]
mod tests {
    use super::super::lexer::lex;
    use super::*;

    #[track_caller]
    fn check_kept(source: &str, expected: &str) {
        let tokens = lex(source);
        let kept: Vec<&str> = without_tests(&tokens).iter().map(|token| token.text).collect();
        assert_eq!(kept.join(" "), expected, "{source}");
    }

    #[test]
    fn test_items_are_left_out() {
        check_kept(
            "fn a() {} #[cfg(test)] mod tests { fn b() {} } fn c() {}",
            "fn a ( ) { } fn c ( ) { }",
        );
        check_kept("#[cfg(test)] mod tests; fn c() {}", "fn c ( ) { }");
        check_kept("#[cfg(test)] #[path = \"x\"] mod tests; a", "a");
        check_kept("#[cfg(all(test, unix))] fn f<A, B>(a: A) -> [u8; 2] { x } a", "a");
        check_kept("struct S { #[cfg(test)] a: Vec<u8>, b: u8 }", "struct S { b : u8 }");
    }

    #[test]
    fn other_items_are_kept() {
        for source in ["# [ cfg ( not ( test ) ) ] fn a ( ) { }", "# [ cfg ( unix ) ] mod a ;"] {
            check_kept(source, source);
        }
    }

    #[test]
    fn a_body_is_found_behind_its_signature() {
        for (source, expected) in [
            ("fn a(b: [u8; { 1 }]) -> u8 where u8: Copy { 1 }", true),
            ("fn a(&self) -> u8;", false),
            ("fn a", false),
        ] {
            assert_eq!(body(&lex(source), 0).is_some(), expected, "{source}");
        }
    }

    #[test]
    fn unclosed_blocks_end_with_the_file() {
        let tokens = lex("fn a() { ( [");
        assert_eq!(closing(&tokens, 4), tokens.len() - 1);
        assert_eq!(closing(&[], 0), 0);
    }
}
