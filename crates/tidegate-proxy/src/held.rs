//! Bytes that wait: read and not yet understood, or written and not yet taken.
//!
//! The vector behind it is borrowed from the worker's spares only while there is something to hold,
//! so that a connection at rest owns no buffer.

/// A queue of bytes.
#[derive(Debug, Default)]
pub(crate) struct Held {
    bytes: Vec<u8>,
    start: usize,
}

impl Held {
    /// Whether nothing waits.
    pub(crate) fn is_empty(&self) -> bool {
        self.start == self.bytes.len()
    }

    /// What waits.
    pub(crate) fn waiting(&self) -> &[u8] {
        &self.bytes[self.start..]
    }

    /// What waits, to be changed in place.
    pub(crate) fn waiting_mut(&mut self) -> &mut [u8] {
        &mut self.bytes[self.start..]
    }

    /// Takes `count` bytes off the front, and lets all memory be used anew when none are left.
    pub(crate) fn consume(&mut self, count: usize) {
        self.start += count;
        debug_assert!(self.start <= self.bytes.len());
        if self.start == self.bytes.len() {
            self.clear();
        }
    }

    /// Takes `count` bytes off the front but keeps them, for [`Held::rewind`].
    pub(crate) fn advance(&mut self, count: usize) {
        self.start += count;
        debug_assert!(self.start <= self.bytes.len());
    }

    /// Makes everything that was advanced past wait again.
    pub(crate) fn rewind(&mut self) {
        self.start = 0;
    }

    /// How many bytes are kept, those advanced past included.
    pub(crate) fn kept(&self) -> usize {
        self.bytes.len()
    }

    /// What is kept, that which was advanced past included.
    pub(crate) fn all(&self) -> &[u8] {
        &self.bytes
    }

    /// Puts bytes at the end.
    pub(crate) fn append(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// The vector behind it, to write heads into.
    pub(crate) fn vector(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    /// Forgets everything; keeps the memory.
    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        self.start = 0;
    }

    /// Forgets everything, and gives memory beyond `capacity` bytes back.
    pub(crate) fn trim(&mut self, capacity: usize) {
        self.clear();
        if self.bytes.capacity() > capacity {
            self.bytes = Vec::new();
        }
    }

    /// Whether it owns memory.
    pub(crate) fn owns_memory(&self) -> bool {
        self.bytes.capacity() > 0
    }

    /// Uses `vector`, which must be empty, as memory.
    pub(crate) fn adopt(&mut self, vector: Vec<u8>) {
        debug_assert!(vector.is_empty() && !self.owns_memory());
        self.bytes = vector;
    }

    /// Gives the memory away. Nothing may wait.
    pub(crate) fn release(&mut self) -> Vec<u8> {
        debug_assert!(self.is_empty());
        self.clear();
        std::mem::take(&mut self.bytes)
    }
}
