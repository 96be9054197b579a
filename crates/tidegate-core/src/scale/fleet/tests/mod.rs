//! The machine by scripts: a small provider that does as it is told, and what goes wrong with it.

mod aim;
mod pace;
mod provider;
mod replace;
mod restart;
mod sessions;
mod stage;
