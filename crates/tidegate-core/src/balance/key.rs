//! Turns what a request is hashed by into a number.
//!
//! rapidhash version 3 with its published secrets: the same bytes and seed give the same number on
//! every machine, in every build and in other programs that implement it, so balancers in front of
//! one pool agree. It resists accidents, not adversaries: who chooses keys can aim them at one
//! server, as they could by sending one key over and over. Bounded load is the answer to both.

use rapidhash::v3::{RapidSecrets, rapidhash_v3_seeded};

/// The number of `bytes` under the `seed` of a pool's hash policy.
#[must_use]
pub fn hash_key(seed: u64, bytes: &[u8]) -> u64 {
    rapidhash_v3_seeded(bytes, &RapidSecrets::seed_cpp(seed))
}
