//! A retry budget: how many further tries one core of the data plane may make for one pool.
//!
//! Retries heal single faults and feed outages, so they are a share of the traffic. Every request
//! deposits `ratio` of a token, a retry takes one token; what is not used within ten seconds
//! lapses. Beside that a small reserve fills at `min_per_second`, so that a pool with little
//! traffic can retry at all; it too holds ten seconds' worth, and is full at the start. (The shape
//! is Finagle's, "Retry Budgets".) Cores do not share a budget: each has its own deposits and its
//! part of the minimum.
//!
//! Tokens are integers, in millionths. Nothing is allocated, and time that runs backwards adds
//! nothing.

use std::num::NonZeroUsize;

use crate::model::pool;
use crate::time::{Duration, Instant};

const TOKEN: u64 = 1_000_000;
const SECOND: u64 = 1_000_000_000;
const SLOTS: usize = RetryBudget::SECONDS as usize;

/// The tokens of one pool on one core.
#[derive(Clone, Debug)]
pub struct RetryBudget {
    per_request: u64,
    /// Millionths of a token that the reserve gains each second.
    per_second: u64,
    reserve: u64,
    /// When the reserve was last filled.
    filled: Instant,
    /// What was deposited in each of the last ten seconds and is still there.
    slots: [u64; SLOTS],
    deposited: u64,
    /// The second, counted from the clock's origin, that the newest slot stands for.
    second: u64,
}

impl RetryBudget {
    /// Seconds for which tokens are kept.
    pub const SECONDS: u64 = 10;

    /// A budget with a full reserve; `cores` share the minimum.
    #[must_use]
    pub fn new(budget: &pool::RetryBudget, cores: NonZeroUsize, now: Instant) -> Self {
        let (per_request, per_second) = rates(budget, cores);
        let mut budget = Self {
            per_request,
            per_second,
            reserve: 0,
            filled: now,
            slots: [0; SLOTS],
            deposited: 0,
            second: now.as_nanos() / SECOND,
        };
        budget.reserve = budget.reserve_max();
        budget
    }

    /// A request begins: its share is deposited.
    pub fn deposit(&mut self, now: Instant) {
        self.lapse(now);
        let newest = (self.second % Self::SECONDS) as usize;
        self.slots[newest] = self.slots[newest].saturating_add(self.per_request);
        self.deposited = self.deposited.saturating_add(self.per_request);
        self.check_invariants();
    }

    /// Whether there is a token for a retry.
    pub fn bears_one(&mut self, now: Instant) -> bool {
        self.lapse(now);
        self.fill(now);
        self.deposited.saturating_add(self.reserve) >= TOKEN
    }

    /// Takes one token for a retry, or says that there is none.
    pub fn withdraw(&mut self, now: Instant) -> bool {
        if !self.bears_one(now) {
            return false;
        }
        let rest = self.take_deposits(TOKEN);
        self.reserve -= rest;
        self.check_invariants();
        true
    }

    /// Takes new rates, as after a reload; what is there stays, within the new bound.
    pub fn update(&mut self, budget: &pool::RetryBudget, cores: NonZeroUsize, now: Instant) {
        self.fill(now);
        (self.per_request, self.per_second) = rates(budget, cores);
        self.reserve = self.reserve.min(self.reserve_max());
    }

    /// Takes up to `amount` from the deposits, oldest first, and returns what is still owed.
    fn take_deposits(&mut self, mut amount: u64) -> u64 {
        for age in (0..Self::SECONDS).rev() {
            let slot =
                &mut self.slots[((self.second + Self::SECONDS - age) % Self::SECONDS) as usize];
            let taken = amount.min(*slot);
            *slot -= taken;
            self.deposited -= taken;
            amount -= taken;
        }
        amount
    }

    /// Lets deposits lapse that are ten seconds old.
    fn lapse(&mut self, now: Instant) {
        let second = now.as_nanos() / SECOND;
        if second <= self.second {
            return;
        }
        let passed = (second - self.second).min(Self::SECONDS);
        for step in 1..=passed {
            let slot = &mut self.slots[((self.second + step) % Self::SECONDS) as usize];
            self.deposited -= *slot;
            *slot = 0;
        }
        if passed == Self::SECONDS {
            debug_assert!(self.slots == [0; SLOTS] && self.deposited == 0);
        }
        self.second = second;
    }

    /// Credits the time since the last filling, and keeps what is less than a millionth for the
    /// next.
    fn fill(&mut self, now: Instant) {
        let rate = u128::from(self.per_second);
        let nanos = u128::from(now.since(self.filled).as_nanos() as u64);
        let gained = nanos * rate / u128::from(SECOND);
        if gained == 0 {
            return;
        }
        let credited = (gained * u128::from(SECOND)).div_ceil(rate);
        debug_assert!(credited <= nanos, "no time is credited twice");
        self.filled = self.filled + Duration::from_nanos(credited as u64);
        let gained = u64::try_from(gained).unwrap_or(u64::MAX);
        self.reserve = self.reserve.saturating_add(gained).min(self.reserve_max());
    }

    /// Ten seconds' worth, but at least one token: a small part of a small minimum must still make
    /// a retry.
    const fn reserve_max(&self) -> u64 {
        match self.per_second {
            0 => 0,
            rate => {
                let worth = rate.saturating_mul(Self::SECONDS);
                if worth < TOKEN { TOKEN } else { worth }
            }
        }
    }

    fn check_invariants(&self) {
        debug_assert!(self.reserve <= self.reserve_max(), "the reserve is bounded");
        debug_assert!(self.slots.iter().sum::<u64>() == self.deposited, "the sum is kept");
    }
}

/// Millionths of a token per request, and per second on each core.
fn rates(budget: &pool::RetryBudget, cores: NonZeroUsize) -> (u64, u64) {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a ratio is 0 to 1"
    )]
    let per_request = (budget.ratio.value() * TOKEN as f64).round() as u64;
    let minimum = u64::from(budget.min_per_second) * TOKEN;
    let per_second = minimum.div_ceil(cores.get() as u64);
    (per_request, per_second)
}

#[cfg(test)]
mod tests;
