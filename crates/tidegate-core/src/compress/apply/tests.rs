//! Heads before and after.

use super::*;
use crate::compress::eligibility::Unfit;
use crate::http::parse;
use crate::model::compression::Coding;

#[track_caller]
fn check(decision: Decision, before: &[&str], after: &[&str]) {
    let mut reply = ReplyHead::default();
    let text = format!("HTTP/1.1 200 OK\r\n{}\r\n\r\n", before.join("\r\n"));
    parse::reply(text.as_bytes(), 100, false, &mut reply).expect("a response");
    apply(decision, &mut reply);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let fields: Vec<_> = reply
        .fields()
        .map(|field| format!("{}: {}", text(field.name), text(field.value)))
        .collect();
    assert_eq!(fields, after, "{decision:?} {before:?}");
}

#[test]
fn an_encoded_response_names_its_coding_and_loses_its_length() {
    check(
        Decision::Encode(Coding::Br),
        &["Content-Length: 9", "A: b", "ETag: \"x\"", "Accept-Ranges: bytes", "content-encoding:"],
        &["A: b", "ETag: W/\"x\"", "Vary: Accept-Encoding", "Content-Encoding: br"],
    );
}

#[test]
fn vary_is_added_once() {
    for (before, after) in [
        ("Vary: Origin", "Vary: Origin, Accept-Encoding"),
        ("vary: accept-ENCODING , x", "vary: accept-ENCODING , x"),
        ("Vary: a, *", "Vary: a, *"),
        ("Vary:", "Vary: Accept-Encoding"),
        ("Vary: Accept-Encodings", "Vary: Accept-Encodings, Accept-Encoding"),
    ] {
        check(Decision::Vary, &["Content-Length: 9", before], &["Content-Length: 9", after]);
    }
    check(
        Decision::Vary,
        &["Vary: a", "Vary: accept-encoding"],
        &["Vary: a", "Vary: accept-encoding"],
    );
    check(Decision::Vary, &["Vary: a", "Vary: b"], &["Vary: a, Accept-Encoding", "Vary: b"]);
}

#[test]
fn only_strong_etags_change_and_what_is_none_goes() {
    for (before, after) in [
        ("ETag: \"\"", Some("ETag: W/\"\"")),
        ("ETag: W/\"x\"", Some("ETag: W/\"x\"")),
        ("ETag: x", None),
        ("ETag: w/\"x\"", None),
        ("ETag:", None),
    ] {
        let expected: Vec<_> = after.into_iter().chain(["Vary: Accept-Encoding"]).collect();
        check(Decision::Confirm, &[before], &expected);
    }
}

#[test]
fn what_is_left_is_left() {
    let fields = ["ETag: \"x\"", "Content-Length: 1"];
    check(Decision::Leave(Unfit::Small), &fields, &fields);
}
