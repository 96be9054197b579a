//! The planner as users meet it: who wins, what slows, what never happens.

mod authority;
mod fixture;
mod ladder;
