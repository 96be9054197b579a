//! Values with variables, from any text, rendered from any request.
//!
//! The first line is a value as the configuration has it, the second a path to rewrite to, the rest
//! a request head. What is set is a field value; the edited head, written and read again, is the
//! request that the edits say and no other, in one piece.

use std::net::IpAddr;
use std::path::Path;

use tidegate_core::config::load::{Text, load};
use tidegate_core::edit::facts::{Editor, Facts};
use tidegate_core::edit::request::prepare;
use tidegate_core::http::edit::is_value;
use tidegate_core::http::forwarded::Forwarding;
use tidegate_core::http::head::Head;
use tidegate_core::http::parse;
use tidegate_core::http::path::canonical;
use tidegate_core::http::reply::ReplyHead;
use tidegate_core::http::scheme::Scheme;
use tidegate_core::http::write::{self, BodyFraming, RequestOptions};
use tidegate_core::model::route::Route;

use crate::plain::text;

/// Runs the check.
pub fn run(data: &[u8]) {
    let mut lines = data.splitn(3, |byte| *byte == b'\n');
    let mut line = || std::str::from_utf8(lines.next().unwrap_or_default());
    let (Ok(value), Ok(to)) = (line(), line()) else { return };
    let request = lines.next().unwrap_or_default();
    let Some(route) = route(value, to) else { return };
    let mut head = Head::default();
    if parse::request(request, 100, Scheme::Http, &mut head).is_err() {
        return;
    }
    let (mut editor, mut reply) = (Editor::default(), ReplyHead::default());
    let facts = Facts {
        client: IpAddr::from([192, 0, 2, 1]),
        scheme: Scheme::Http,
        port: 8080,
        listener: "web",
        request_id: Some(1),
    };
    let asked = (head.path().to_owned(), head.host().to_owned(), head.method().to_owned());
    let made = prepare(&route, &mut head, &facts, &mut editor, &mut reply).is_ok();
    assert_eq!((head.asked_path(), head.asked_host()), (asked.0.as_str(), asked.1.as_str()));
    if made {
        check(&head, &asked.2, data);
    }
}

/// A route with these edits, if the configuration takes them.
fn route(value: &str, to: &str) -> Option<Route> {
    // A literal string: what cannot stand in one is not tried.
    if value.contains('\'') || to.contains('\'') {
        return None;
    }
    let config = format!(
        "[listener.web]\naddress = \"127.0.0.1:1\"\n[route.all]\npool = \"app\"\n\
         [route.all.request]\nset_header = {{ x-out = '{value}' }}\nremove_header = \"x-gone\"\n\
         rewrite = {{ regex = '/(.*)/(.*)', to = '{to}' }}\n\
         [pool.app]\nservers = \"127.0.0.1:4\"\n"
    );
    load(Path::new("fuzz.toml"), &mut Text(&config))
        .config
        .map(|mut config| config.routes.remove(0))
}

fn check(head: &Head, method: &str, data: &[u8]) {
    let out: Vec<&[u8]> = head.values("x-out").collect();
    assert!(out.len() <= 1 && out.iter().all(|value| is_value(value)), "{}", text(data));
    if head.path().starts_with('/') {
        let mut path = head.path().as_bytes().to_vec();
        let length = path.len();
        let form = canonical(&mut path, 0..length).expect("an edited path is one");
        assert_eq!(path[form.merged], *head.path().as_bytes(), "it is canonical: {}", text(data));
    }
    if matches!(method, "CONNECT") {
        return;
    }
    let forwarding = Forwarding {
        certificate: &[],
        peer: IpAddr::from([192, 0, 2, 1]),
        trusted: false,
        scheme: Scheme::Http,
        node: "node",
        request_id: Some(1),
        client_header: Some("x-out"),
    };
    let options = RequestOptions {
        framing: BodyFraming::AsReceived,
        merge_slashes: true,
        upgrade: false,
        fallback_host: "pool",
    };
    let mut written = Vec::new();
    write::request(head, &forwarding, options, &mut written);
    let mut again = Head::default();
    parse::request(&written, 200, Scheme::Http, &mut again).expect("what is written is a head");
    assert_eq!((again.path(), again.method()), (head.path(), method), "{}", text(data));
    assert_eq!(again.values("x-out").collect::<Vec<_>>(), out, "{}", text(data));
    assert_eq!(again.values("x-gone").count(), 0, "{}", text(data));
}
