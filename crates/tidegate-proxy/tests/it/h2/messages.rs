//! Whole messages between all pairs of versions: what either end says reaches the other, whatever
//! is spoken there.

use super::ways::*;

/// Bytes that are easy to compare and hard to confuse.
fn noise(count: usize) -> Vec<u8> {
    (0..count).map(|n| (n * 31 % 251) as u8).collect()
}

#[test]
fn a_get_and_its_answer_pass_on_every_way() {
    let request = Message::new("GET /page").with("x-mine", "1").with("cookie", "a=1; b=2");
    let answer = Message::new("200").with("x-theirs", "2").body(Length::Known, "hello");
    on_all_ways(&request, &answer, |way, seen, got| {
        assert!(seen.start.starts_with("GET /page"), "{way}: {seen:?}");
        assert_eq!(seen.field("x-mine"), ["1"], "{way}");
        assert_eq!(seen.field("cookie"), ["a=1; b=2"], "{way}");
        assert_eq!(seen.field("x-forwarded-for"), ["127.0.0.1"], "{way}");
        assert_eq!(seen.field("x-forwarded-proto"), ["http"], "{way}");
        assert_eq!(seen.field("content-length"), [""; 0], "{way}");
        assert!(seen.body.is_empty(), "{way}");
        assert_eq!((got.start.as_str(), got.body.as_slice()), ("200", &b"hello"[..]), "{way}");
        assert_eq!(got.field("x-theirs"), ["2"], "{way}");
        assert_eq!(got.field("content-length"), ["5"], "{way}");
        assert_eq!(got.field("date").len(), 1, "{way}");
    });
}

#[test]
fn a_head_has_the_length_of_a_body_and_none() {
    let answer = Message::new("200").body(Length::Known, noise(100));
    on_all_ways(&Message::new("HEAD /page"), &answer, |way, seen, got| {
        assert!(seen.start.starts_with("HEAD /page"), "{way}: {seen:?}");
        assert_eq!(got.start, "200", "{way}");
        assert!(got.body.is_empty(), "{way}");
        assert_eq!(got.field("content-length"), ["100"], "{way}");
    });
}

#[test]
fn answers_that_have_no_body_have_none() {
    for status in ["204", "304"] {
        let answer = Message::new(status).with("etag", "\"1\"");
        on_all_ways(&Message::new("GET /page"), &answer, |way, _, got| {
            assert_eq!((got.start.as_str(), got.body.len()), (status, 0), "{way}");
            assert_eq!(got.field("etag"), ["\"1\""], "{way}");
            assert_eq!(got.field("transfer-encoding"), [""; 0], "{way}");
            assert_eq!(got.field("content-length"), [""; 0], "{way}");
        });
    }
}

#[test]
fn bodies_pass_both_ways_whether_their_length_is_known_or_not() {
    for length in [Length::Known, Length::Unknown] {
        for size in [0, 1, 1000, 20_000, 4 << 20] {
            let request = Message::new("POST /up").body(length, noise(size));
            let answer = Message::new("200").body(length, noise(size + 3));
            on_all_ways(&request, &answer, |way, seen, got| {
                assert!(seen.body == noise(size), "{way}: {} of {size}", seen.body.len());
                assert!(got.body == noise(size + 3), "{way}: {} of {size} + 3", got.body.len());
                let known = length == Length::Known;
                assert_eq!(seen.field("content-length").len(), usize::from(known), "{way}");
                assert_eq!(got.field("content-length").len(), usize::from(known), "{way}");
            });
        }
    }
}

#[test]
fn interim_responses_pass() {
    let answer = Message::new("200").interim(103, "</style>").interim(103, "</script>");
    let answer = answer.body(Length::Known, "done");
    on_all_ways(&Message::new("GET /page"), &answer, |way, _, got| {
        let early = [(103, "</style>".to_owned()), (103, "</script>".to_owned())];
        assert_eq!(got.interims, early, "{way}");
        assert_eq!((got.start.as_str(), got.body.as_slice()), ("200", &b"done"[..]), "{way}");
    });
}

#[test]
fn trailers_pass_both_ways_and_nothing_else_behind_a_body_does() {
    let names =
        ["x-sum", "content-length", "authorization", "host", "set-cookie", "x-forwarded-for"];
    let add =
        |message: Message| names.iter().fold(message, |message, name| message.trailer(name, "1"));
    for size in [0, 10, 100_000] {
        let request = add(Message::new("POST /up").body(Length::Unknown, noise(size)));
        let answer = add(Message::new("200").body(Length::Unknown, noise(size)));
        on_all_ways(&request, &answer, |way, seen, got| {
            assert!(seen.body == noise(size) && got.body == noise(size), "{way} of {size}");
            assert_eq!(seen.trailer_names(), ["x-sum"], "{way} of {size}");
            assert_eq!(got.trailer_names(), ["x-sum"], "{way} of {size}");
            assert_eq!(seen.field("x-sum"), [""; 0], "{way} of {size}");
        });
    }
}
