//! The planner as users meet it: who wins, what slows, what never happens; and past demand, however
//! it is written.

mod authority;
pub(super) mod fixture;
mod ladder;
mod properties;
mod release;
mod trace;
