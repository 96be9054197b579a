//! Simulations of the production core, over many seeds.

mod health;
mod retries;
