//! The name of an instance, which we give before anything is started: by it a provider can tell a
//! launch that is asked for again from a second one.
//!
//! It is the pool's name and sixteen hexadecimal digits, in the form of a DNS label (RFC 1123,
//! section 2.1), so that every provider can take it as a name, a label or a host name.

use std::fmt;
use std::sync::Arc;

use crate::model::ids::PoolName;

/// The name of an instance, unique over all pools and times.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InstanceId(Arc<str>);

impl InstanceId {
    /// The longest name: that of a DNS label.
    pub const LENGTH_MAX: usize = 63;
    /// What is left for the pool's name beside the digits and a hyphen.
    const POOL_MAX: usize = Self::LENGTH_MAX - 17;

    /// A name for a new instance of the pool. The draw makes it unique.
    #[must_use]
    pub fn new(pool: &PoolName, draw: u64) -> Self {
        let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
        let name: String = pool.as_str().chars().take(Self::POOL_MAX).map(plain).collect();
        let name = name.trim_matches('-');
        let name = if name.is_empty() { "pool" } else { name };
        Self(format!("{name}-{draw:016x}").into())
    }

    /// The name that a provider or a record wrote; `None`: it is no name of ours.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        let whole = !text.is_empty() && text.len() <= Self::LENGTH_MAX;
        let framed = !text.starts_with('-') && !text.ends_with('-');
        (whole && framed && text.bytes().all(inner)).then(|| Self(text.into()))
    }

    /// The name as written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for InstanceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_label_whatever_the_pool_is_called() {
        for pool in ["shop", "Shop.EU", "-", "", "_x_", "läden", &"long".repeat(50)] {
            let id = InstanceId::new(&PoolName::new(pool), 0xfeed);
            assert_eq!(InstanceId::parse(id.as_str()).as_ref(), Some(&id), "{pool}");
            assert!(id.as_str().ends_with("-000000000000feed"));
        }
        assert_eq!(
            InstanceId::new(&PoolName::new("Shop.EU"), 1).as_str(),
            "shop-eu-0000000000000001"
        );
    }

    #[test]
    fn what_could_not_be_a_label_is_no_name() {
        let long = "a".repeat(64);
        for text in ["", "-a", "a-", "A", "a b", "a/../b", "a\n", "ä", long.as_str()] {
            assert_eq!(InstanceId::parse(text), None, "{text:?}");
        }
        assert!(InstanceId::parse(&"a".repeat(63)).is_some());
    }
}
