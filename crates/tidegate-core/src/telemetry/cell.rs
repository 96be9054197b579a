//! Cells that one thread writes and any may read.
//!
//! An addition is a relaxed load and a relaxed store, not a read-modify-write: it needs no bus
//! lock, and is right because nobody else writes. The rule of one writer is kept by giving every
//! writer cells of its own (`registry`), not by the type; a second writer could lose counts, never
//! corrupt memory.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// A number that only grows.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// The writer only: adds `n`.
    pub fn add(&self, n: u64) {
        self.0.store(self.0.load(Relaxed).wrapping_add(n), Relaxed);
    }

    /// The writer only: adds one.
    pub fn increment(&self) {
        self.add(1);
    }

    /// The sum so far.
    #[must_use]
    pub fn value(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

/// A number that grows and shrinks, never below zero.
#[derive(Debug, Default)]
pub struct Gauge(AtomicU64);

impl Gauge {
    /// The writer only: adds `n`.
    pub fn add(&self, n: u64) {
        self.0.store(self.0.load(Relaxed).saturating_add(n), Relaxed);
    }

    /// The writer only: takes `n` away.
    pub fn sub(&self, n: u64) {
        let before = self.0.load(Relaxed);
        debug_assert!(before >= n, "what leaves has come");
        self.0.store(before.saturating_sub(n), Relaxed);
    }

    /// The writer only: replaces the number.
    pub fn set(&self, n: u64) {
        self.0.store(n, Relaxed);
    }

    /// The number now.
    #[must_use]
    pub fn value(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_writer_loses_nothing_while_others_read() {
        let counter = Counter::default();
        std::thread::scope(|scope| {
            let reader = scope.spawn(|| {
                let mut last = 0;
                while last < 10_000 {
                    let seen = counter.value();
                    assert!(seen >= last, "a counter never falls");
                    last = seen;
                    std::hint::spin_loop();
                }
            });
            (0..10_000).for_each(|_| counter.increment());
            reader.join().expect("the reader saw no fall");
        });
        assert_eq!(counter.value(), 10_000);
    }

    #[test]
    fn a_gauge_follows_what_comes_and_goes() {
        let gauge = Gauge::default();
        gauge.add(3);
        gauge.sub(2);
        assert_eq!(gauge.value(), 1);
        gauge.set(9);
        assert_eq!(gauge.value(), 9);
    }
}
