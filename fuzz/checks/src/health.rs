//! The health of servers as a sequence of operations: probes and ejections, each against what its
//! documentation promises.
//!
//! Time only moves forward, by steps that the input gives. Everything else comes in any order:
//! results that nobody asked for, reloads, members that go and come back.

mod ejections;
mod probes;

use arbitrary::{Arbitrary, Unstructured};

#[derive(Arbitrary, Debug)]
enum Case {
    Probes(probes::Case),
    Ejections(ejections::Case),
}

/// The most operations of one case.
const OPS_MAX: usize = 200;

/// Runs the check.
pub fn run(data: &[u8]) {
    match Case::arbitrary_take_rest(Unstructured::new(data)) {
        Ok(Case::Probes(case)) => probes::run(&case),
        Ok(Case::Ejections(case)) => ejections::run(&case),
        Err(_) => {}
    }
}
