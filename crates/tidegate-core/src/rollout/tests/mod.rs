//! The machine by scripts.

mod back;
mod disk;
mod order;
mod pitfalls;
mod play;
mod pledge;
mod record;
mod reload;
mod wait;
mod way;
