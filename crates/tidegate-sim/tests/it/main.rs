//! Simulations of the production core, over many seeds.

mod fleet;
mod fluid;
mod health;
mod queueing;
mod retries;
mod scale;
mod sessions;
