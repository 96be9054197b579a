//! The end of a client's connection: told twice (RFC 9113, section 6.8), with nothing lost.

use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use super::frames::*;
use super::raw::Raw;
use super::real::{self, plain, wait};
use super::site::holding;
use crate::cases::Site;
use crate::world::*;

/// The last stream of a farewell that does not say yet which it is.
const ANY: u32 = 0x7fff_ffff;

/// Holds that a farewell of this last stream comes next among farewells, without blame.
#[track_caller]
fn hears_farewell(client: &mut Raw, last: u32) {
    let farewell = client.next(GOAWAY);
    assert_eq!((farewell.last_stream(), farewell.code()), (last, NO_ERROR));
}

/// Answers the PING by which the balancer learns that its farewell was heard.
#[track_caller]
fn confirms(client: &mut Raw) {
    let ping = client.next(PING);
    client.send(&Frame::new(PING, ACK, 0, ping.payload));
}

/// Holds that the client is told to go twice, and that the connection then ends.
#[track_caller]
fn is_seen_off(client: &mut Raw, last: u32) {
    hears_farewell(client, ANY);
    confirms(client);
    hears_farewell(client, last);
    assert_eq!(client.frame(), None);
}

#[test]
fn d12_an_old_connection_is_told_to_go_twice() {
    let site = Site::with("[listener.web.limits]\nmax_age = \"300ms\"\n");
    let mut client = Raw::client(&site.balancer);
    client.send(&ask(1, "/good"));
    assert_eq!(client.status(), 200);
    is_seen_off(&mut client, 1);
    site.serves();
}

#[test]
fn d12_no_request_is_lost_to_the_age_of_its_connection() {
    let site = Site::with("[listener.web.limits]\nmax_age = \"300ms\"\n");
    let client = real::Client::new(&site.balancer);
    let mut requests = 0;
    let end = loop {
        match wait(client.fetch(plain("POST", "/good"))) {
            Ok((status, body)) => assert_eq!((status, body.as_slice()), (200, &b"one"[..])),
            Err(error) => break error,
        }
        requests += 1;
    };
    assert!(requests > 1 && !end.is_reset(), "{end}");
    // The client gave up by itself: what it sent was answered.
    assert_eq!(site.server.heads().len(), requests);
}

#[test]
fn d12_an_idle_connection_is_told_to_go_after_its_time() {
    let site = Site::with("[listener.web.limits]\nidle_timeout = \"150ms\"\n");
    let mut fresh = Raw::client(&site.balancer);
    is_seen_off(&mut fresh, 0);
    let mut used = Raw::client(&site.balancer);
    used.send(&ask(1, "/good"));
    assert_eq!(used.status(), 200);
    is_seen_off(&mut used, 1);
    site.serves();
}

#[test]
fn d13_streams_beyond_the_number_that_is_allowed_are_refused() {
    let (server, held) = holding();
    let site = Site::before(server, "");
    let mut client = Raw::client(&site.balancer);
    let stream = |place: u32| 2 * place + 1;
    let frames: Vec<Frame> = (0..100).map(|place| ask(stream(place), "/held")).collect();
    client.send_all(&frames);
    eventually("all are at the server", || held.load(SeqCst) == 100);
    client.send(&ask(stream(100), "/held"));
    let refused = client.next(RST_STREAM);
    assert_eq!((refused.stream, refused.code()), (stream(100), REFUSED_STREAM));
    assert_eq!(held.load(SeqCst), 100);
    eventually("it is counted", || site.balancer.refused("h2_streams") == 1);
    drop(client);
    eventually("the work at the server is cancelled", || held.load(SeqCst) == 0);
    site.serves();
}

#[test]
fn d13_a_client_that_ignores_the_last_farewell_is_served_no_more() {
    let gate = Gate::default();
    let held = gate.clone();
    let server = Server::start(move |conversation, _| {
        while conversation.request().is_some() {
            held.pass();
            conversation.peer.send(ok("late"));
        }
    });
    let Site { server, balancer } = Site::before(server, "");
    let mut client = Raw::client(&balancer);
    client.send(&ask(1, "/first"));
    eventually("the first is at the server", || server.heads().len() == 1);
    let stopping = real::beside(balancer.plane.drain(Duration::from_secs(8)));
    hears_farewell(&mut client, ANY);
    // What was on its way when the farewell came is served.
    client.send(&ask(3, "/second"));
    eventually("the second is at the server", || server.heads().len() == 2);
    confirms(&mut client);
    hears_farewell(&mut client, 3);
    client.send(&ask(5, "/third"));
    gate.open();
    let mut ended: Vec<u32> = std::iter::from_fn(|| client.frame())
        .filter(Frame::ends_stream)
        .map(|frame| frame.stream)
        .collect();
    ended.sort_unstable();
    assert_eq!(ended, [1, 3]);
    assert_eq!(server.heads().len(), 2);
    assert_eq!(wait(stopping).expect("no panic").cut, 0);
}
