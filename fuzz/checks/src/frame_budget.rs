//! An HTTP/2 connection as frames and raw bytes, both ways, over time.
//!
//! The verdict must not depend on how the bytes are cut, and must stand once it is there. Beside
//! the budget the frames are simply counted: whoever is called abusive sent more of it than the
//! budget allows at once, and whoever sends far more of it than was ever earned is called abusive.

use std::collections::BTreeMap;

use tidegate_core::admit::frame_budget::{Abuse, Direction, FrameBudget};
use tidegate_core::rng::Rng;
use tidegate_core::time::{Duration, Instant};

#[derive(Debug)]
struct Case<'a> {
    cuts: u64,
    runs: Vec<Run>,
    /// Bytes of the client that need not be frames, behind all that are.
    tail: &'a [u8],
}

/// The same frame several times.
#[derive(Debug)]
struct Run {
    sent: bool,
    /// Whether each further frame is of the next stream.
    advances: bool,
    kind: u8,
    flags: u8,
    stream: u32,
    payload: Vec<u8>,
    times: u8,
    pause: Duration,
}

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const RUNS_MAX: usize = 100;

/// Runs the check.
pub fn run(data: &[u8]) {
    let Some((cuts, script)) = data.split_first_chunk() else { return };
    let (runs, tail) = script.as_chunks();
    let runs = runs.iter().take(RUNS_MAX).map(Run::new).collect();
    let case = Case { cuts: u64::from_le_bytes(*cuts), runs, tail };
    let mut rng = Rng::new(case.cuts);
    let whole = play(&case, |left| left);
    assert_eq!(play(&case, |_| 1), whole, "single bytes show: {case:?}");
    assert_eq!(play(&case, |left| 1 + rng.below(left as u64) as usize), whole, "cuts: {case:?}");
}

/// The verdict on the connection, whose pieces are as long as `piece` says, and the frame that it
/// fell on.
fn play(case: &Case<'_>, mut piece: impl FnMut(usize) -> usize) -> Option<(Abuse, usize)> {
    let mut now = Instant::from_nanos(1);
    let mut budget = FrameBudget::new(now);
    let mut counts = Counts::default();
    let mut observe = |direction, mut bytes: &[u8], now| {
        while !bytes.is_empty() {
            let (one, rest) = bytes.split_at(piece(bytes.len()));
            budget.observe(direction, one, now)?;
            bytes = rest;
        }
        Ok(())
    };
    observe(Direction::Received, PREFACE, now).expect("a preface is no frame");
    let mut number = 0;
    for run in &case.runs {
        now = now + run.pause;
        for step in 0..run.times {
            let direction = if run.sent { Direction::Sent } else { Direction::Received };
            counts.add(run);
            if let Err(abuse) = observe(direction, &run.frame(step), now) {
                counts.check_abuse(abuse);
                let later = now + Duration::from_secs(100_000);
                assert_eq!(observe(Direction::Received, &[0], later), Err(abuse), "it stands");
                return Some((abuse, number));
            }
            number += 1;
        }
    }
    counts.check_peace(now);
    observe(Direction::Received, case.tail, now).err().map(|abuse| (abuse, number))
}

impl Run {
    fn new(bytes: &[u8; 16]) -> Self {
        let [who, kind, flags, s0, s1, length, times, pause, payload @ ..] = *bytes;
        Self {
            sent: who & 1 != 0,
            advances: who & 2 != 0,
            kind: kind % 12,
            flags,
            stream: u16::from_be_bytes([s0, s1]).into(),
            payload: payload[..usize::from(length) % 9].to_vec(),
            times,
            pause: Duration::from_millis(250) * pause.into(),
        }
    }

    fn frame(&self, step: u8) -> Vec<u8> {
        let advance = if self.advances { 2 * u32::from(step) } else { 0 };
        let stream = (self.stream + advance).to_be_bytes();
        let head = [0, 0, self.payload.len() as u8, self.kind, self.flags];
        [&head[..], &stream, &self.payload].concat()
    }
}

/// Frames by who sent them and type.
#[derive(Default)]
struct Counts(BTreeMap<(bool, u8), u64>);

impl Counts {
    fn add(&mut self, run: &Run) {
        *self.0.entry((run.sent, run.kind)).or_default() += 1;
    }

    fn received(&self, kinds: &[u8]) -> u64 {
        kinds.iter().filter_map(|kind| self.0.get(&(false, *kind))).sum()
    }

    fn sent(&self, kinds: &[u8]) -> u64 {
        kinds.iter().filter_map(|kind| self.0.get(&(true, *kind))).sum()
    }

    /// There was enough of it to be abuse.
    fn check_abuse(&self, abuse: Abuse) {
        let (count, limit) = match abuse {
            Abuse::RapidReset => (self.received(&[3]), 50),
            Abuse::MadeYouReset => (self.sent(&[3]), 500),
            Abuse::Continuation => (self.received(&[9]), 20),
            Abuse::EmptyFrames => (self.received(&[0, 1, 9]), 100),
            Abuse::Ping => (self.received(&[6]), 100),
            Abuse::Settings => (self.received(&[4]), 100),
            Abuse::Priority => (self.received(&[2]), 100),
            Abuse::WindowUpdate => (self.received(&[8]), 100),
            Abuse::UnknownFrames => (self.received(&[5, 7, 10, 11]), 65_536 / 17),
        };
        assert!(count > limit, "{abuse:?} of {count} frames");
    }

    /// There was not so much of it that the limits of all windows, what was earned, and what we
    /// asked for could not pay.
    fn check_peace(&self, now: Instant) {
        let windows = now.as_nanos() / 30_000_000_000 + 1;
        let earned = self.sent(&[0, 1]);
        for (kind, paid) in
            [(6, earned + self.sent(&[6])), (4, self.sent(&[4])), (2, self.received(&[1]))]
        {
            let count = self.received(&[kind]);
            assert!(count <= 100 * windows + paid, "{count} of type {kind} in {windows} windows");
        }
    }
}
