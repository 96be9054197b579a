//! The planner as users meet it: who wins, what slows, what never happens.

mod authority;
pub(super) mod fixture;
mod ladder;
mod properties;
mod release;
