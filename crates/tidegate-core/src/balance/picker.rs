//! The shape that every balancing rule has.

use std::fmt::Debug;

use super::balancer::PickRequest;
use super::choices::{Choice, Choices};
use crate::time::Instant;

/// One balancing rule on one core.
///
/// A picker reads the load that choices share, but writes nothing that other cores see; what it
/// changes in itself is a position or a cached sum.
pub(super) trait Picker: Debug + Send {
    /// Follows a change of the choices: called before the first pick, and whenever they are
    /// made anew.
    fn rebuild(&mut self, choices: &Choices);

    /// The choice for `request`; `None` only if all of them have been tried.
    fn pick<'c>(&mut self, choices: &'c Choices, request: &PickRequest<'_>) -> Option<&'c Choice>;

    /// Looks again at what changes without the choices changing, and says when to be called
    /// next; [`Instant::NEVER`] for a rule that holds no such thing.
    fn refresh(&mut self, _choices: &Choices, _now: Instant) -> Instant {
        Instant::NEVER
    }
}
