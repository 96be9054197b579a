//! Steps that change what passes: each a directory, called from the exchange where its turn comes.
//!
//! A filter moves bytes from buffer to buffer. It reads no socket and makes no choices: what is to
//! happen has been decided in `tidegate_core`.

pub mod compress;
