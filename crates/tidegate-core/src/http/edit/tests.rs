//! Edited heads are written and read again: they must mean what the edit says.

use std::net::IpAddr;

use proptest::prelude::*;

use super::super::forwarded::Forwarding;
use super::super::write::{self, BodyFraming, Persistence, ReplyOptions, RequestOptions};
use super::super::{head::Field, parse};
use super::*;
use crate::http::scheme::Scheme;

fn read(bytes: &str) -> Head {
    let mut head = Head::default();
    parse::request(bytes.as_bytes(), 100, Scheme::Http, &mut head).expect("a good head");
    head
}

fn forwarding(client_header: Option<&str>) -> Forwarding<'_> {
    Forwarding {
        certificate: &[],
        peer: IpAddr::from([192, 0, 2, 1]),
        trusted: false,
        scheme: Scheme::Http,
        node: "node",
        request_id: Some(1),
        client_header,
    }
}

/// The head as a server reads it.
fn sent(head: &Head, client_header: Option<&str>) -> Head {
    let mut out = Vec::new();
    let options = RequestOptions {
        framing: BodyFraming::AsReceived,
        merge_slashes: true,
        upgrade: false,
        fallback_host: "pool",
    };
    write::request(head, &forwarding(client_header), options, &mut out);
    let mut again = Head::default();
    parse::request(&out, 200, Scheme::Http, &mut again).expect("what is written is a head");
    again
}

fn texts<'a>(values: impl Iterator<Item = &'a [u8]>) -> Vec<String> {
    values.map(|value| String::from_utf8_lossy(value).into_owned()).collect()
}

#[test]
fn fields_are_set_and_removed_and_the_others_keep_their_order() {
    let mut head = read(
        "GET /a HTTP/1.1\r\nHost: a\r\nA: 1\r\nX-Tier: free\r\nB:2\r\nx-tier: odd\r\nC: 3\r\n\r\n",
    );
    head.fields_mut().set("x-tier", b"gold").expect("a value");
    head.fields_mut().remove("b");
    head.fields_mut().set("x-new", b" padded ").expect("a value");
    let again = sent(&head, None);
    let names = again.fields().map(|field| field.name);
    assert_eq!(texts(names)[..5], ["Host", "A", "C", "x-tier", "x-new"]);
    assert_eq!(texts(again.values("x-tier")), ["gold"]);
    assert_eq!(texts(again.values("x-new")), ["padded"]);
    head.fields_mut().set("x-tier", b"").expect("an empty value removes");
    assert_eq!(sent(&head, None).values("x-tier").count(), 0);
}

#[test]
fn what_is_set_goes_on_whatever_its_name_and_whatever_the_client_nominates() {
    let mut head = read(
        "GET / HTTP/1.1\r\nHost: a\r\nConnection: x-user, x-hop\r\nx-hop: 1\r\nCookie: a\r\n\r\n",
    );
    head.fields_mut().settle_connection();
    for name in ["x-user", "x_user", "cf-ip"] {
        head.fields_mut().set(name, b"me").expect("a value");
    }
    let again = sent(&head, Some("cf-ip"));
    for name in ["x-user", "x_user", "cf-ip"] {
        assert_eq!(texts(again.values(name)), ["me"], "{name}");
    }
    assert_eq!(again.values("x-hop").count(), 0, "what the client nominates still goes");
    assert_eq!(again.values("cookie").count(), 1, "what it may not nominate stays");
}

#[test]
fn a_value_with_a_line_end_changes_nothing() {
    let mut head = read("GET / HTTP/1.1\r\nHost: a\r\nX: y\r\n\r\n");
    let mut reply = ReplyHead::default();
    reply.begin(200, 0);
    for value in ["a\r\nb", "\n", "\0", "a\x7f", "\x1b"] {
        assert_eq!(head.fields_mut().set("x", value.as_bytes()), Err(ChangeError::Value));
        assert_eq!(reply.set_field("x", value.as_bytes()), Err(ChangeError::Value));
        assert_eq!(reply.add_field("x", value.as_bytes()), Err(ChangeError::Value));
    }
    assert_eq!(texts(head.values("x")), ["y"]);
    assert_eq!(reply.values("x").count(), 0);
}

#[test]
fn a_prefix_is_taken_off_as_whole_segments() {
    for (target, prefix, path, unmerged) in [
        ("/api/x?q=1", "/api", "/x", "/x"),
        ("/api", "/api", "/", "/"),
        ("/api/", "/api", "/", "/"),
        ("/apix", "/api", "/apix", "/apix"),
        ("/api//x//y", "/api", "/x/y", "//x//y"),
        ("//api/x", "/api", "/x", "/x"),
        ("/%61pi/x", "/api", "/x", "/x"),
        ("/x", "", "/x", "/x"),
    ] {
        let mut head = read(&format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n"));
        let (asked, query) = (head.path().to_owned(), head.query().map(str::to_owned));
        head.strip_path_prefix(prefix);
        assert_eq!((head.path(), head.path_unmerged()), (path, unmerged), "{target}");
        assert_eq!((head.asked_path(), head.query()), (&*asked, query.as_deref()), "{target}");
        assert_eq!(sent(&head, None).path(), path, "{target}");
    }
}

#[test]
fn a_new_path_is_canonical_or_refused() {
    for (path, result) in [
        ("/new", Ok("/new")),
        ("/a//b", Ok("/a/b")),
        ("/%2F", Ok("/%2F")),
        ("new", Err(ChangeError::Path(PathError::Relative))),
        ("", Err(ChangeError::NotCanonical)),
        ("/a/../b", Err(ChangeError::NotCanonical)),
        ("/a/.", Err(ChangeError::NotCanonical)),
        ("/..", Err(ChangeError::Path(PathError::Root))),
        ("/%61", Err(ChangeError::NotCanonical)),
        ("/%2", Err(ChangeError::Path(PathError::Escape))),
        ("/a?b", Err(ChangeError::Path(PathError::Byte))),
        ("/a b", Err(ChangeError::Path(PathError::Byte))),
        ("/a\r\nX: y", Err(ChangeError::Path(PathError::Byte))),
    ] {
        let mut head = read("GET /old?q HTTP/1.1\r\nHost: a\r\n\r\n");
        let changed = head.replace_path(path.as_bytes());
        assert_eq!(changed.map(|()| head.path()), result, "{path}");
        assert_eq!((head.asked_path(), head.query()), ("/old", Some("q")), "{path}");
        assert_eq!(head.path_encodes_slash(), path == "/%2F");
        assert_eq!(sent(&head, None).path(), result.unwrap_or("/old"));
    }
}

#[test]
fn a_new_host_is_told_to_the_server_and_the_old_one_to_those_who_ask() {
    let mut head = read("GET / HTTP/1.1\r\nHost: Shop.Example:8080\r\nA: b\r\n\r\n");
    head.replace_authority("Inner:80").expect("a host");
    let again = sent(&head, None);
    assert_eq!(texts(again.values("host")), ["inner"]);
    assert_eq!(texts(again.values("x-forwarded-host")), ["shop.example:8080"]);
    assert_eq!((head.asked_host(), head.host()), ("shop.example", "inner"));
    head.replace_authority("other").expect("a host");
    assert_eq!((head.asked_host(), head.host()), ("shop.example", "other"));
    for bad in ["", "a b", "a/b", "a\r\nb", "a@b"] {
        assert_eq!(head.replace_authority(bad), Err(ChangeError::Host), "{bad:?}");
    }
}

#[test]
fn an_edited_head_that_is_used_again_is_new() {
    let mut head = read("GET /old HTTP/1.1\r\nHost: a\r\n\r\n");
    head.replace_path(b"/new").expect("a path");
    head.replace_authority("b").expect("a host");
    parse::request(b"GET /x HTTP/1.1\r\nHost: c\r\n\r\n", 10, Scheme::Http, &mut head)
        .expect("a head");
    assert_eq!((head.asked_path(), head.asked_authority()), ("/x", "c"));
}

fn reply_text(reply: &ReplyHead) -> String {
    let mut out = Vec::new();
    let options = ReplyOptions {
        framing: BodyFraming::AsReceived,
        persistence: Persistence::Default,
        date: b"today",
        more: b"",
    };
    write::reply(reply, options, &mut out);
    let mut again = ReplyHead::default();
    parse::reply(&out, 100, false, &mut again).expect("what is written is a head");
    String::from_utf8(out).expect("text")
}

#[test]
fn a_response_of_our_own_is_one() {
    let mut reply = ReplyHead::default();
    reply.begin(308, 0);
    reply.set_field("location", b"/x").expect("a value");
    let expected = "HTTP/1.1 308 Permanent Redirect\r\nContent-Length: 0\r\nlocation: /x\r\n\
                    Date: today\r\n\r\n";
    assert_eq!(reply_text(&reply), expected);
    reply.begin(204, 0);
    reply.add_field("vary", b"Origin").expect("a value");
    reply.add_field("vary", b"Accept").expect("a value");
    reply.remove_fields_of("acc");
    let expected = "HTTP/1.1 204 No Content\r\nvary: Origin\r\nvary: Accept\r\nDate: today\r\n\r\n";
    assert_eq!(reply_text(&reply), expected);
    reply.begin(599, 3);
    assert_eq!((reply.body(), reply.status()), (BodyLength::Exact(3), 599));
    assert!(reply_text(&reply).starts_with("HTTP/1.1 599 \r\nContent-Length: 3\r\n"));
}

/// One change, and what must be read afterwards.
#[derive(Clone, Debug)]
enum Change {
    Set(String, Vec<u8>),
    Remove(String),
    Path(String),
    Host(String),
}

fn change() -> impl Strategy<Value = Change> {
    let name = || prop::sample::select(&["x-a", "x-b", "accept", "cookie", "x_c"][..]);
    prop_oneof![
        (name(), prop::collection::vec(any::<u8>(), 0..12))
            .prop_map(|(name, value)| Change::Set(name.to_owned(), value)),
        name().prop_map(|name| Change::Remove(name.to_owned())),
        "[/a%2F.?\\r é]{0,12}".prop_map(Change::Path),
        "[a-c.:0-9\\r/]{0,8}".prop_map(Change::Host),
    ]
}

proptest! {
    #[test]
    fn an_edited_head_reads_as_the_edits_say(changes in prop::collection::vec(change(), 0..12)) {
        let mut head = read(
            "GET /a/b HTTP/1.1\r\nHost: a\r\nAccept: *\r\nX-A:1\r\nCookie: c=d\r\nX-A: 2\r\n\
             Connection: x-b, accept\r\n\r\n",
        );
        head.fields_mut().settle_connection();
        for change in &changes {
            match change {
                Change::Set(name, value) => {
                    prop_assert_eq!(head.fields_mut().set(name, value).is_ok(), is_value(value));
                }
                Change::Remove(name) => head.fields_mut().remove(name),
                Change::Path(path) => drop(head.replace_path(path.as_bytes())),
                Change::Host(host) => drop(head.replace_authority(host)),
            }
        }
        let again = sent(&head, None);
        prop_assert_eq!((again.path(), again.authority()), (head.path(), head.authority()));
        let ours = |field: &Field<'_>| {
            let name = String::from_utf8_lossy(field.name).to_ascii_lowercase();
            ["x-a", "x-b", "accept", "cookie", "x_c"].contains(&name.as_str())
        };
        let fields = |head: &Head| -> Vec<(Vec<u8>, Vec<u8>)> {
            let fields = head.fields().filter(ours);
            fields.map(|field| (field.name.to_vec(), field.value.to_vec())).collect()
        };
        prop_assert_eq!(fields(&again), fields(&head));
        for change in changes.iter().rev() {
            if let Change::Set(name, value) = change && is_value(value) {
                let last = changes.iter().rev().find(|other| match other {
                    Change::Set(other, value) => other == name && is_value(value),
                    Change::Remove(other) => other == name,
                    _ => false,
                });
                if let Some(Change::Set(_, value)) = last {
                    let value = value.trim_ascii();
                    let expected: Vec<&[u8]> = if value.is_empty() { vec![] } else { vec![value] };
                    prop_assert_eq!(again.values(name).collect::<Vec<_>>(), expected);
                }
            }
        }
    }
}
