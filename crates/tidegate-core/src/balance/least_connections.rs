//! Least connections: the candidate with the fewest requests in flight; ties at random.
//!
//! All candidates are looked at, so the cost grows with the pool; `p2c` comes close to the result
//! for two looks. The counters are shared by all cores, and another core's request may begin in
//! the midst of a scan: the pick is then one request out of date, as any pick is a moment later.
//!
//! A ramping server takes part in the share of picks that its progress entitles it to, and then
//! counts its requests in flight as if they were on the fraction of a server that it is so far.
//! The second rule bounds how much it works on at once; the first, how fast quick requests follow
//! each other on it.

use std::cmp::Ordering;

use super::balancer::PickRequest;
use super::candidates::{Candidate, Candidates};
use super::picker::Picker;
use crate::rng::{mix, scale};

/// Picks the one with the fewest in flight.
#[derive(Debug)]
pub(super) struct LeastConnections;

impl Picker for LeastConnections {
    fn rebuild(&mut self, _candidates: &Candidates) {}

    fn pick<'c>(
        &mut self,
        candidates: &'c Candidates,
        request: &PickRequest<'_>,
    ) -> Option<&'c Candidate> {
        least_loaded(candidates, request, |candidate| candidate.progress.thousandths())
    }
}

/// The candidate with the fewest requests in flight per weight; ties at random by weight.
pub(super) fn least_loaded<'c>(
    candidates: &'c Candidates,
    request: &PickRequest<'_>,
    weight: impl Fn(&Candidate) -> u32,
) -> Option<&'c Candidate> {
    let untried = |one: &Candidate| request.tried.is_empty() || request.allows(one.server);
    if !candidates.any_ramping() {
        return scan(candidates.all(), request.draw, weight, untried);
    }
    let joins = |one: &Candidate| {
        let salt = mix(one.server.position() as u64 + 1);
        untried(one) && one.progress.joins_draw(mix(request.draw ^ salt))
    };
    scan(candidates.all(), request.draw, &weight, joins)
        .or_else(|| scan(candidates.all(), request.draw, &weight, untried))
}

/// Finds the least load in one pass, and in a second, where several share it, the one drawn.
fn scan<'c>(
    all: &'c [Candidate],
    draw: u64,
    weight: impl Fn(&Candidate) -> u32,
    admits: impl Fn(&Candidate) -> bool,
) -> Option<&'c Candidate> {
    let load = |one: &Candidate| Load { in_flight: one.state.in_flight(), weight: weight(one) };
    let mut rest = all.iter().filter(|one| admits(one));
    let mut best = rest.next()?;
    let mut least = load(best);
    let mut tied = u64::from(least.weight);
    for one in rest {
        let its = load(one);
        match its.cmp(least) {
            Ordering::Less => (best, least, tied) = (one, its, u64::from(its.weight)),
            Ordering::Equal => tied += u64::from(its.weight),
            Ordering::Greater => {}
        }
    }
    let mut point = scale(draw, tied);
    for one in all.iter().filter(|one| admits(one)) {
        let its = load(one);
        if its.cmp(least) == Ordering::Equal {
            let stretch = u64::from(its.weight);
            if point < stretch {
                return Some(one);
            }
            point -= stretch;
        }
    }
    // One of the tied took another core's request since the first pass.
    Some(best)
}

/// Requests in flight over weight, compared without dividing.
#[derive(Clone, Copy)]
struct Load {
    in_flight: u32,
    weight: u32,
}

impl Load {
    fn cmp(self, other: Self) -> Ordering {
        let cross = |of: Self, against: Self| u64::from(of.in_flight) * u64::from(against.weight);
        cross(self, other).cmp(&cross(other, self))
    }
}
