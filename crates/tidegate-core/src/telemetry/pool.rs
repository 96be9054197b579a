//! What one writer counts of a pool.

use super::cell::Counter;
use super::family::{Cells, Totals};
use super::session::{CookieRefusal, Moved};
use super::words::words;

words! {
    /// How a request to a pool ended, retries included.
    pub enum Outcome {
        /// A server's response went out whole, whatever its status code.
        Success => "success",
        /// No server gave a whole response: 502, 504 or a response cut short.
        Failed => "failed",
        /// No server was available: 503.
        Refused => "refused",
        /// The client left before the end.
        Abandoned => "abandoned",
    }
}

/// The cells of a pool.
#[derive(Debug, Default)]
pub struct PoolCells {
    outcomes: [Counter; Outcome::ALL.len()],
    /// Requests that came to it, each once however often it was tried.
    pub arrivals: Counter,
    /// Further tries that the retry budget paid for.
    pub retries: Counter,
    /// Retries that were wished for and not made, because the budget was spent.
    pub retry_budget_exhausted: Counter,
    /// Further servers tried because a connection failed; not paid for by the budget.
    pub failovers: Counter,
    /// Connections to servers that were opened.
    pub connections_opened: Counter,
    /// Requests that went over a connection already open.
    pub connections_reused: Counter,
    /// Reused connections that the server had closed, so that the request went out again on a fresh
    /// one.
    pub connections_stale: Counter,
    /// Sessions that began.
    pub sessions_assigned: Counter,
    moved: [Counter; Moved::ALL.len()],
    cookies: [Counter; CookieRefusal::ALL.len()],
}

impl PoolCells {
    /// The writer only: counts a request.
    pub fn record(&self, outcome: Outcome) {
        self.outcomes[outcome as usize].increment();
    }

    /// The writer only: counts a session that left its server.
    pub fn record_move(&self, moved: Moved) {
        self.moved[moved as usize].increment();
    }

    /// The writer only: counts a session cookie that was not believed.
    pub fn record_cookie(&self, refusal: CookieRefusal) {
        self.cookies[refusal as usize].increment();
    }
}

/// The cells of a pool, added up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PoolTotals {
    outcomes: [u64; Outcome::ALL.len()],
    /// Requests that came to it.
    pub arrivals: u64,
    /// Further tries that the retry budget paid for.
    pub retries: u64,
    /// Retries that were wished for and not made, because the budget was spent.
    pub retry_budget_exhausted: u64,
    /// Further servers tried because a connection failed.
    pub failovers: u64,
    /// Connections to servers that were opened.
    pub connections_opened: u64,
    /// Requests that went over a connection already open.
    pub connections_reused: u64,
    /// Reused connections that the server had closed.
    pub connections_stale: u64,
    /// Sessions that began.
    pub sessions_assigned: u64,
    moved: [u64; Moved::ALL.len()],
    cookies: [u64; CookieRefusal::ALL.len()],
}

impl PoolTotals {
    /// Requests by outcome, in the order of [`Outcome::ALL`].
    pub fn requests(&self) -> impl Iterator<Item = (Outcome, u64)> {
        Outcome::ALL.into_iter().zip(self.outcomes)
    }

    /// Sessions that left their server, by reason.
    pub fn sessions_moved(&self) -> impl Iterator<Item = (Moved, u64)> {
        Moved::ALL.into_iter().zip(self.moved)
    }

    /// Session cookies that were not believed, by reason.
    pub fn cookies_refused(&self) -> impl Iterator<Item = (CookieRefusal, u64)> {
        CookieRefusal::ALL.into_iter().zip(self.cookies)
    }
}

impl Cells for PoolCells {
    type Totals = PoolTotals;

    fn totals(&self) -> PoolTotals {
        PoolTotals {
            outcomes: self.outcomes.each_ref().map(Counter::value),
            arrivals: self.arrivals.value(),
            retries: self.retries.value(),
            retry_budget_exhausted: self.retry_budget_exhausted.value(),
            failovers: self.failovers.value(),
            connections_opened: self.connections_opened.value(),
            connections_reused: self.connections_reused.value(),
            connections_stale: self.connections_stale.value(),
            sessions_assigned: self.sessions_assigned.value(),
            moved: self.moved.each_ref().map(Counter::value),
            cookies: self.cookies.each_ref().map(Counter::value),
        }
    }
}

impl Totals for PoolTotals {
    fn add(&mut self, other: &Self) {
        for (total, more) in self.outcomes.iter_mut().zip(other.outcomes) {
            *total += more;
        }
        self.arrivals += other.arrivals;
        self.retries += other.retries;
        self.retry_budget_exhausted += other.retry_budget_exhausted;
        self.failovers += other.failovers;
        self.connections_opened += other.connections_opened;
        self.connections_reused += other.connections_reused;
        self.connections_stale += other.connections_stale;
        self.sessions_assigned += other.sessions_assigned;
        for (total, more) in self.moved.iter_mut().zip(other.moved) {
            *total += more;
        }
        for (total, more) in self.cookies.iter_mut().zip(other.cookies) {
            *total += more;
        }
    }
}
