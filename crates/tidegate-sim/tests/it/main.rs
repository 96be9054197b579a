//! Simulations of the production core, over many seeds.

mod fleet;
mod fluid;
mod health;
mod queueing;
mod release;
mod retries;
mod rollout;
mod scale;
mod sessions;
mod verdict;
