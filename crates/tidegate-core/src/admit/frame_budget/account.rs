//! An account: what was earned, and what was spent beyond that within a window.
//!
//! A window begins with the first spending after the last one is over, so that a burst across its
//! end may come to twice the limit; that is what fixed memory costs, and is enough for a budget.

use crate::time::{Duration, Instant};

/// The rules of one kind of account.
#[derive(Debug)]
pub(super) struct Budget {
    /// What may be spent in a window beyond what was earned.
    pub(super) limit: u32,
    /// How long that counts.
    pub(super) window: Duration,
    /// The most that is kept of what was earned.
    pub(super) earned_max: u32,
}

/// What one connection earned and spent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Account {
    earned: u32,
    spent: u32,
    window_start: Instant,
}

impl Account {
    pub(super) const fn new(now: Instant) -> Self {
        Self { earned: 0, spent: 0, window_start: now }
    }
}

impl Budget {
    pub(super) fn earn(&self, account: &mut Account, amount: u32) {
        account.earned = account.earned.saturating_add(amount).min(self.earned_max);
    }

    /// Takes from what was earned, then from the window; `None` when that is overdrawn.
    pub(super) fn spend(&self, account: &mut Account, amount: u32, now: Instant) -> Option<()> {
        let paid = amount.min(account.earned);
        account.earned -= paid;
        if now.since(account.window_start) >= self.window {
            account.window_start = now;
            account.spent = 0;
        }
        account.spent = account.spent.saturating_add(amount - paid);
        (account.spent <= self.limit).then_some(())
    }
}
