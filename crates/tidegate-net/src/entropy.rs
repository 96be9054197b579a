//! The one place that draws entropy: for seeds, node names and tokens.

use rustix::rand::{GetRandomFlags, getrandom};

/// Fills an array with bytes from the system's generator.
///
/// # Panics
/// When the system has none: a machine without entropy cannot serve anyone safely.
#[must_use]
pub fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    let mut filled = 0;
    while filled < N {
        match getrandom(&mut bytes[filled..], GetRandomFlags::empty()) {
            Ok(count) => filled += count,
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => panic!("the system gives no random bytes: {error}"),
        }
    }
    bytes
}

/// A random word.
#[must_use]
pub fn word() -> u64 {
    u64::from_le_bytes(bytes())
}
