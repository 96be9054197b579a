//! A Set-Cookie field of arbitrary bytes: what it teaches of the session of the cookie `id`.
//!
//! What is learned is what a request would bring: a browser that keeps the cookie sends a line in
//! which the very same value is found.

use tidegate_core::http::head::Head;
use tidegate_core::http::parse;
use tidegate_core::http::scheme::Scheme;
use tidegate_core::session::lesson::{Lesson, lesson};

/// Runs the check. Fields hold no line breaks: whoever reads a head sees to that.
pub fn run(data: &[u8]) {
    if data.iter().any(|byte| matches!(byte, b'\r' | b'\n')) {
        return;
    }
    for field in [data.to_vec(), [b"id=", data].concat()] {
        let Some(taught) = lesson(&field, "id") else { continue };
        let Lesson::Begins(value) = taught else { continue };
        assert!(!value.is_empty(), "a session has a name");
        let text = [&b"GET / HTTP/1.1\r\nHost: a\r\nCookie: a=1; id="[..], value, b"; z\r\n\r\n"];
        let mut head = Head::default();
        if parse::request(&text.concat(), 128, Scheme::Http, &mut head).is_ok() {
            assert_eq!(head.cookies("id").collect::<Vec<_>>(), [value], "requests bring it");
        }
        let again = [b"id=", value].concat();
        assert_eq!(lesson(&again, "id"), Some(taught), "attributes add nothing to it");
        assert_eq!(lesson(&again, "i"), None, "it is about one cookie");
    }
}
