//! What the servers of a version can serve, measured by what everybody will ask for.

/// What a pool can serve, as a fraction of the forecast demand of both versions together.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Capacity {
    /// It cannot be said now. Nothing grows on that account.
    #[default]
    Unknown,
    /// Nobody measures it, and whoever defined the pool vouches for it: enough for everything.
    Vouched,
    /// So much.
    Known {
        /// What the servers that are ready can serve.
        now: f64,
        /// What they could if there were as many as there may be; `now` where none are started.
        most: f64,
    },
}

impl Capacity {
    /// Whether the servers that are ready can serve so large a fraction of all demand.
    #[must_use]
    pub fn covers(self, demand: f64) -> bool {
        match self {
            Self::Unknown => false,
            Self::Vouched => true,
            Self::Known { now, .. } => now >= demand,
        }
    }

    /// Whether there may be servers for so large a fraction, now or later. What is not known may.
    #[must_use]
    pub fn may_cover(self, demand: f64) -> bool {
        match self {
            Self::Unknown | Self::Vouched => true,
            Self::Known { now, most } => now >= demand || most >= demand,
        }
    }
}

/// What both versions can serve.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Capacities {
    /// The one that serves.
    pub stable: Capacity,
    /// The one that is to take over.
    pub candidate: Capacity,
}
