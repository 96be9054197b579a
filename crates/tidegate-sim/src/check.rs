//! Runs one check over many seeds.
//!
//! `TIDEGATE_SEED=N` replays a single one. Whatever fails, an oracle or an assertion deep in the
//! core, is reported with its seed.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// How many seeds an ordinary test run tries.
pub const SEEDS: u64 = 256;

/// Runs `check` for every seed, or for the one that `replay` names (the value of `TIDEGATE_SEED`).
///
/// # Panics
///
/// When a check panics or `replay` is not a number; the message names the seed.
pub fn seeds(replay: Option<&str>, check: impl Fn(u64)) {
    let seeds = match replay {
        None => 0..SEEDS,
        Some(text) => {
            let seed: u64 = text.parse().expect("TIDEGATE_SEED is a number");
            seed..seed + 1
        }
    };
    for seed in seeds {
        let outcome = catch_unwind(AssertUnwindSafe(|| check(seed)));
        assert!(outcome.is_ok(), "failed with seed {seed}; replay it with TIDEGATE_SEED={seed}");
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    #[test]
    fn a_replay_runs_one_seed_and_the_rest_run_all() {
        let seen = RefCell::new(Vec::new());
        seeds(Some("77"), |seed| seen.borrow_mut().push(seed));
        assert_eq!(seen.take(), [77]);
        seeds(None, |seed| seen.borrow_mut().push(seed));
        assert_eq!(seen.take(), (0..SEEDS).collect::<Vec<_>>());
    }

    #[test]
    #[should_panic(expected = "TIDEGATE_SEED=3")]
    fn a_failure_names_its_seed() {
        seeds(None, |seed| assert!(seed != 3, "an oracle objects"));
    }
}
