//! What the lexer must not be misled by, by example and by property.

use proptest::prelude::*;

use super::*;

#[track_caller]
fn check(source: &str, expected: &[&str]) {
    let texts: Vec<&str> = lex(source).iter().map(|token| token.text).collect();
    assert_eq!(texts, expected, "{source}");
}

#[test]
fn words_marks_and_numbers_are_told_apart() {
    check("fn f(a: u8) {}", &["fn", "f", "(", "a", ":", "u8", ")", "{", "}"]);
    check("1.5e3 + 0x1f_u8", &["1.5e3", "+", "0x1f_u8"]);
    check(
        "0..10 1.max(2) t.0.1",
        &["0", ".", ".", "10", "1", ".", "max", "(", "2", ")", "t", ".", "0.1"],
    );
    check("r#fn r#type", &["fn", "type"]);
}

#[test]
fn comments_vanish_even_nested_and_with_quotes_in_them() {
    check("a // it's { \"\nb", &["a", "b"]);
    check("a /* { /* } */ ' */ b", &["a", "b"]);
    check("a /* never closed {", &["a"]);
    check("//! doc {\n/// doc }\nfn", &["fn"]);
}

#[test]
fn strings_are_one_token_whatever_is_in_them() {
    check(
        r#"f("a\"{", b"\\", c"}")"#,
        &["f", "(", r#""a\"{""#, ",", r#"b"\\""#, ",", r#"c"}""#, ")"],
    );
    check(
        r###"r"{\" r#"a"b"# br##"x"#y"##"###,
        &[r#"r"{\""#, r##"r#"a"b"#"##, r###"br##"x"#y"##"###],
    );
    check("\"never closed {", &["\"never closed {"]);
    check("brr c b", &["brr", "c", "b"]);
}

#[test]
fn a_character_is_not_a_lifetime() {
    check(
        "'a' 'b 'é' '\\'' '\\u{7d}' b'{' b'\\''",
        &["'a'", "'b", "'é'", "'\\''", "'\\u{7d}'", "b'{'", "b'\\''"],
    );
    check(
        "&'a str, '{', 'outer: loop",
        &["&", "'a", "str", ",", "'{'", ",", "'outer", ":", "loop"],
    );
    let kinds: Vec<Kind> = lex("'a' 'a").iter().map(|token| token.kind).collect();
    assert_eq!(kinds, [Kind::Literal, Kind::Lifetime]);
}

#[test]
fn lines_count_through_literals_and_comments() {
    let lines: Vec<(&str, usize)> =
        lex("a\n/*\n*/ b\n\"x\ny\" c\n// z\nd").iter().map(|t| (t.text, t.line)).collect();
    assert_eq!(lines, [("a", 1), ("b", 3), ("\"x\ny\"", 4), ("c", 5), ("d", 7)]);
}

#[test]
fn the_inside_of_a_string_is_known() {
    let strings: Vec<Option<String>> = lex(r##""a" r#"b"# word 1"##)
        .iter()
        .map(|token| token.string().map(str::to_owned))
        .collect();
    assert_eq!(strings, [Some("a".to_owned()), Some("b".to_owned()), None, None]);
}

/// Pieces of source that hold braces which must not be counted.
fn quiet() -> impl Strategy<Value = String> {
    let inside = "[a-z{}()\\[\\]/ *]{0,8}";
    prop_oneof![
        inside.prop_map(|text| format!("// {text}'\"\n")),
        inside.prop_map(|text| format!("/* {} */", text.replace('*', "+").replace('/', "-"))),
        inside.prop_map(|text| format!("\"{text}\\\"\"")),
        inside.prop_map(|text| format!("r#\"{text}\"{text}\"#")),
        Just("'{'".to_owned()),
        Just("b'}'".to_owned()),
        Just("&'a ()".to_owned()),
    ]
}

proptest! {
    #[test]
    fn any_text_lexes_and_its_tokens_are_pieces_of_it_in_order(source in "\\PC*") {
        let mut rest = source.as_str();
        for token in lex(&source) {
            let at = rest.find(token.text);
            prop_assert!(at.is_some(), "{:?} is not in {:?}", token, rest);
            rest = &rest[at.unwrap_or(0) + token.text.len()..];
        }
    }

    #[test]
    fn source_of_many_ticks_and_quotes_lexes(source in "[a'\"\\\\br#/*{}\n]{0,40}") {
        lex(&source);
    }

    #[test]
    fn braces_that_are_not_code_do_not_count(pieces in prop::collection::vec(quiet(), 0..12)) {
        let source = format!("{{ {} }}", pieces.join(" "));
        let braces = lex(&source).iter().filter(|t| t.is("{") || t.is("}")).count();
        prop_assert_eq!(braces, 2, "{}", source);
    }
}
