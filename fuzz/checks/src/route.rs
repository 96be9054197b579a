//! To be.
/// Runs.
pub fn run(_data: &[u8]) {}
