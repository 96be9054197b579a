//! Hash: the same key goes to the same server.
//!
//! A key belongs to its owner in the table over all configured primaries. Where the owner is
//! missing, was tried, or has no room under bounded load, the key is hashed again and goes to the
//! owner of that, and so on: the keys of one server spread over all others, and no key whose owner
//! is well moves because some other server fails. While backups have stepped in, they come first
//! for the keys of a missing primary, by a table of their own.
//!
//! A ramping server takes the keys whose hash with its identity falls below its progress, so that
//! its set of keys only grows. After enough hashes in vain the choices are walked from a place
//! that the key sets. A request without a key goes by the power of two choices.

use std::sync::Arc;

use super::balancer::PickRequest;
use super::bounded_load::BoundedLoad;
use super::choices::{Choice, Choices};
use super::p2c::PowerOfTwo;
use super::picker::Picker;
use super::slow_start::Progress;
use super::table::{Table, Tables};
use crate::rng::{mix, scale};

/// How often a key is hashed before the choices are walked.
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
    fn rebuild(&mut self, choices: &Choices) {
        self.bound.reset();
        self.keyless.rebuild(choices);
    }

    fn pick<'c>(&mut self, choices: &'c Choices, request: &PickRequest<'_>) -> Option<&'c Choice> {
        let Some(key) = request.key else { return self.keyless.pick(choices, request) };
        if choices.all().is_empty() {
            return None;
        }
        self.bound.follow(choices, request.now);
        let search = Search { choices, request, bound: &self.bound, key };
        search.by_tables(&self.tables).or_else(|| search.one_by_one())
    }
}

/// The search for one key's server.
struct Search<'c, 's> {
    choices: &'c Choices,
    request: &'s PickRequest<'s>,
    bound: &'s BoundedLoad,
    key: u64,
}

impl<'c> Search<'c, '_> {
    fn by_tables(&self, tables: &Tables) -> Option<&'c Choice> {
        let Some(primaries) = &tables.primaries else {
            return self.by_table(tables.backups.as_ref()?);
        };
        for attempt in 0..HASHES {
            let owner = primaries.owner(rehash(self.key, attempt));
            match self.choices.find(owner) {
                Some(choice) if self.accepts(choice) => return Some(choice),
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
    fn by_table(&self, table: &Table) -> Option<&'c Choice> {
        (0..HASHES)
            .filter_map(|attempt| self.choices.find(table.owner(rehash(self.key, attempt))))
            .find(|choice| self.accepts(choice))
    }

    /// The first acceptable choice in the circle, or the first untried if none is.
    fn one_by_one(&self) -> Option<&'c Choice> {
        let start = scale(mix(self.key), self.choices.all().len() as u64);
        let start = usize::try_from(start).unwrap_or(0);
        self.choices
            .first_from(start, |choice| self.accepts(choice))
            .or_else(|| self.choices.first_from(start, |choice| self.request.allows(choice.server)))
    }

    fn accepts(&self, choice: &Choice) -> bool {
        self.request.allows(choice.server) && self.is_ready(choice) && self.bound.admits(choice)
    }

    /// Whether `choice` has ramped up far enough for this key.
    fn is_ready(&self, choice: &Choice) -> bool {
        choice.progress == Progress::DONE || {
            let identity = mix(choice.state.id().0.wrapping_add(1));
            choice.progress.joins_draw(mix(self.key ^ identity))
        }
    }
}

/// What `key` is looked up by at the given attempt: itself first.
const fn rehash(key: u64, attempt: u64) -> u64 {
    if attempt == 0 { key } else { mix(key.wrapping_add(attempt)) }
}
