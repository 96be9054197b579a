//! Marks: texts that no two requests share, in this process or by chance.

use std::fmt;

/// What tells one request from every other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mark(u32);

/// The length of a mark's text.
const LENGTH: usize = 11;

impl Mark {
    /// The mark of requests that stand in a body, where nobody may take them for requests.
    pub(super) const SMUGGLED: Self = Self(u32::MAX);

    /// The mark after this one.
    pub(super) fn next(&mut self) -> Self {
        self.0 += 1;
        *self
    }

    /// Before the first mark.
    pub(super) const fn none_yet() -> Self {
        Self(0)
    }

    /// All marks in a text. A mark that is cut short is none.
    pub(super) fn all_in(text: &[u8]) -> impl Iterator<Item = Self> {
        memchr::memmem::find_iter(text, b"mk").filter_map(|start| {
            let digits = text.get(start + 2..start + LENGTH)?.strip_suffix(b"z")?;
            u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok().map(Self)
        })
    }
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "mk{:08x}z", self.0)
    }
}
