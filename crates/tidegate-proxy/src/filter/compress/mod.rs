//! Compression of response bodies: from a buffer into a buffer, as the bytes come.
//!
//! `encoder` is one body on its way, `gzip`, `brotli` and `zstd` the codings behind it, and
//! `encoders` what a core keeps: encoders to use again, and the account of the time spent in them.
//! Which response is encoded and how is decided in `tidegate_core::compress`.
//!
//! What one encoder holds is bounded by its coding and level, whatever the length of the body, and
//! given by [`encoder::Encoder::MEMORY_MAX`]. What is put out for a piece is no more than a little
//! over that piece, and what was held back before.

mod brotli;
pub mod encoder;
pub mod encoders;
mod gzip;
mod zstd;

#[cfg(test)]
mod tests;
