//! Files, functions and lines stay small enough to be read in one go.
//!
//! The limits are the hard ones; the aim is about half. A function's length runs from its `fn` to
//! its closing brace, comments and nested functions included. Lengths are lines, widths are
//! characters.

use super::lexer::{Kind, Token, lex};
use super::offence::Offence;
use super::syntax::{body, closing, starts_with};
use super::tree::{Tree, name};

/// Where the limits hold.
const PLACES: &[&str] = &["crates", "xtask", "bench", "fuzz"];
const FILE_MAX: usize = 600;
/// Of a `lib.rs` or `mod.rs`, which hold documentation and declarations only.
const ROOT_MAX: usize = 150;
/// Of a module of tests written inside the file it tests.
const INLINE_TESTS_MAX: usize = 200;
const FUNCTION_MAX: usize = 70;
const WIDTH_MAX: usize = 100;

pub(crate) fn check(tree: &Tree) -> Vec<Offence> {
    let mut offences = Vec::new();
    for (path, text) in tree.rust(PLACES) {
        offences.extend(check_file(path, text));
        offences.extend(check_width(path, text));
        let tokens = lex(text);
        for index in 0..tokens.len() {
            offences.extend(check_function(path, &tokens, index));
            offences.extend(check_inline_tests(path, &tokens, index));
        }
    }
    offences
}

fn check_file(path: &str, text: &str) -> Option<Offence> {
    let length = text.lines().count();
    let root = matches!(name(path), "lib.rs" | "mod.rs");
    let limit = if root { ROOT_MAX } else { FILE_MAX };
    (length > limit).then(|| {
        let message = format!("{length} lines, more than {limit}: split the file");
        Offence::new(path, limit + 1, "file-size", message)
    })
}

fn check_width(path: &str, text: &str) -> Vec<Offence> {
    let lines = text.lines().enumerate().map(|(index, line)| (index + 1, line.chars().count()));
    lines
        .filter(|&(_, width)| width > WIDTH_MAX)
        .map(|(line, width)| {
            let message = format!("{width} characters, more than {WIDTH_MAX}: break the line");
            Offence::new(path, line, "line-width", message)
        })
        .collect()
}

fn check_function(path: &str, tokens: &[Token<'_>], index: usize) -> Option<Offence> {
    let name = tokens.get(index + 1).filter(|next| next.kind == Kind::Word)?;
    if !tokens[index].is("fn") {
        return None;
    }
    let open = body(tokens, index)?;
    let length = tokens[closing(tokens, open)].line - tokens[index].line + 1;
    (length > FUNCTION_MAX).then(|| {
        let name = name.text;
        let message = format!("`{name}` has {length} lines, more than {FUNCTION_MAX}: split it");
        Offence::new(path, tokens[index].line, "function-size", message)
    })
}

fn check_inline_tests(path: &str, tokens: &[Token<'_>], index: usize) -> Option<Offence> {
    if !starts_with(&tokens[index..], &["mod", "tests", "{"]) {
        return None;
    }
    let length = tokens[closing(tokens, index + 2)].line - tokens[index].line + 1;
    (length > INLINE_TESTS_MAX).then(|| {
        let message =
            format!("{length} lines of tests, more than {INLINE_TESTS_MAX}: move them to tests.rs");
        Offence::new(path, tokens[index].line, "inline-tests", message)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_text(path: &str, text: &str, expected: &[(usize, &str)]) {
        let found = check(&Tree::of(&[(path, text)]));
        let found: Vec<_> = found.iter().map(|offence| (offence.line, offence.rule)).collect();
        assert_eq!(found, expected, "{path}");
    }

    #[test]
    fn a_file_may_reach_its_limit_and_not_pass_it() {
        for (path, limit) in [
            ("crates/a/src/x.rs", FILE_MAX),
            ("fuzz/lib.rs", ROOT_MAX),
            ("xtask/a/mod.rs", ROOT_MAX),
        ] {
            check_text(path, &"\n".repeat(limit), &[]);
            check_text(path, &"\n".repeat(limit + 1), &[(limit + 1, "file-size")]);
        }
        check_text("elsewhere/x.rs", &"\n".repeat(FILE_MAX + 1), &[]);
    }

    #[test]
    fn width_counts_characters_not_bytes() {
        let wide = "é".repeat(WIDTH_MAX);
        check_text("xtask/x.rs", &format!("//{}", &wide[4..]), &[]);
        check_text("xtask/x.rs", &format!("\n//{wide}"), &[(2, "line-width")]);
    }

    /// A function of so many lines, full of braces that do not count.
    fn function(lines: usize) -> String {
        let inside = "    f(\"}\", '}'); // }\n".repeat(lines - 2);
        format!("// before\nimpl A {{ fn long<'a>(a: &'a [u8; {{ 2 }}])\n{{\n{inside}}} }}")
    }

    #[test]
    fn a_function_may_reach_its_limit_and_not_pass_it() {
        check_text("bench/x.rs", &function(FUNCTION_MAX - 1), &[]);
        check_text("bench/x.rs", &function(FUNCTION_MAX), &[(2, "function-size")]);
        let pointer = format!("type F = fn(u8) -> u8;\n{}", "\n".repeat(80));
        check_text("bench/x.rs", &pointer, &[]);
        let bodiless = format!("trait T {{ fn a(); {} }}", "\n".repeat(80));
        check_text("bench/x.rs", &bodiless, &[]);
    }

    #[test]
    fn long_tests_belong_in_a_file_of_their_own() {
        let inline = |lines| format!("mod tests {{{}}}", "\n".repeat(lines - 1));
        check_text("fuzz/x.rs", &inline(INLINE_TESTS_MAX), &[]);
        check_text("fuzz/x.rs", &inline(INLINE_TESTS_MAX + 1), &[(1, "inline-tests")]);
    }
}
