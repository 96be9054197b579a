//! What a signed cookie of an audience says: that whoever has it is in the audience, and for how
//! long.
//!
//! Sealing it is not done here. A pass is sealed for the name of its cookie, so that one for an
//! audience says nothing to another.

use crate::time::UnixTime;

/// A pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pass {
    /// The last moment at which it counts.
    pub until: UnixTime,
}

impl Pass {
    /// How many bytes it is.
    pub const BYTES: usize = 8;
    /// The kind of thing that it is sealed for.
    pub const KIND: &'static str = "audience";

    /// What is sealed.
    #[must_use]
    pub fn to_bytes(self) -> [u8; Self::BYTES] {
        self.until.as_millis().to_be_bytes()
    }

    /// What was sealed.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; Self::BYTES]) -> Self {
        Self { until: UnixTime::from_millis(u64::from_be_bytes(bytes)) }
    }

    /// Whether it counts.
    #[must_use]
    pub fn holds_at(self, now: UnixTime) -> bool {
        now <= self.until
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pass_counts_until_its_end() {
        let pass = Pass { until: UnixTime::from_millis(1000) };
        assert_eq!(Pass::from_bytes(pass.to_bytes()), pass);
        let holds = [0, 999, 1000, 1001].map(|now| pass.holds_at(UnixTime::from_millis(now)));
        assert_eq!(holds, [true, true, true, false]);
    }
}
