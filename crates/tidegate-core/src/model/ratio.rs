//! Small numbers with a meaning: weights, ratios, and limits that may be "unlimited".

/// How much of a pool's traffic a server takes relative to the others: 0 to 1000, where 0 takes
/// none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Weight(u16);

impl Weight {
    /// The weight of a server that names none.
    pub const ONE: Self = Self(1);
    /// The largest weight.
    pub const MAX: u16 = 1000;

    /// A weight, or `None` above [`Weight::MAX`].
    #[must_use]
    pub const fn new(weight: u16) -> Option<Self> {
        if weight <= Self::MAX { Some(Self(weight)) } else { None }
    }

    /// The number.
    #[must_use]
    pub const fn value(self) -> u16 {
        self.0
    }
}

/// A share between 0 and 1, both included.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Ratio(f64);

impl Ratio {
    /// A ratio, or `None` outside 0 to 1 (and for NaN).
    #[must_use]
    pub fn new(ratio: f64) -> Option<Self> {
        (0.0..=1.0).contains(&ratio).then_some(Self(ratio))
    }

    /// The number.
    #[must_use]
    pub const fn value(self) -> f64 {
        self.0
    }
}

/// A bound that a person may lift by saying "unlimited".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit<T> {
    /// At most this much.
    At(T),
    /// No bound.
    Unlimited,
}

impl<T: Copy + PartialOrd> Limit<T> {
    /// Whether `value` is beyond the bound.
    pub fn exceeded_by(&self, value: T) -> bool {
        matches!(self, Self::At(bound) if value > *bound)
    }

    /// The bound, if there is one.
    pub const fn bound(&self) -> Option<T> {
        match self {
            Self::At(bound) => Some(*bound),
            Self::Unlimited => None,
        }
    }
}
