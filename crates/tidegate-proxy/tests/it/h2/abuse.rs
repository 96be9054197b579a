//! Group D of docs/security-cases.md: what costs a client nothing and us something, on HTTP/2.

use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use super::frames::*;
use super::raw::Raw;
use super::site::holding;
use crate::cases::Site;
use crate::world::*;

fn times(count: usize, frame: &Frame) -> Vec<Frame> {
    vec![frame.clone(); count]
}

/// A number that a client gives to a stream.
fn stream(place: usize) -> u32 {
    u32::try_from(2 * place + 1).expect("few streams")
}

#[test]
fn d1_streams_that_are_opened_to_be_reset_end_the_connection() {
    let (server, held) = holding();
    let site = Site::before(server, "");
    let pair = |place| [ask(stream(place), "/held"), reset(stream(place), CANCEL)];
    // At one go, and each when the request before is known to have gone on.
    let mut client = Raw::client(&site.balancer);
    client.send_all((0..60).flat_map(pair).collect::<Vec<_>>().iter());
    assert_eq!(client.farewell(), ENHANCE_YOUR_CALM);
    assert_eq!(site.balancer.refused("h2_rapid_reset"), 1);
    let mut client = Raw::client(&site.balancer);
    for place in 0..51 {
        client.send_all(&pair(place));
        if place < 50 {
            client.turn();
        }
    }
    assert_eq!(client.farewell(), ENHANCE_YOUR_CALM);
    assert_eq!(site.balancer.refused("h2_rapid_reset"), 2);
    eventually("the work at the server is cancelled", || held.load(SeqCst) == 0);
    site.serves();
}

#[test]
fn d1_a_stream_that_was_reset_keeps_its_place_until_its_work_has_ended() {
    let (server, held) = holding();
    let site = Site::before(server, "");
    let mut client = Raw::client(&site.balancer);
    client.send_all((0..40).map(|place| ask(stream(place), "/held")).collect::<Vec<_>>().iter());
    eventually("all are at the server", || held.load(SeqCst) == 40);
    client.send_all((0..40).map(|place| reset(stream(place), CANCEL)).collect::<Vec<_>>().iter());
    eventually("none is at the server", || held.load(SeqCst) == 0);
    client.send(&ask(stream(40), "/good"));
    assert_eq!(client.status(), 200);
    assert_eq!(site.balancer.refused("h2_rapid_reset"), 0);
}

#[test]
fn d1_a_client_may_change_its_mind_at_once_now_and_then() {
    let site = Site::new();
    let mut client = Raw::client(&site.balancer);
    let pair = |place| [ask(stream(place), "/"), reset(stream(place), CANCEL)];
    client.send_all((0..40).flat_map(pair).collect::<Vec<_>>().iter());
    client.send(&ask(stream(40), "/good"));
    assert_eq!(client.status(), 200);
}

#[test]
fn d2_streams_that_have_to_be_reset_end_the_connection() {
    let site = Site::new();
    let malformed =
        |place| Frame::new(HEADERS, WHOLE, stream(place), request("/", &[("connection", "close")]));
    let mut client = Raw::client(&site.balancer);
    for place in 0..501 {
        client.send(&malformed(place));
    }
    assert_eq!(client.farewell(), ENHANCE_YOUR_CALM);
    assert_eq!(site.balancer.refused("h2_made_you_reset"), 1);
    assert!(site.server.heads().is_empty());
    site.serves();
}

#[test]
fn d2_windows_that_overflow_are_no_better_than_malformed_requests() {
    let (server, held) = holding();
    let site = Site::before(server, "");
    let mut client = Raw::client(&site.balancer);
    for place in 0..501 {
        client.send_all(&[ask(stream(place), "/held"), window(stream(place), 0x7fff_ffff)]);
        assert_eq!(client.next(RST_STREAM).code(), FLOW_CONTROL_ERROR);
    }
    assert_eq!(client.farewell(), ENHANCE_YOUR_CALM);
    assert_eq!(site.balancer.refused("h2_made_you_reset"), 1);
    eventually("the work at the server is cancelled", || held.load(SeqCst) == 0);
    site.serves();
}

#[test]
fn d3_a_field_block_in_too_many_frames_ends_the_connection() {
    let site = Site::new();
    let begun = Frame::new(HEADERS, END_STREAM, 1, request("/", &[]));
    for piece in [&[][..], &block([("a", "b")])] {
        let next = Frame::new(CONTINUATION, 0, 1, piece);
        let frames = [vec![begun.clone()], times(21, &next)].concat();
        site.ends("CONTINUATION", &frames, ENHANCE_YOUR_CALM, "h2_continuation_flood");
    }
    // A few of them make a request.
    let mut client = Raw::client(&site.balancer);
    client.send(&begun);
    client.send_all(&times(5, &Frame::new(CONTINUATION, 0, 1, block([("a", "b")]))));
    client.send(&Frame::new(CONTINUATION, END_HEADERS, 1, []));
    assert_eq!(client.status(), 200);
}

#[test]
fn d3_a_field_block_that_does_not_end_in_time_ends_the_connection() {
    let (server, held) = holding();
    let site = Site::before(server, "[listener.web.limits]\nheader_timeout = \"150ms\"\n");
    let begun = Frame::new(HEADERS, END_STREAM, 3, request("/", &[]));
    let trailers = Frame::new(HEADERS, END_STREAM, 3, block([("a", "b")]));
    let upload = Frame::new(HEADERS, END_HEADERS, 3, upload(&[]));
    for (number, frames) in (1..).zip([vec![begun], vec![upload, trailers]]) {
        let mut client = Raw::client(&site.balancer);
        // Work elsewhere on the connection gives it no more time.
        client.send(&ask(1, "/held"));
        eventually("it is at the server", || held.load(SeqCst) == 1);
        // Within a field block there can be no answer to settings.
        client.turn();
        client.send_all(&frames);
        assert_eq!(client.farewell(), ENHANCE_YOUR_CALM);
        assert_eq!(site.balancer.refused("header_timeout"), number);
        eventually("the work at the server is cancelled", || held.load(SeqCst) == 0);
    }
    site.serves();
}

#[test]
fn d4_many_fields_that_take_no_bytes_are_refused() {
    let site = Site::new();
    // A field that enters the table of the decoder, and references to it (RFC 7541, section 6.1).
    let bomb = |value: usize, count: usize| {
        let mut fields = request("/", &[]);
        fields.extend([0x40, 1, b'x']);
        fields.extend(&block([("", "v".repeat(value).as_str())])[2..]);
        fields.extend(vec![0xbe; count]);
        vec![Frame::new(HEADERS, WHOLE, 1, fields)]
    };
    site.declines("128 references", &bomb(1, 128), 431, "too_many_headers");
    site.declines("long references", &bomb(1000, 40), 431, "header_too_large");
    site.ends("a bomb", &bomb(3000, 10_000), ENHANCE_YOUR_CALM, "h2_protocol");
}

#[test]
fn d4_a_cookie_in_too_many_crumbs_is_refused() {
    let site = Site::new();
    let crumbs = |count: usize| {
        let mut fields = request("/", &[]);
        for place in 0..count {
            fields.extend(block([("cookie", format!("c{place}=1").as_str())]));
        }
        Frame::new(HEADERS, WHOLE, 1, fields)
    };
    let mut client = Raw::client(&site.balancer);
    client.send(&crumbs(512));
    assert_eq!(client.status(), 200);
    site.declines("513 crumbs", &[crumbs(513)], 431, "too_many_headers");
}

/// A balancer before a server that sends more than any window, whose clients have to be quick.
fn generous() -> Site {
    let body = "x".repeat(1 << 20);
    let server = Server::start(move |conversation, _| {
        while let Some((head, _)) = conversation.request() {
            let body = if head.starts_with("GET /good") { "one" } else { &body };
            conversation.peer.send(ok(body));
        }
    });
    Site::before(server, "[listener.web.limits]\nbody_progress = \"256B/s over 1s\"\n")
}

#[test]
fn d5_a_response_that_no_window_is_granted_for_is_cut() {
    let site = generous();
    let mut client = Raw::client_with(&site.balancer, &[(INITIAL_WINDOW_SIZE, 0)]);
    client.send(&ask(1, "/large"));
    assert_eq!(client.status(), 200);
    let end = client.next(RST_STREAM);
    assert_eq!((end.stream, end.code()), (1, INTERNAL_ERROR));
    assert_eq!(site.balancer.refused("body_timeout"), 1);
    site.serves();
}

#[test]
fn d5_windows_that_are_granted_in_drips_gain_no_time() {
    let site = generous();
    let mut client = Raw::client_with(&site.balancer, &[(INITIAL_WINDOW_SIZE, 0)]);
    client.send(&ask(1, "/large"));
    let mut drips = 0;
    loop {
        client.send(&window(1, 1));
        let Some(frame) = std::iter::from_fn(|| client.frame())
            .find(|frame| matches!(frame.kind, DATA | RST_STREAM))
        else {
            panic!("closed after {drips} drips");
        };
        if frame.kind == RST_STREAM {
            assert_eq!(frame.code(), INTERNAL_ERROR);
            break;
        }
        assert_eq!(frame.payload.len(), 1);
        drips += 1;
        // A peek that times out is a pause between two drips.
        let stream = &client.peer.stream;
        stream.set_read_timeout(Some(Duration::from_millis(20))).expect("an option");
        let _ = stream.peek(&mut [0]);
        stream.set_read_timeout(Some(PATIENCE)).expect("an option");
    }
    assert!(drips < 600, "{drips} drips");
    assert_eq!(site.balancer.refused("body_timeout"), 1);
    site.serves();
}

#[test]
fn d6_frames_that_carry_nothing_end_the_connection() {
    let (server, held) = holding();
    let site = Site::before(server, "");
    let padding = Frame::new(DATA, PADDED, 1, [&[7][..], &[0; 7]].concat());
    for (shown, frame) in [("empty DATA", Frame::new(DATA, 0, 1, [])), ("padding", padding)] {
        let refused = site.balancer.refused("h2_empty_frames");
        let mut client = Raw::client(&site.balancer);
        client.send(&Frame::new(HEADERS, END_HEADERS, 1, upload(&[])));
        client.send_all(&times(101, &frame));
        assert_eq!(client.farewell(), ENHANCE_YOUR_CALM, "{shown}");
        assert_eq!(site.balancer.refused("h2_empty_frames"), refused + 1, "{shown}");
    }
    eventually("the work at the server is cancelled", || held.load(SeqCst) == 0);
    site.serves();
}

#[test]
fn d7_floods_of_control_frames_end_the_connection() {
    let site = Site::new();
    let priority = Frame::new(PRIORITY, 0, 3, [0, 0, 0, 0, 16]);
    for (frame, reason) in [
        (ping(), "h2_ping_flood"),
        (settings(&[(INITIAL_WINDOW_SIZE, 65_535)]), "h2_settings_flood"),
        (settings(&[]), "h2_settings_flood"),
        (priority, "h2_priority_flood"),
        (window(0, 1), "h2_window_update_flood"),
    ] {
        site.ends(reason, &times(101, &frame), ENHANCE_YOUR_CALM, reason);
        site.ends(reason, &times(5_000, &frame), ENHANCE_YOUR_CALM, reason);
        // A few of them are no flood.
        let mut client = Raw::client(&site.balancer);
        client.send_all(&times(50, &frame));
        client.send(&ask(1, "/good"));
        assert_eq!(client.status(), 200, "{reason}");
    }
}

#[test]
fn d8_windows_and_settings_keep_to_their_range() {
    let site = Site::new();
    for (shown, frame, code) in [
        ("no increment", window(0, 0), PROTOCOL_ERROR),
        ("too much window", window(0, 0x7fff_ffff), FLOW_CONTROL_ERROR),
        ("a window too large", settings(&[(INITIAL_WINDOW_SIZE, 1 << 31)]), PROTOCOL_ERROR),
        ("frames too small", settings(&[(MAX_FRAME_SIZE, 16_383)]), PROTOCOL_ERROR),
        ("frames too large", settings(&[(MAX_FRAME_SIZE, 1 << 24)]), PROTOCOL_ERROR),
        ("a push of two", settings(&[(ENABLE_PUSH, 2)]), PROTOCOL_ERROR),
        ("half a setting", Frame::new(SETTINGS, 0, 0, [0; 5]), PROTOCOL_ERROR),
        ("a settled stream", Frame::new(SETTINGS, 0, 1, []), PROTOCOL_ERROR),
        ("a stated ack", Frame::new(SETTINGS, ACK, 0, [0; 6]), PROTOCOL_ERROR),
        ("a short ping", Frame::new(PING, 0, 0, [0; 7]), PROTOCOL_ERROR),
        ("a ping of a stream", Frame::new(PING, 0, 1, [0; 8]), PROTOCOL_ERROR),
        ("a short window", Frame::new(WINDOW_UPDATE, 0, 0, [0; 3]), PROTOCOL_ERROR),
    ] {
        site.ends(shown, &[frame], code, "h2_protocol");
    }
}

#[test]
fn d9_a_field_without_a_name_ends_the_connection() {
    let site = Site::new();
    let frame = Frame::new(HEADERS, WHOLE, 1, request("/", &[("", "value")]));
    site.ends("a field without a name", &[frame], PROTOCOL_ERROR, "h2_protocol");
}

#[test]
fn d10_frames_of_streams_that_cannot_have_them_end_the_connection() {
    let (server, _held) = holding();
    let site = Site::before(server, "");
    let data = |stream| Frame::new(DATA, 0, stream, "data");
    for (shown, frames, code) in [
        ("DATA of no stream", vec![data(0)], PROTOCOL_ERROR),
        ("DATA of an idle stream", vec![data(1)], PROTOCOL_ERROR),
        ("RST_STREAM of an idle stream", vec![reset(1, CANCEL)], PROTOCOL_ERROR),
        ("WINDOW_UPDATE of an idle stream", vec![window(1, 1)], PROTOCOL_ERROR),
        ("a stream of ours", vec![ask(2, "/")], PROTOCOL_ERROR),
        ("HEADERS of no stream", vec![ask(0, "/")], PROTOCOL_ERROR),
        (
            "an end that does not come",
            vec![Frame::new(HEADERS, END_STREAM, 1, []), ping()],
            PROTOCOL_ERROR,
        ),
        ("a continuation of nothing", vec![Frame::new(CONTINUATION, 4, 1, [])], PROTOCOL_ERROR),
    ] {
        site.ends(shown, &frames, code, "h2_protocol");
    }
}

#[test]
fn d10_data_behind_the_end_of_a_request_is_an_error() {
    let (server, held) = holding();
    let site = Site::before(server, "");
    for (shown, frame) in [
        ("DATA", Frame::new(DATA, 0, 1, "more")),
        ("HEADERS", Frame::new(HEADERS, WHOLE, 1, block([("a", "b")]))),
    ] {
        let mut client = Raw::client(&site.balancer);
        client.send_all(&[ask(1, "/held"), frame]);
        let end = client.ending().expect("a reset or a farewell");
        assert!(matches!(end.code(), STREAM_CLOSED | PROTOCOL_ERROR), "{shown}: {end:?}");
        eventually("the work at the server is cancelled", || held.load(SeqCst) == 0);
        site.serves();
    }
}

#[test]
fn d10_what_was_on_its_way_to_a_stream_that_we_reset_is_forgiven() {
    let site = Site::new();
    let mut client = Raw::client(&site.balancer);
    client.send(&Frame::new(HEADERS, END_HEADERS, 1, request("/", &[("connection", "close")])));
    assert_eq!(client.next(RST_STREAM).code(), PROTOCOL_ERROR);
    client.send_all(&[Frame::new(DATA, 0, 1, "late"), window(1, 1), reset(1, CANCEL)]);
    client.send(&ask(3, "/good"));
    assert_eq!(client.status(), 200);
}

#[test]
fn d11_frames_of_no_known_type_are_ignored_up_to_a_budget() {
    let site = Site::new();
    let strange = |size| Frame::new(UNKNOWN, 0xff, 7, vec![0; size]);
    let mut client = Raw::client(&site.balancer);
    client.send_all(&[strange(0), strange(1000), settings(&[(0xbeef, 7)]), ask(1, "/good")]);
    assert_eq!(client.status(), 200);
    for (size, count) in [(16_000, 5), (0, 8_000)] {
        let flood = times(count, &strange(size));
        site.ends("unknown frames", &flood, ENHANCE_YOUR_CALM, "h2_unknown_frames");
    }
}
