//! Group B of docs/security-cases.md: what is a request line, a field line and a target, and what
//! is not.

use crate::cases::*;
use crate::world::*;

#[test]
fn b1_folded_lines_are_refused() {
    let site = Site::new();
    for lines in [
        "X: a\r\n b\r\n",
        "X: a\r\n\tb\r\n",
        "X:\r\n a\r\n",
        "X: a\r\n \r\n",
        "X: a\r\n Host: b\r\n",
    ] {
        site.refuses(with_fields(lines), 400, "bad_header");
    }
}

#[test]
fn b2_a_line_ends_in_both_cr_and_lf() {
    let site = Site::new();
    for request in [
        "GET / HTTP/1.1\nHost: a\n\n",
        "GET / HTTP/1.1\r\nHost: a\n\r\n",
        "GET / HTTP/1.1\nHost: a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\n\n",
        "GET / HTTP/1.1\r\nHost: a\r\nX: y\n\n",
        "GET / HTTP/1.1\rHost: a\r\r",
        "GET / HTTP/1.1\rHost: a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\rX: y\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nX: y\rz\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\n\rX: y\r\n\r\n",
        "GET /\r HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET / HTTP/1.1\r\n\r \nHost: a\r\n\r\n",
        "\rGET / HTTP/1.1\r\nHost: a\r\n\r\n",
    ] {
        site.refuses(request, 400, "bad_request_line");
    }
}

#[test]
fn b3_control_bytes_are_refused() {
    let site = Site::new();
    for byte in [0, 1, 8, 0x0b, 0x0c, 0x1b, 0x1f, 0x7f] {
        let byte = char::from(byte);
        site.refuses(with_fields(&format!("X: a{byte}b\r\n")), 400, "bad_header");
        site.refuses(with_fields(&format!("X{byte}Y: a\r\n")), 400, "bad_header");
        site.refuses(with_fields(&format!("X: a{byte}\r\n")), 400, "bad_header");
        site.refuses(with_fields(&format!("X: {byte}a\r\n")), 400, "bad_header");
        site.refuses(get(&format!("/a{byte}b")), 400, "bad_request_line");
        site.refuses(get(&format!("/a?b{byte}")), 400, "bad_request_line");
        site.refuses(format!("G{byte}T / HTTP/1.1\r\nHost: a\r\n\r\n"), 400, "bad_request_line");
        site.refuses(format!("{byte}GET / HTTP/1.1\r\nHost: a\r\n\r\n"), 400, "bad_request_line");
        site.refuses(format!("GET / HTTP/1.1{byte}\r\nHost: a\r\n\r\n"), 400, "bad_request_line");
    }
    // Bytes above ASCII are no control bytes; they pass.
    let head = site.forwards(with_fields("X: caf\u{e9}\r\n"));
    assert_eq!(field(&head, "x"), Some("caf\u{e9}"));
}

#[test]
fn b4_white_space_stands_only_around_values() {
    let site = Site::new();
    for lines in ["X : a\r\n", "X\t: a\r\n", "X Y: a\r\n", "X \r\n", "Content-Length : 5\r\n"] {
        site.refuses(with_fields(lines), 400, "bad_header");
    }
    for first in [" Host: a", "\tHost: a", " X: y\r\nHost: a", "Host : a"] {
        site.refuses(format!("GET / HTTP/1.1\r\n{first}\r\n\r\n"), 400, "bad_header");
    }
    let head = site.forwards(with_fields("X: \t a b \t \r\nY:c\r\n"));
    assert_eq!((field(&head, "x"), field(&head, "y")), (Some("a b"), Some("c")));
    assert!(head.contains("\r\nX: a b\r\n"), "written anew: {head}");
}

#[test]
fn b5_a_field_has_a_name_that_is_a_token() {
    let site = Site::new();
    for lines in [
        ": a\r\n",
        ":\r\n",
        " : a\r\n",
        "X\r\n",
        "X(y): a\r\n",
        "X/y: a\r\n",
        "X@y: a\r\n",
        "\"X\": a\r\n",
        "{X}: a\r\n",
        "X=y\r\n",
        "X,Y: a\r\n",
        "X;: a\r\n",
        "X[0]: a\r\n",
        "\u{e9}: a\r\n",
    ] {
        site.refuses(with_fields(lines), 400, "bad_header");
    }
    let long = format!("{}: a\r\n", "X".repeat(33 * 1024));
    site.refuses(with_fields(&long), 431, "header_too_large");
    let head = site.forwards(with_fields("!#$%&'*+-.^`|~0: a\r\nX:\r\n"));
    assert_eq!(field(&head, "!#$%&'*+-.^`|~0"), Some("a"));
    assert_eq!(field(&head, "x"), Some(""));
}

#[test]
fn b6_a_request_names_one_host() {
    let site = Site::new();
    site.refuses("GET / HTTP/1.1\r\n\r\n", 400, "bad_host");
    for lines in ["Host: a\r\n", "Host: b\r\n", "host:\r\n"] {
        site.refuses(with_fields(lines), 400, "bad_host");
    }
    for host in [
        "",
        "a,b",
        "a, b",
        "a b",
        "a/b",
        "/",
        "http://a",
        "user@a",
        "user:word@a",
        "a?b",
        "a#b",
        "a\\b",
        "a:b",
        "a:-1",
        "a:65536",
        "a:80:80",
        ":80",
        "[::1",
        "[::1]a",
        "[zz]",
        "::1",
        "a%00",
        "%61",
        "a\"",
        "<a>",
        ".",
        "a..:80",
        "caf\u{e9}",
    ] {
        site.refuses(format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n"), 400, "bad_host");
    }
    site.refuses("GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n", 400, "bad_host");
    // HTTP/1.0 may leave it out. The server gets the pool's name.
    for lines in ["", "Host:\r\n"] {
        let head = site.forwards(format!("GET / HTTP/1.0\r\n{lines}\r\n"));
        assert_eq!(fields(&head, "host").collect::<Vec<_>>(), ["app"]);
    }
}

#[test]
fn b7_the_host_of_an_absolute_target_wins() {
    let site = Site::new();
    for (target, path) in [
        ("http://B.example./a?b", "/a?b"),
        ("HTTP://b.example:80/a?b", "/a?b"),
        ("http://b.example", "/"),
        ("http://b.example?c", "/?c"),
    ] {
        let head = site.forwards(format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n"));
        assert!(head.starts_with(&format!("GET {path} HTTP/1.1\r\n")), "{head}");
        assert_eq!(fields(&head, "host").collect::<Vec<_>>(), ["b.example"], "{target}");
        assert_eq!(field(&head, "x-forwarded-host"), Some("b.example"), "{target}");
    }
    // The Host is replaced, but it must be there, once, and be one.
    site.refuses("GET http://b/ HTTP/1.1\r\n\r\n", 400, "bad_host");
    site.refuses("GET http://b/ HTTP/1.1\r\nHost: a/c\r\n\r\n", 400, "bad_host");
    site.refuses("GET http://b/ HTTP/1.1\r\nHost: b\r\nHost: b\r\n\r\n", 400, "bad_host");
    for target in ["http://user@b/", "http://b:x/", "http://b,c/", "http://[b]/"] {
        site.refuses(format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n"), 400, "bad_host");
    }
}

#[test]
fn b8_a_request_line_has_one_form() {
    let site = Site::new();
    for line in [
        "GET  / HTTP/1.1",
        "GET /  HTTP/1.1",
        "GET\t/ HTTP/1.1",
        "GET /\tHTTP/1.1",
        "GET / HTTP/1.1 ",
        "GET / HTTP/1.1\t",
        " GET / HTTP/1.1",
        "GET /",
        "GET",
        "GET / ",
        "GET HTTP/1.1",
        "/ HTTP/1.1",
        "GET / a HTTP/1.1",
        "GET / HTTP/1.1 a",
        "GET / http/1.1",
        "GET / HTTP/11",
        "GET / HTTP/1.10",
        "GET / HTTP /1.1",
        "GET / HTTP/1,1",
        "GET / HTTPS/1.1",
        "GET / HTTP/1.",
        "G(T / HTTP/1.1",
        "G\u{e9}T / HTTP/1.1",
        "GET / HTTP/1.1HTTP/1.1",
    ] {
        site.refuses(format!("{line}\r\nHost: a\r\n\r\n"), 400, "bad_request_line");
    }
    site.refuses("GET /\r\n\r\n", 400, "bad_request_line");
}

#[test]
fn b8_other_versions_are_refused_by_their_own_status() {
    let site = Site::new();
    for version in ["0.9", "1.2", "1.9", "2.0", "2", "3", "3.0", "0.0", "9.9"] {
        let request = format!("GET / HTTP/{version}\r\nHost: a\r\n\r\n");
        site.refuses(request, 505, "version");
    }
}

#[test]
fn b9_one_empty_line_before_a_request_is_forgiven() {
    let site = Site::new();
    let mut client = site.balancer.client();
    for pieces in [&["\r\n"][..], &["\r", "\n"]] {
        for piece in pieces {
            client.send(piece);
        }
        client.send(get("/"));
        assert_eq!(status(&client.message().0), 200);
    }
    client.send(format!("\r\n{}\r\n{}", get("/"), get("/")));
    assert_eq!(status(&client.message().0), 200);
    assert_eq!(status(&client.message().0), 200);
    for lines in ["\r\n\r\n", "\r\n\r\n\r\n", "\n", "\r\n\n", "\n\r\n"] {
        site.refuses(format!("{lines}{}", get("/")), 400, "bad_request_line");
    }
}

#[test]
fn b10_what_is_too_large_is_refused_by_its_own_status() {
    let site = Site::new();
    let long = "a".repeat(33 * 1024);
    site.refuses(get(&format!("/{long}")), 414, "target_too_long");
    site.refuses(get(&format!("/?{long}")), 414, "target_too_long");
    site.refuses(format!("{long} / HTTP/1.1\r\nHost: a\r\n\r\n"), 414, "target_too_long");
    site.refuses(with_fields(&format!("X: {long}\r\n")), 431, "header_too_large");
    site.refuses(
        with_fields(&"X: aaaaaaaaaaaaaaaaaaaaaaaa\r\n".repeat(1300)),
        431,
        "header_too_large",
    );
    site.refuses(with_fields(&"X: a\r\n".repeat(128)), 431, "too_many_headers");
    site.forwards(with_fields(&"X: a\r\n".repeat(127)));
}

#[test]
fn b10_what_has_no_end_is_refused_before_its_end() {
    let site = Site::new();
    let long = "a".repeat(33 * 1024);
    for (begin, expected) in [("GET /", 414), ("GET / HTTP/1.1\r\nHost: a\r\nX: ", 431)] {
        let mut client = site.balancer.client();
        client.send(format!("{begin}{long}"));
        assert_eq!(status(&client.message().0), expected);
        assert!(client.is_closed());
    }
    assert!(site.server.heads().is_empty());
    site.serves();
}

#[test]
fn b10_limits_are_as_configured() {
    let limits = "[listener.web.limits]\nheader_bytes = \"1KiB\"\nheader_fields = 4\n";
    let site = Site::with(limits);
    site.refuses(get(&format!("/{}", "a".repeat(1024))), 414, "target_too_long");
    site.refuses(with_fields(&format!("X: {}\r\n", "a".repeat(1024))), 431, "header_too_large");
    site.refuses(with_fields(&"X: a\r\n".repeat(4)), 431, "too_many_headers");
    site.forwards(with_fields(&"X: a\r\n".repeat(3)));
}

#[test]
fn b11_the_form_of_a_target_suits_its_method() {
    let site = Site::new();
    for line in [
        "GET *",
        "POST *",
        "OPTIONS **",
        "OPTIONS */",
        "GET a.example:80",
        "GET a.example",
        "OPTIONS a",
        "GET a/b",
        "GET ?a",
        "GET http:/a",
        "GET http:a",
        "GET http://",
        "GET http:///a",
        "GET ftp://a/",
        "GET //#",
        "GET /#",
        "GET /a#b",
        "GET /a?b#c",
        "GET http://a/#b",
        "OPTIONS *#",
        "GET javascript:x",
    ] {
        site.refuses(format!("{line} HTTP/1.1\r\nHost: a\r\n\r\n"), 400, "bad_path");
    }
    let head = site.forwards("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n");
    assert!(head.starts_with("OPTIONS * HTTP/1.1\r\n"), "{head}");
}
