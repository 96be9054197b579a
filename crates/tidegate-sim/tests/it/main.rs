//! Simulations of the production core, over many seeds.

mod fleet;
mod health;
mod retries;
