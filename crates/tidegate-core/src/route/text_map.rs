//! A map by text that knows how long its longest key is.
//!
//! Keys come from the configuration and are short; what is looked up comes from clients and may be
//! long. Text that is longer than every key is answered without being hashed, and a search for a
//! prefix or a suffix need not begin with more than `longest` bytes. So the cost of a look-up is
//! bounded by the configuration, and the hash needs no defence against chosen collisions: clients
//! choose no keys.

use std::collections::HashMap;

use foldhash::fast::FixedState;

/// Values by text.
#[derive(Debug)]
pub(super) struct TextMap<T> {
    longest: usize,
    values: HashMap<Box<str>, T, FixedState>,
}

impl<T> TextMap<T> {
    /// The value under a text.
    pub(super) fn get(&self, text: &str) -> Option<&T> {
        if text.len() > self.longest {
            return None;
        }
        self.values.get(text)
    }

    /// The bytes of the longest key; 0 when there is none.
    pub(super) const fn longest(&self) -> usize {
        self.longest
    }
}

impl<T: Default> TextMap<T> {
    /// The value under a text, made if there is none.
    pub(super) fn value(&mut self, text: &str) -> &mut T {
        self.longest = self.longest.max(text.len());
        self.values.entry(text.into()).or_default()
    }
}

// Derived, this would ask for `T: Default`.
impl<T> Default for TextMap<T> {
    fn default() -> Self {
        Self { longest: 0, values: HashMap::default() }
    }
}
