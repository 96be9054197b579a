//! What a core takes from the heap: nothing for a plain request, and little for a connection that
//! waits.
//!
//! An allocator that counts stands in for the system's. It counts on the data plane's own thread
//! only, which says who it is through the access log: that is asked about each request, on that
//! thread.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tidegate_core::telemetry::access_log::Record;
use tidegate_proxy::log::Sink;
use world::*;

#[expect(unreachable_pub, reason = "a test binary has no outside")]
#[expect(dead_code, reason = "shared with the other tests, which use all of it")]
#[path = "it/world.rs"]
mod world;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Allocations on counted threads, and the bytes that they still hold.
static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);
static LIVE_BYTES: AtomicI64 = AtomicI64::new(0);
/// One test at a time: they share the counters.
static TURN: Mutex<()> = Mutex::new(());

thread_local! {
    /// Without a destructor and without a lazy beginning, so that the allocator may ask at any
    /// time.
    static COUNTED: Cell<bool> = const { Cell::new(false) };
}

/// Counts, and passes everything on to the system's allocator.
struct Counting;

impl Counting {
    fn count(allocations: u64, bytes: i64) {
        if COUNTED.with(Cell::get) {
            ALLOCATIONS.fetch_add(allocations, Relaxed);
            LIVE_BYTES.fetch_add(bytes, Relaxed);
        }
    }
}

fn signed(size: usize) -> i64 {
    i64::try_from(size).unwrap_or(i64::MAX)
}

// SAFETY: every call goes to the system's allocator with the arguments as they came, and its answer
// goes back unchanged; counting touches neither the memory nor the layout, and allocates nothing
// itself.
#[expect(unsafe_code, reason = "an allocator cannot be written without")]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        Self::count(1, signed(layout.size()));
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        Self::count(1, signed(layout.size()));
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        Self::count(1, signed(size) - signed(layout.size()));
        // SAFETY: the caller's promise is passed on.
        unsafe { System.realloc(pointer, layout, size) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        Self::count(0, -signed(layout.size()));
        // SAFETY: the caller's promise is passed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}

/// An access log that is off, and marks the thread that asks it.
struct Marker;

impl Sink for Marker {
    fn is_on(&self) -> bool {
        COUNTED.with(|counted| counted.set(true));
        false
    }

    fn wants(&self, _: &Record<'_>) -> bool {
        false
    }

    fn append(&self, _: &Record<'_>, _: &mut Vec<u8>) {}

    fn write(&self, _: Vec<u8>) {}
}

/// A balancer whose core is counted, in front of a server of small responses.
fn counted() -> (MutexGuard<'static, ()>, Balancer, Server) {
    let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let server = Server::start(|conversation, _| {
        while conversation.request().is_some() {
            conversation.peer.send(
                "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nServer: small\r\n\
                 Content-Length: 100\r\n\r\n",
            );
            conversation.peer.send([b'x'; 100]);
        }
    });
    let config = config(&[server.address], "").replace("round-robin", "p2c");
    (turn, Balancer::logging_to(&config, Arc::new(Marker)), server)
}

#[track_caller]
fn exchange(client: &mut Peer, request: &str) {
    client.send(request);
    assert_eq!(client.message().1.len(), 100);
}

#[track_caller]
fn check_allocates_nothing(request: &str) {
    let (_turn, balancer, server) = counted();
    let mut client = balancer.client();
    (0..200).for_each(|_| exchange(&mut client, request));
    let before = ALLOCATIONS.load(Relaxed);
    assert!(before > 0, "the core's thread is counted");
    (0..1000).for_each(|_| exchange(&mut client, request));
    assert_eq!(ALLOCATIONS.load(Relaxed) - before, 0, "{request}");
    assert_eq!(server.connections(), 1);
}

#[test]
fn a_plain_get_allocates_nothing() {
    check_allocates_nothing(
        "GET /some/path?with=query HTTP/1.1\r\nHost: shop.example.com\r\nAccept: */*\r\n\
         User-Agent: a browser of some kind\r\nCookie: a=1; b=2\r\n\r\n",
    );
}

#[test]
fn a_post_with_a_small_body_allocates_nothing() {
    let body = "x".repeat(500);
    check_allocates_nothing(&format!(
        "POST /form HTTP/1.1\r\nHost: shop.example.com\r\nContent-Length: 500\r\n\r\n{body}"
    ));
}

#[test]
fn requests_of_many_clients_by_turns_allocate_nothing() {
    let (_turn, balancer, _server) = counted();
    let mut clients: Vec<Peer> = (0..20).map(|_| balancer.client()).collect();
    let mut round = || {
        for client in &mut clients {
            exchange(client, &get("/"));
        }
    };
    (0..20).for_each(|_| round());
    let before = ALLOCATIONS.load(Relaxed);
    (0..50).for_each(|_| round());
    assert_eq!(ALLOCATIONS.load(Relaxed) - before, 0);
}

#[test]
fn a_connection_that_waits_holds_less_than_three_kibibytes() {
    const CONNECTIONS: i64 = 200;
    let (_turn, balancer, _server) = counted();
    let mut first = balancer.client();
    // Tables grow in steps; with these there is room for those that are measured.
    (0..200).for_each(|_| exchange(&mut first, &get("/")));
    let body = "x".repeat(60_000);
    let large = format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 60000\r\n\r\n{body}");
    let small = get("/");
    exchange(&mut first, &large);
    let ask = |client: &mut Peer, number: i64| {
        exchange(client, if number % 2 == 0 { &large } else { &small });
    };
    let each = held_by_each(CONNECTIONS, &balancer, &mut first, ask);
    assert!(each < 3 * 1024, "{each} bytes of heap for a connection that waits");
    assert!(each > 100, "{each}: a connection is counted at all");
}

/// The heap that each of so many new connections holds once it has asked and waits.
fn held_by_each(
    connections: i64,
    balancer: &Balancer,
    first: &mut Peer,
    ask: impl Fn(&mut Peer, i64),
) -> i64 {
    let before = LIVE_BYTES.load(Relaxed);
    let _clients: Vec<Peer> = (0..connections)
        .map(|number| {
            let mut client = balancer.client();
            ask(&mut client, number);
            client
        })
        .collect();
    first.turn();
    (LIVE_BYTES.load(Relaxed) - before) / connections
}

/// Asks once on a new connection of HTTP/2, with fields that need no table (RFC 7541, appendix A),
/// and reads to the end of the answer.
#[track_caller]
fn exchange_over_http2(client: &mut Peer) {
    const END_STREAM: u8 = 1;
    client.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    client.send([0, 0, 0, 4, 0, 0, 0, 0, 0]);
    // `:method: GET`, `:scheme: http`, `:path: /`, `:authority: a`.
    client.send([0, 0, 6, 1, 5, 0, 0, 0, 1, 0x82, 0x86, 0x84, 0x01, 1, b'a']);
    loop {
        let head = client.bytes(9);
        client.bytes(usize::from(head[1]) << 8 | usize::from(head[2]));
        if head[8] == 1 && head[4] & END_STREAM != 0 {
            return;
        }
    }
}

#[test]
fn an_http2_connection_that_waits_holds_no_buffer() {
    const CONNECTIONS: i64 = 100;
    let (_turn, balancer, _server) = counted();
    let mut first = balancer.client();
    (0..200).for_each(|_| exchange(&mut first, &get("/")));
    (0..CONNECTIONS).for_each(|_| exchange_over_http2(&mut balancer.client()));
    // Once to hear of the ends, once more behind what that has woken.
    (0..2).for_each(|_| first.turn());
    let each =
        held_by_each(CONNECTIONS, &balancer, &mut first, |client, _| exchange_over_http2(client));
    assert!(each < 20 * 1024, "{each} bytes of heap for a connection that waits");
    assert!(each > 1024, "{each}: a connection is counted at all");
}
