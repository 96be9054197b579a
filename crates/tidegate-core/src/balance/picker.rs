//! The shape that every balancing rule has.

use std::fmt::Debug;

use super::balancer::PickRequest;
use super::candidates::{Candidate, Candidates};
use crate::time::Instant;

/// One balancing rule on one core.
///
/// A picker reads the load that candidates share, but writes nothing that other cores see; what it
/// changes in itself is a position or a cached sum.
pub(super) trait Picker: Debug + Send {
    /// Follows a change of the candidates: called before the first pick, and whenever they are
    /// made anew.
    fn rebuild(&mut self, candidates: &Candidates);

    /// The candidate for `request`; `None` only if all of them have been tried.
    fn pick<'c>(
        &mut self,
        candidates: &'c Candidates,
        request: &PickRequest<'_>,
    ) -> Option<&'c Candidate>;

    /// Looks again at what changes without the candidates changing, and says when to be called
    /// next; [`Instant::NEVER`] for a rule that holds no such thing.
    fn refresh(&mut self, _candidates: &Candidates, _now: Instant) -> Instant {
        Instant::NEVER
    }
}
