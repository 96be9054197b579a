//! Passive ejection for one pool: a Machine that takes servers out for a while when real traffic
//! keeps failing on them.
//!
//! The data plane counts failures in a row; a run that reaches the threshold arrives here. An
//! ejection lasts `eject_for`, twice as long with each further one, up to five minutes; every ten
//! `eject_for` without an ejection halve the next again. At most `max_ejected` of the pool is out
//! at once, counted after the ejection, because failures that hit most servers are seldom the
//! servers' own: beyond that a server stays, unless a backup is available to take its place. So a
//! server that is alone is never ejected without a backup.
//!
//! It does not count failures (`ServerState` does) nor reset the count: whoever performs
//! [`Output::Return`] also ends the server's run, or its first failure would eject it again. A
//! reload that makes the pool smaller leaves standing ejections as they are, even beyond the cap;
//! they end by themselves.

use std::fmt;

use crate::model::pool::PassiveHealth;
use crate::model::ratio::Ratio;
use crate::model::server::ServerId;
use crate::time::{Duration, Instant};

/// What the shell is to do, or to tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// Take the server out.
    Eject {
        /// The server.
        server: ServerId,
        /// For how long, and why.
        ejection: Ejection,
    },
    /// The server deserves to go but stays: too many of its pool are out.
    Spare {
        /// The server.
        server: ServerId,
        /// Why it would have been ejected, and what stood against it.
        spared: Spared,
    },
    /// The ejection is over: put the server back and end its run of failures.
    Return {
        /// The server.
        server: ServerId,
    },
}

/// An ejection and why it came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ejection {
    /// When it ends.
    pub until: Instant,
    /// How long it is in all.
    pub lasts: Duration,
    /// Failures in a row that caused it.
    pub run: u32,
    /// Which one in a row it is: 1 for the first, fewer again after quiet times.
    pub nth: u32,
}

impl fmt::Display for Ejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ejected for {:?} after {} failures in a row", self.lasts, self.run)
    }
}

/// Why a failing server was not ejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spared {
    /// Failures in a row.
    pub run: u32,
    /// Servers of the pool that are out already.
    pub ejected: usize,
    /// Servers of the pool.
    pub members: usize,
}

impl fmt::Display for Spared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { run, ejected, members } = self;
        write!(
            f,
            "kept after {run} failures in a row: {ejected} of {members} servers are ejected already"
        )
    }
}

/// Whether the pool has a backup that would take the place of an ejected server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backup {
    /// A backup server is healthy and in reserve.
    Available,
    /// There is none.
    Missing,
}

/// The ejections of one pool.
#[derive(Clone, Debug)]
pub struct Outlier {
    rules: Rules,
    /// Sorted by id, so that what is due at one instant comes out in one order.
    members: Vec<Member>,
}

#[derive(Clone, Copy, Debug)]
struct Member {
    id: ServerId,
    /// Ejections that are not forgotten yet.
    ejections: u32,
    state: State,
}

#[derive(Clone, Copy, Debug)]
enum State {
    /// In, since the last ejection ended.
    In(Instant),
    Out(Ejection),
}

#[derive(Clone, Copy, Debug)]
struct Rules {
    consecutive_failures: u32,
    eject_for: Duration,
    max_ejected: Ratio,
}

impl Outlier {
    /// A pool of these members, none of them ejected. Primaries and backups both count.
    #[must_use]
    pub fn new(passive: &PassiveHealth, members: &[ServerId]) -> Self {
        let mut outlier = Self { rules: Rules::new(passive), members: Vec::new() };
        outlier.retain(members);
        outlier
    }

    /// The ejection under which a server stands, if it does.
    #[must_use]
    pub fn ejection(&self, server: ServerId) -> Option<Ejection> {
        let place = self.place(server)?;
        self.members[place].ejection()
    }

    /// How many members are out.
    #[must_use]
    pub fn ejected(&self) -> usize {
        self.members.iter().filter(|member| member.ejection().is_some()).count()
    }

    /// A server has failed `run` times in a row, as `ServerState` counts it now: a signal may have
    /// been under way while the server came back, and the run it tells of is over then. Runs below
    /// the threshold, unknown servers and servers that are out already change nothing.
    pub fn failed_run(
        &mut self,
        server: ServerId,
        run: u32,
        backup: Backup,
        now: Instant,
    ) -> Option<Output> {
        let place = self.place(server)?;
        if !self.rules.reached(run) || self.members[place].ejection().is_some() {
            return None;
        }
        let (ejected, members) = (self.ejected(), self.members.len());
        if backup == Backup::Missing && !self.rules.allow(ejected + 1, members) {
            return Some(Output::Spare { server, spared: Spared { run, ejected, members } });
        }
        let ejection = self.members[place].eject(&self.rules, run, now);
        self.check_invariants();
        Some(Output::Eject { server, ejection })
    }

    /// When to call [`Outlier::handle_timeout`]; `None`: nobody is out.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.members.iter().filter_map(|member| Some(member.ejection()?.until)).min()
    }

    /// Ends one ejection that is over by `now`; to be called until it returns `None`.
    pub fn handle_timeout(&mut self, now: Instant) -> Option<Output> {
        let over = |member: &&mut Member| member.ejection().is_some_and(|e| e.until <= now);
        let member = self.members.iter_mut().find(over)?;
        member.state = State::In(now);
        let server = member.id;
        self.check_invariants();
        Some(Output::Return { server })
    }

    /// Makes `ids` the members: newcomers are in, members that stay keep their ejections, the
    /// others are forgotten.
    pub fn retain(&mut self, ids: &[ServerId]) {
        self.members.retain(|member| ids.contains(&member.id));
        for &id in ids {
            if let Err(place) = self.members.binary_search_by_key(&id, |member| member.id) {
                self.members.insert(place, Member::new(id));
            }
        }
        self.check_invariants();
    }

    /// Takes new rules, as after a reload. Ejections that stand end when they were to end.
    pub fn update(&mut self, passive: &PassiveHealth) {
        self.rules = Rules::new(passive);
    }

    fn place(&self, server: ServerId) -> Option<usize> {
        self.members.binary_search_by_key(&server, |member| member.id).ok()
    }

    fn check_invariants(&self) {
        debug_assert!(
            self.members.is_sorted_by(|a, b| a.id < b.id),
            "members are sorted, each once"
        );
        debug_assert!(
            self.members.iter().all(|member| member.ejection().is_none() || member.ejections > 0),
            "who is out was ejected"
        );
    }
}

impl Member {
    const fn new(id: ServerId) -> Self {
        Self { id, ejections: 0, state: State::In(Instant::ZERO) }
    }

    const fn ejection(&self) -> Option<Ejection> {
        match self.state {
            State::In(_) => None,
            State::Out(ejection) => Some(ejection),
        }
    }

    fn eject(&mut self, rules: &Rules, run: u32, now: Instant) -> Ejection {
        if let State::In(since) = self.state {
            self.ejections = self.ejections.saturating_sub(rules.forgotten(now.since(since)));
        }
        // Counting on beyond the longest ejection would only make it slower to forget.
        if self.ejections == 0 || rules.lasts(self.ejections) < rules.longest() {
            self.ejections += 1;
        }
        let (nth, lasts) = (self.ejections, rules.lasts(self.ejections));
        let ejection = Ejection { until: now + lasts, lasts, run, nth };
        self.state = State::Out(ejection);
        ejection
    }
}

impl Rules {
    /// Times `eject_for` without an ejection after which one is forgotten.
    const QUIET: u32 = 10;

    fn new(passive: &PassiveHealth) -> Self {
        Self {
            consecutive_failures: passive.consecutive_failures,
            eject_for: passive.eject_for,
            max_ejected: passive.max_ejected,
        }
    }

    const fn reached(&self, run: u32) -> bool {
        self.consecutive_failures > 0 && run >= self.consecutive_failures
    }

    /// Whether `ejected` of `members` may be out. The small addend makes 7 of 10 pass for a ratio
    /// of 0.7.
    fn allow(&self, ejected: usize, members: usize) -> bool {
        ejected as f64 <= self.max_ejected.value() * members as f64 + 1e-9
    }

    /// An `eject_for` beyond the longest growth is honored, and does not grow.
    fn longest(&self) -> Duration {
        PassiveHealth::EJECT_FOR_MAX.max(self.eject_for)
    }

    fn lasts(&self, nth: u32) -> Duration {
        let factor = 1u32.checked_shl(nth.saturating_sub(1)).unwrap_or(u32::MAX);
        self.eject_for.saturating_mul(factor).min(self.longest())
    }

    /// How many ejections a quiet time makes forgotten.
    fn forgotten(&self, quiet: Duration) -> u32 {
        let each = self.eject_for.saturating_mul(Self::QUIET).as_nanos().max(1);
        u32::try_from(quiet.as_nanos() / each).unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests;
