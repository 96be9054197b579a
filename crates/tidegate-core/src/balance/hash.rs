//! Hash: the same key goes to the same server.
//!
//! A key belongs to its owner in the table over all configured primaries. Where the owner is
//! missing, was tried, or has no room under bounded load, the key is hashed again and goes to the
//! owner of that, and so on: the keys of one server spread over all others, and no key whose owner
//! is well moves because some other server fails. While backups have stepped in, they come first
//! for the keys of a missing primary, by a table of their own.
//!
//! A ramping server takes the keys whose hash with its identity falls below its progress, so that
//! its set of keys only grows. After enough hashes in vain the candidates are walked from a place
//! that the key sets. A request without a key goes by the power of two choices.

use std::sync::Arc;

use super::balancer::PickRequest;
use super::bounded_load::BoundedLoad;
use super::candidates::{Candidate, Candidates};
use super::p2c::PowerOfTwo;
use super::picker::Picker;
use super::slow_start::Progress;
use super::table::{Table, Tables};
use crate::rng::{mix, scale};

/// How often a key is hashed before the candidates are walked.
const HASHES: u64 = 16;

/// Picks by key.
#[derive(Debug)]
pub(super) struct Hash {
    tables: Arc<Tables>,
    bound: BoundedLoad,
    keyless: PowerOfTwo,
}

impl Hash {
    /// A picker that goes by `tables`.
    pub(super) fn new(tables: Arc<Tables>) -> Self {
        let bound = BoundedLoad::new(tables.balance_factor);
        Self { tables, bound, keyless: PowerOfTwo::default() }
    }
}

impl Picker for Hash {
    fn rebuild(&mut self, candidates: &Candidates) {
        self.bound.reset();
        self.keyless.rebuild(candidates);
    }

    fn pick<'c>(
        &mut self,
        candidates: &'c Candidates,
        request: &PickRequest<'_>,
    ) -> Option<&'c Candidate> {
        let Some(key) = request.key else { return self.keyless.pick(candidates, request) };
        if candidates.all().is_empty() {
            return None;
        }
        self.bound.follow(candidates, request.now);
        let search = Search { candidates, request, bound: &self.bound, key };
        search.by_tables(&self.tables).or_else(|| search.one_by_one())
    }
}

/// The search for one key's server.
struct Search<'c, 's> {
    candidates: &'c Candidates,
    request: &'s PickRequest<'s>,
    bound: &'s BoundedLoad,
    key: u64,
}

impl<'c> Search<'c, '_> {
    fn by_tables(&self, tables: &Tables) -> Option<&'c Candidate> {
        let Some(primaries) = &tables.primaries else {
            return self.by_table(tables.backups.as_ref()?);
        };
        for attempt in 0..HASHES {
            let owner = primaries.owner(rehash(self.key, attempt));
            match self.candidates.find(owner) {
                Some(candidate) if self.accepts(candidate) => return Some(candidate),
                Some(_) => {}
                None => {
                    let stand_in = tables.backups.as_ref().and_then(|table| self.by_table(table));
                    if stand_in.is_some() {
                        return stand_in;
                    }
                }
            }
        }
        None
    }

    /// The first owner of the key, hashed again and again, that accepts it.
    fn by_table(&self, table: &Table) -> Option<&'c Candidate> {
        (0..HASHES)
            .filter_map(|attempt| self.candidates.find(table.owner(rehash(self.key, attempt))))
            .find(|candidate| self.accepts(candidate))
    }

    /// The first acceptable candidate in the circle, or the first untried if none is.
    fn one_by_one(&self) -> Option<&'c Candidate> {
        let start = scale(mix(self.key), self.candidates.all().len() as u64);
        let start = usize::try_from(start).unwrap_or(0);
        self.candidates.first_from(start, |candidate| self.accepts(candidate)).or_else(|| {
            self.candidates.first_from(start, |candidate| self.request.allows(candidate.server))
        })
    }

    fn accepts(&self, candidate: &Candidate) -> bool {
        self.request.allows(candidate.server)
            && self.is_ready(candidate)
            && self.bound.admits(candidate)
    }

    /// Whether `candidate` has ramped up far enough for this key.
    fn is_ready(&self, candidate: &Candidate) -> bool {
        candidate.progress == Progress::DONE || {
            let identity = mix(candidate.state.id().0.wrapping_add(1));
            candidate.progress.joins_draw(mix(self.key ^ identity))
        }
    }
}

/// What `key` is looked up by at the given attempt: itself first.
const fn rehash(key: u64, attempt: u64) -> u64 {
    if attempt == 0 { key } else { mix(key.wrapping_add(attempt)) }
}
