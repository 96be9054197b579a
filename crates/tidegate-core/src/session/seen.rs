//! An estimate of how many users a server was seen to have lately, for sessions of which the
//! balancer keeps no list.
//!
//! A sketch is a grid of bits. Half of all users fall into its first row, a quarter into the
//! second, and so on (Flajolet and Martin, JCSS 1985); within the row each has one place. A row is
//! thus a linear counter (Whang and others, TODS 1990) over a sample half as large as that of the
//! row before, and the estimate is the number of users that makes what all rows show likeliest.
//! Whoever was seen before has the bit already, so that a request costs a load, and a store only
//! when somebody is new.
//!
//! None seen is exactly none; a handful is exact but for chance (two of ten users share a bit once
//! in 30 times); from a hundred on the standard error is about 3 in 100, up to tens of millions.
//!
//! There are two sketches that take turns: one is written, the other is that of the window before,
//! and both together hold who was seen within the last window, and at most two. Control turns them.
//! A sketch takes 1 KiB, a server two of them.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};

use crate::rng::mix;
use crate::time::{Duration, Instant};

/// Who was seen on a server lately.
#[derive(Debug)]
pub struct Seen {
    sketches: [Sketch; 2],
    /// Which of them is written.
    current: AtomicUsize,
    /// When they were turned, in nanoseconds of an [`Instant`].
    turned: AtomicU64,
}

/// Users per row, in words of 64 places.
const WORDS: usize = 8;
/// Places in a row.
const PLACES: usize = WORDS * 64;
/// Rows; the last takes all who fall behind.
const ROWS: usize = 16;

/// A grid of bits.
#[derive(Debug, Default)]
struct Sketch([[AtomicU64; WORDS]; ROWS]);

impl Seen {
    /// Nobody was seen; the first window begins.
    #[must_use]
    pub fn new(now: Instant) -> Self {
        Self {
            sketches: Default::default(),
            current: AtomicUsize::new(0),
            turned: AtomicU64::new(now.as_nanos()),
        }
    }

    /// A user was seen, of whom this number is always the same.
    pub fn mark(&self, user: u64) {
        self.sketches[self.current.load(Relaxed) & 1].mark(mix(user));
    }

    /// Control only: begins another window when one has passed.
    ///
    /// A core that looked at which sketch is written just before may write to the other one, at
    /// worst to be wiped: one user of one request is missed until the next.
    pub fn turn(&self, window: Duration, now: Instant) {
        let turned = Instant::from_nanos(self.turned.load(Relaxed));
        if now.since(turned) < window {
            return;
        }
        self.turned.store(now.as_nanos(), Relaxed);
        let other = (self.current.load(Relaxed) & 1) ^ 1;
        self.sketches[other].wipe();
        self.current.store(other, Relaxed);
    }

    /// About how many users were seen within the last window, and at most two.
    #[must_use]
    pub fn estimate(&self) -> u32 {
        let [one, other] = &self.sketches;
        let mut set = [0; ROWS];
        for (set, (one, other)) in set.iter_mut().zip(one.0.iter().zip(&other.0)) {
            let both = one.iter().zip(other).map(|(a, b)| a.load(Relaxed) | b.load(Relaxed));
            *set = both.map(u64::count_ones).sum();
        }
        likeliest(&set)
    }
}

impl Sketch {
    fn mark(&self, hash: u64) {
        let row = (hash.trailing_zeros() as usize).min(ROWS - 1);
        // The uppermost bits, which the row does not depend on.
        let place = (hash >> (64 - PLACES.ilog2())) as usize;
        let (word, bit) = (&self.0[row][place / 64], 1 << (place % 64));
        if word.load(Relaxed) & bit == 0 {
            word.fetch_or(bit, Relaxed);
        }
    }

    fn wipe(&self) {
        self.0.iter().flatten().for_each(|word| word.store(0, Relaxed));
    }
}

/// The number of users that makes it likeliest that so many bits of each row are set.
fn likeliest(set: &[u32; ROWS]) -> u32 {
    const MOST: f64 = 1e8;
    if set.iter().all(|set| *set == 0) {
        return 0;
    }
    let (mut low, mut high) = (0.5, 1.0);
    while high < MOST && leans_up(set, high) {
        (low, high) = (high, high * 2.0);
    }
    while high - low > 0.001 * low {
        let middle = (low + high) / 2.0;
        let bound = if leans_up(set, middle) { &mut low } else { &mut high };
        *bound = middle;
    }
    low.round() as u32
}

/// Whether more users than `number` are likelier: the sign of the derivative of the likelihood. Of
/// a row in which a user takes a given place with probability p, a bit is clear with probability
/// exp(-np), hence the row adds p (set / (1 - exp(-np)) - places).
fn leans_up(set: &[u32; ROWS], number: f64) -> bool {
    let slope = set.iter().zip(0_i32..).map(|(set, row)| {
        let share = 0.5_f64.powi((row + 1).min(ROWS as i32 - 1));
        let p = share / PLACES as f64;
        p * (f64::from(*set) / -(-number * p).exp_m1() - PLACES as f64)
    });
    slope.sum::<f64>() > 0.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Rng;

    const WINDOW: Duration = Duration::from_secs(300);

    fn seen(users: u32, seed: u64) -> Seen {
        let (seen, mut rng) = (Seen::new(Instant::ZERO), Rng::new(seed));
        (0..users).for_each(|_| seen.mark(rng.draw()));
        seen
    }

    fn at(seconds: u64) -> Instant {
        Instant::ZERO + Duration::from_secs(seconds)
    }

    #[test]
    fn nobody_is_exactly_none_and_a_few_are_counted() {
        assert_eq!(Seen::new(Instant::ZERO).estimate(), 0);
        assert_eq!(seen(1, 7).estimate(), 1);
        let exact = (0..1000).filter(|seed| seen(10, *seed).estimate() == 10).count();
        assert!(exact > 950, "{exact} of 1000");
    }

    /// The error over many seeds: the root of the mean square, and its mean, of which an estimate
    /// without a bias has next to none.
    #[test]
    fn the_error_is_what_is_promised_at_any_size() {
        for (users, runs) in [(100, 200), (1000, 200), (10_000, 100), (100_000, 50)] {
            let errors: Vec<f64> = (0..runs)
                .map(|seed| f64::from(seen(users, seed).estimate()) / f64::from(users) - 1.0)
                .collect();
            let mean = errors.iter().sum::<f64>() / errors.len() as f64;
            let square = errors.iter().map(|error| error * error).sum::<f64>();
            let rms = (square / errors.len() as f64).sqrt();
            assert!(rms < 0.04 && mean.abs() < 0.012, "{users}: rms {rms:.4}, mean {mean:.4}");
        }
    }

    #[test]
    fn a_user_counts_once_however_often_it_comes() {
        let seen = seen(0, 0);
        (0..100_000_u64).for_each(|request| seen.mark(request % 3));
        assert_eq!(seen.estimate(), 3);
    }

    #[test]
    fn who_was_seen_is_remembered_for_one_window_and_forgotten_after_two() {
        let seen = Seen::new(at(0));
        let look = |seconds| {
            seen.turn(WINDOW, at(seconds));
            seen.estimate()
        };
        seen.mark(1);
        assert_eq!(look(299), 1);
        seen.mark(2);
        assert_eq!(look(300), 2, "seen in the window before");
        seen.mark(2);
        assert_eq!(look(599), 2);
        assert_eq!(look(600), 1, "only one was seen in the last window");
        assert_eq!(look(900), 0);
    }

    #[test]
    fn more_than_can_be_counted_is_very_many() {
        assert!(likeliest(&[PLACES as u32; ROWS]) > 50_000_000);
    }
}
