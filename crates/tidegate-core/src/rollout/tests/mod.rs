//! The machine by scripts.

mod play;
mod way;
