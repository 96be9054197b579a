//! What every refusal on HTTP/2 must look like from outside.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use super::frames::*;
use super::raw::Raw;
use crate::cases::Site;
use crate::world::*;

impl Site {
    /// Holds that the frames end their connection with this code, counted as `reason`, that no
    /// request of theirs went on, and that nobody else is harmed.
    #[track_caller]
    pub fn ends(&self, shown: &str, frames: &[Frame], code: u32, reason: &str) {
        let (seen, refused) = (self.server.heads().len(), self.balancer.refused(reason));
        let mut client = Raw::client(&self.balancer);
        client.send_all(frames);
        assert_eq!(client.farewell(), code, "{shown}");
        self.counts(shown, reason, refused + 1);
        self.saw_nothing(shown, seen);
        self.serves();
    }

    /// Holds that the frames have stream 1 reset with this code, counted as `reason`, that no
    /// request of theirs went on, and that the connection serves the next one.
    #[track_caller]
    pub fn resets(&self, shown: &str, frames: &[Frame], code: u32, reason: &str) {
        let (seen, refused) = (self.server.heads().len(), self.balancer.refused(reason));
        let mut client = Raw::client(&self.balancer);
        client.send_all(frames);
        let end = client.ending().unwrap_or_else(|| panic!("closed after {shown}"));
        assert_eq!((end.kind, end.stream), (RST_STREAM, 1), "{shown}: {end:?}");
        assert_eq!(end.code(), code, "{shown}");
        self.saw_nothing(shown, seen);
        client.send(&ask(3, "/good"));
        assert_eq!(client.status(), 200, "after {shown}");
        self.counts(shown, reason, refused + 1);
        self.serves();
    }

    /// Holds that the request in these frames, on stream 1, is answered with this status, counted
    /// as `reason` and kept from the server, and that the connection serves the next one.
    #[track_caller]
    pub fn declines(&self, shown: &str, frames: &[Frame], status: u16, reason: &str) {
        let (seen, refused) = (self.server.heads().len(), self.balancer.refused(reason));
        let mut client = Raw::client(&self.balancer);
        client.send_all(frames);
        let head = client.next(HEADERS);
        assert_eq!((head.stream, head.status()), (1, status), "{shown}");
        self.counts(shown, reason, refused + 1);
        self.saw_nothing(shown, seen);
        client.send(&ask(3, "/good"));
        let next = std::iter::from_fn(|| client.try_next(HEADERS)).find(|head| head.stream == 3);
        assert_eq!(next.map(|head| head.status()), Some(200), "after {shown}");
        self.serves();
    }

    /// Holds that the frames are no message: their stream or the whole connection ends without an
    /// answer, counted, and no request went on. What makes a field block unreadable ends the
    /// connection, as the blocks behind it may depend on it (RFC 9113, section 4.3).
    #[track_caller]
    pub fn spurns(&self, shown: &str, frames: &[Frame]) {
        let seen = self.server.heads().len();
        let counted =
            || self.balancer.refused("h2_malformed") + self.balancer.refused("h2_protocol");
        let before = counted();
        let mut client = Raw::client(&self.balancer);
        client.send_all(frames);
        let end = client.ending().unwrap_or_else(|| panic!("closed after {shown}"));
        assert!(matches!(end.kind, RST_STREAM | GOAWAY), "{shown} was answered");
        assert_eq!(end.code(), PROTOCOL_ERROR, "{shown}");
        eventually(&format!("{shown} is counted"), || counted() == before + 1);
        self.saw_nothing(shown, seen);
        self.serves();
    }

    #[track_caller]
    fn counts(&self, shown: &str, reason: &str, expected: u64) {
        let counted = || self.balancer.refused(reason) == expected;
        eventually(&format!("{reason} is counted for {shown}"), counted);
    }

    #[track_caller]
    fn saw_nothing(&self, shown: &str, seen: usize) {
        let heads = self.server.heads();
        assert!(heads.len() == seen, "{shown} reached the server: {:?}", &heads[seen..]);
    }
}

/// A server that takes requests, one a connection, and answers none; and how many it still has.
pub fn holding() -> (Server, Arc<AtomicUsize>) {
    let held = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&held);
    let server = Server::start(move |conversation, _| {
        while let Some(head) = conversation.head() {
            if head.starts_with("GET /good") {
                conversation.peer.send(ok("one"));
                continue;
            }
            count.fetch_add(1, SeqCst);
            conversation.peer.rest();
            count.fetch_sub(1, SeqCst);
            return;
        }
    });
    (server, held)
}
