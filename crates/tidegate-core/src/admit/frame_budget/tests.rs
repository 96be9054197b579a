//! What is abuse, to the frame; what never is, however much of it there is; and that neither
//! depends on how the bytes are cut.

use proptest::prelude::*;

use super::*;

const DATA: u8 = 0x0;
const HEADERS: u8 = 0x1;
const PRIORITY: u8 = 0x2;
const RST_STREAM: u8 = 0x3;
const SETTINGS: u8 = 0x4;
const PING: u8 = 0x6;
const GOAWAY: u8 = 0x7;
const WINDOW_UPDATE: u8 = 0x8;
const CONTINUATION: u8 = 0x9;

const ACK: u8 = 0x1;
const END_STREAM: u8 = 0x1;
const END_HEADERS: u8 = 0x4;
const PADDED: u8 = 0x8;
const WITH_PRIORITY: u8 = 0x20;

const CANCEL: u32 = 8;
const PROTOCOL_ERROR: u32 = 1;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("short").to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

fn reset(stream: u32, code: u32) -> Vec<u8> {
    frame(RST_STREAM, 0, stream, &code.to_be_bytes())
}

/// A connection, its clock, and the number of the next stream.
struct Connection {
    budget: FrameBudget,
    now: Instant,
    next: u32,
}

type Judged = Result<(), Abuse>;

impl Connection {
    fn new() -> Self {
        let now = Instant::ZERO + Duration::from_secs(1000);
        let mut connection = Self { budget: FrameBudget::new(now), now, next: 1 };
        connection.client(PREFACE).expect("a preface");
        connection.client(frame(SETTINGS, 0, 0, &[])).expect("the first frame");
        connection
    }

    fn client(&mut self, bytes: impl AsRef<[u8]>) -> Judged {
        self.budget.observe(Direction::Received, bytes.as_ref(), self.now)
    }

    fn server(&mut self, bytes: impl AsRef<[u8]>) -> Judged {
        self.budget.observe(Direction::Sent, bytes.as_ref(), self.now)
    }

    fn wait(&mut self, millis: u64) {
        self.now = self.now + Duration::from_millis(millis);
    }

    fn open(&mut self) -> Result<u32, Abuse> {
        let stream = self.next;
        self.next += 2;
        self.client(frame(HEADERS, END_HEADERS | END_STREAM, stream, b"\x82"))?;
        Ok(stream)
    }

    fn answer(&mut self, stream: u32, body: usize) -> Judged {
        self.server(frame(HEADERS, END_HEADERS, stream, b"\x88"))?;
        self.server(frame(DATA, END_STREAM, stream, &vec![0; body]))
    }

    /// A request that is answered.
    fn exchange(&mut self) -> Judged {
        let stream = self.open()?;
        self.answer(stream, 100)
    }
}

/// Holds that the action can be taken exactly so many times before it is this abuse, and that the
/// verdict stands.
#[track_caller]
fn check_count(
    mut connection: Connection,
    count: usize,
    abuse: Abuse,
    mut action: impl FnMut(&mut Connection) -> Judged,
) {
    for number in 0..count {
        assert_eq!(action(&mut connection), Ok(()), "the {number}th");
    }
    assert_eq!(action(&mut connection), Err(abuse), "after {count}");
    connection.wait(3_600_000);
    assert_eq!(connection.client([]), Err(abuse));
    assert_eq!(connection.server([]), Err(abuse));
}

fn rapid_reset(connection: &mut Connection) -> Judged {
    let stream = connection.open()?;
    connection.client(reset(stream, CANCEL))
}

#[test]
fn a_client_is_within_a_field_block_from_its_first_frame_to_its_last_byte() {
    let mut one = Connection::new();
    assert_eq!(one.budget.fields_since(), None);
    let since = Some(one.now);
    one.client(frame(HEADERS, 0, 1, b"some")).expect("a part");
    assert_eq!(one.budget.fields_since(), since);
    one.now = one.now + Duration::from_secs(3);
    one.client(frame(CONTINUATION, 0, 1, b"more")).expect("a part");
    assert_eq!(one.budget.fields_since(), since, "a further part gains no time");
    let last = frame(CONTINUATION, END_HEADERS, 1, b"last");
    one.client(&last[..last.len() - 1]).expect("a part");
    assert_eq!(one.budget.fields_since(), since);
    // The end of one block, and the beginning of the next.
    let next = frame(HEADERS, END_HEADERS, 3, b"whole");
    one.client([&last[last.len() - 1..], &next[..10]].concat()).expect("parts");
    assert_eq!(one.budget.fields_since(), Some(one.now));
    one.client(&next[10..]).expect("the rest");
    assert_eq!(one.budget.fields_since(), None);
    one.client(&frame(DATA, 0, 3, b"a body")[..12]).expect("a part");
    assert_eq!(one.budget.fields_since(), None, "the body has a pace of its own");
}

#[test]
fn d1_rapid_resets_of_unanswered_streams() {
    check_count(Connection::new(), 50, Abuse::RapidReset, rapid_reset);
    // They are counted over the whole life.
    check_count(Connection::new(), 50, Abuse::RapidReset, |connection| {
        connection.wait(60_000);
        rapid_reset(connection)
    });
}

#[test]
fn d1_rapid_resets_of_streams_with_an_interim_response_in_a_window() {
    let cancelled = |connection: &mut Connection| {
        let stream = connection.open()?;
        connection.server(frame(HEADERS, END_HEADERS, stream, b"\x08"))?;
        connection.client(reset(stream, CANCEL))
    };
    // Each answer pays for a quarter of a reset: 100 and a third.
    check_count(Connection::new(), 133, Abuse::RapidReset, cancelled);
    let mut connection = Connection::new();
    for _ in 0..1000 {
        connection.wait(30_000 / 130);
        cancelled(&mut connection).expect("a window later there is room again");
    }
}

#[test]
fn d1_one_stream_is_abused_once_and_resets_of_nothing_count() {
    let mut connection = Connection::new();
    let stream = connection.open().expect("a stream");
    check_count(connection, 100, Abuse::RapidReset, |connection| {
        connection.client(reset(stream, CANCEL))
    });
    check_count(Connection::new(), 100, Abuse::RapidReset, |connection| {
        connection.client(reset(99_999, CANCEL))
    });
}

#[test]
fn d2_resets_for_errors_of_the_client() {
    for code in [PROTOCOL_ERROR, 3, 5, 6] {
        check_count(Connection::new(), 500, Abuse::MadeYouReset, |connection| {
            connection.wait(10_000);
            let stream = connection.open()?;
            connection.server(reset(stream, code))
        });
    }
    let mut connection = Connection::new();
    for code in [0, 2, 7, CANCEL, 11, 0x0100_0001] {
        for _ in 0..2000 {
            let stream = connection.open().expect("a stream");
            connection.server(reset(stream, code)).expect("no doing of the client");
        }
    }
}

#[test]
fn d3_continuations_of_one_block() {
    let block = |connection: &mut Connection| {
        connection.next += 2;
        connection.client(frame(HEADERS, 0, connection.next, b"\x82"))?;
        (0..20).try_for_each(|_| connection.client(frame(CONTINUATION, 0, 1, b"\x84")))
    };
    let mut connection = Connection::new();
    for _ in 0..1000 {
        block(&mut connection).expect("each block has its own");
    }
    assert_eq!(connection.client(frame(CONTINUATION, 0, 1, b"a")), Err(Abuse::Continuation));
}

#[test]
fn d6_frames_of_nothing() {
    let empties: [Vec<u8>; 6] = [
        frame(DATA, 0, 1, &[]),
        frame(DATA, PADDED, 1, &[0]),
        frame(DATA, PADDED, 1, &[7, 0, 0, 0, 0, 0, 0, 0]),
        frame(HEADERS, 0, 1, &[]),
        frame(HEADERS, PADDED | WITH_PRIORITY, 1, &[2, 0, 0, 0, 0, 16, 0, 0]),
        // Longer padding than payload is an error elsewhere, and nothing here.
        frame(DATA, PADDED, 1, &[200, 0]),
    ];
    for empty in empties {
        check_count(Connection::new(), 100, Abuse::EmptyFrames, |c| c.client(&empty));
    }
    let mut connection = Connection::new();
    for full in [
        frame(DATA, END_STREAM, 1, &[]),
        frame(DATA, PADDED | END_STREAM, 1, &[3, 0, 0, 0]),
        frame(DATA, PADDED, 1, &[3, 1, 0, 0, 0]),
        frame(HEADERS, PADDED | WITH_PRIORITY, 1, &[1, 0, 0, 0, 0, 16, 0x82, 0]),
    ] {
        for _ in 0..1000 {
            connection.client(&full).expect("it ends the stream, or carries a byte");
        }
    }
}

#[test]
fn d7_control_frames_for_nothing() {
    let floods = [
        (frame(PING, 0, 0, &[0; 8]), 100, Abuse::Ping),
        (frame(PING, ACK, 0, &[0; 8]), 100, Abuse::Ping),
        // The connection's own were the first.
        (frame(SETTINGS, 0, 0, &[0; 6]), 99, Abuse::Settings),
        (frame(SETTINGS, ACK, 0, &[]), 99, Abuse::Settings),
        (frame(PRIORITY, 0, 1, &[0; 5]), 100, Abuse::Priority),
        (frame(WINDOW_UPDATE, 0, 0, &[0, 0, 0, 1]), 100, Abuse::WindowUpdate),
    ];
    for (flood, count, abuse) in floods {
        check_count(Connection::new(), count, abuse, |connection| connection.client(&flood));
        // Slower, they are no flood.
        let mut connection = Connection::new();
        for _ in 0..1000 {
            connection.wait(30_000 / 99);
            connection.client(&flood).expect("slow");
        }
    }
}

#[test]
fn d7_answers_to_our_own_are_free() {
    let mut connection = Connection::new();
    for _ in 0..1000 {
        for kind in [PING, SETTINGS] {
            connection.server(frame(kind, 0, 0, &[])).expect("ours");
            connection.client(frame(kind, ACK, 0, &[])).expect("an answer");
        }
    }
}

#[test]
fn d11_unknown_frames_by_their_bytes() {
    for kind in [0x5, GOAWAY, 0xa, 0x10, 0xff] {
        let unknown = frame(kind, 0, 0, &[0; 247]);
        check_count(Connection::new(), 256, Abuse::UnknownFrames, |c| c.client(&unknown));
    }
    // A length is believed before its bytes have come.
    let mut connection = Connection::new();
    assert_eq!(
        connection.client([0xff, 0xff, 0xff, 0xbb, 0, 0, 0, 0, 0]),
        Err(Abuse::UnknownFrames)
    );
}

#[test]
fn each_abuse_is_a_refusal_of_its_own() {
    let all = [
        Abuse::RapidReset,
        Abuse::MadeYouReset,
        Abuse::Continuation,
        Abuse::EmptyFrames,
        Abuse::Ping,
        Abuse::Settings,
        Abuse::Priority,
        Abuse::WindowUpdate,
        Abuse::UnknownFrames,
    ];
    let mut words: Vec<_> = all.iter().map(|abuse| abuse.refusal().as_str()).collect();
    assert!(words.iter().all(|word| word.starts_with("h2_")), "{words:?}");
    words.sort_unstable();
    words.dedup();
    assert_eq!(words.len(), all.len());
}

/// A hundred streams at a time, a hundred thousand a second, each reprioritised, a tenth cancelled
/// before an answer: a gateway in front of us.
#[test]
fn a_gateway_at_full_load_is_no_abuse() {
    let mut connection = Connection::new();
    for round in 0..10_000 {
        let streams: Vec<u32> = (0..100).map(|_| connection.open().expect("busy")).collect();
        for (number, stream) in streams.into_iter().enumerate() {
            connection.client(frame(PRIORITY, 0, stream, &[0; 5])).expect("a priority each");
            if (number + round) % 10 == 0 {
                connection.client(reset(stream, CANCEL)).expect("a cancellation");
            } else {
                connection.answer(stream, 1024).expect("ours");
            }
        }
        connection.client(frame(WINDOW_UPDATE, 0, 0, &[0, 1, 0, 0])).expect("a window");
        connection.wait(1);
    }
}

/// Streams in both directions, and pings as often as data comes, as grpc-go sends them to measure
/// the path.
#[test]
fn grpc_streams_with_pings_for_every_message_are_no_abuse() {
    let mut connection = Connection::new();
    let stream = connection.open().expect("a call");
    connection.server(frame(HEADERS, END_HEADERS, stream, b"\x88")).expect("ours");
    for _ in 0..100_000 {
        connection.wait(1);
        connection.client(frame(DATA, 0, stream, &[0; 9])).expect("a message");
        connection.server(frame(DATA, 0, stream, &[0; 9])).expect("ours");
        connection.client(frame(PING, 0, 0, b"\x02\x04\x10\x10\x09\x0e\x07\x07")).expect("a ping");
        connection.client(frame(WINDOW_UPDATE, 0, 0, &[0, 0, 0, 9])).expect("a window");
        connection.server(frame(PING, ACK, 0, &[0; 8])).expect("ours");
    }
}

/// Every ten seconds, which is as often as gRPC allows, with nothing to answer.
#[test]
fn keepalive_pings_are_no_abuse() {
    let mut connection = Connection::new();
    for _ in 0..10_000 {
        connection.wait(10_000);
        connection.client(frame(PING, 0, 0, &[0; 8])).expect("a keepalive");
    }
}

/// Downloads whose reader opens the window for every 4 KiB it takes, some after the last byte was
/// sent; and uploads, in which all windows are ours.
#[test]
fn long_bodies_are_no_abuse() {
    let mut connection = Connection::new();
    let stream = connection.open().expect("a request");
    connection.server(frame(HEADERS, END_HEADERS, stream, b"\x88")).expect("ours");
    for _ in 0..20 {
        for _ in 0..1024 {
            connection.server(frame(DATA, 0, stream, &[0; 16_384])).expect("ours");
        }
        for _ in 0..4096 {
            let increment = [0, 0, 16, 0];
            connection.client(frame(WINDOW_UPDATE, 0, stream, &increment)).expect("its own");
            connection.client(frame(WINDOW_UPDATE, 0, 0, &increment)).expect("the connection's");
        }
    }
    for _ in 0..100_000 {
        connection.client(frame(DATA, 0, stream, &[0; 100])).expect("an upload");
        connection.server(frame(WINDOW_UPDATE, 0, stream, &[0; 4])).expect("ours");
        connection.server(frame(WINDOW_UPDATE, 0, 0, &[0; 4])).expect("ours");
    }
}

/// Whatever hangs is given up on by its deadline, again and again, all of it at once.
#[test]
fn deadlines_that_pass_in_an_outage_are_no_abuse() {
    let mut connection = Connection::new();
    for _ in 0..1000 {
        let streams: Vec<u32> = (0..100).map(|_| connection.open().expect("a call")).collect();
        connection.wait(2000);
        for stream in streams {
            connection.client(reset(stream, CANCEL)).expect("a deadline");
        }
    }
}

/// A page with fifty images that is left before one of them came, on a connection that served
/// others; and a search that is cancelled by each letter that is typed.
#[test]
fn impatient_people_are_no_abuse() {
    let mut connection = Connection::new();
    for _ in 0..100 {
        (0..60).try_for_each(|_| connection.exchange()).expect("a page");
        (0..50).try_for_each(|_| rapid_reset(&mut connection)).expect("another, left at once");
        connection.wait(20_000);
    }
    for _ in 0..1000 {
        rapid_reset(&mut connection).expect("a letter");
        connection.exchange().expect("a pause");
        connection.wait(300);
    }
}

#[test]
fn a_clock_that_stands_still_or_runs_backwards_harms_nobody() {
    let mut connection = Connection::new();
    connection.now = Instant::ZERO;
    for _ in 0..1000 {
        connection.exchange().expect("a request");
    }
    check_count(connection, 100, Abuse::RapidReset, rapid_reset);
}

/// Frames of every kind, whole and not, with payloads that lie about themselves.
fn frames() -> impl Strategy<Value = Vec<u8>> {
    let one =
        (0u8..12, any::<u8>(), 0u32..40, prop::collection::vec(any::<u8>(), 0..12), 1..40usize);
    let repeated = one.prop_map(|(kind, flags, stream, payload, times)| {
        frame(kind, flags, stream, &payload).repeat(times)
    });
    prop::collection::vec(repeated, 0..40).prop_map(|runs| runs.concat())
}

/// Feeds each direction in pieces of these lengths, over and over; the verdict.
fn run(received: &[u8], sent: &[u8], cuts: &[usize]) -> Judged {
    let mut budget = FrameBudget::new(Instant::ZERO);
    for (direction, mut bytes) in [(Direction::Sent, sent), (Direction::Received, received)] {
        for cut in cuts.iter().cycle() {
            let (piece, rest) = bytes.split_at((*cut).min(bytes.len()));
            budget.observe(direction, piece, Instant::ZERO)?;
            bytes = rest;
            if bytes.is_empty() {
                break;
            }
        }
    }
    Ok(())
}

proptest! {
    #[test]
    fn cuts_do_not_matter(
        received in frames(),
        sent in frames(),
        cuts in prop::collection::vec(1usize..30, 1..10),
    ) {
        let received = [PREFACE, &received].concat();
        let whole = run(&received, &sent, &[usize::MAX]);
        prop_assert_eq!(run(&received, &sent, &[1]), whole);
        prop_assert_eq!(run(&received, &sent, &cuts), whole);
    }

    #[test]
    fn any_bytes_get_a_verdict(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        prop_assert_eq!(run(&bytes, &bytes, &[1]), run(&bytes, &bytes, &[7, 300]));
    }
}
