//! Names and indices. A name is what a person wrote; an index is a place in one snapshot.

use std::fmt;
use std::sync::Arc;

macro_rules! name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Wraps a name that has been checked.
            #[must_use]
            pub fn new(name: &str) -> Self {
                Self(Arc::from(name))
            }

            /// The name as written.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }
    };
}

name!(
    /// The name of a listener.
    ListenerName
);
name!(
    /// The name of a route.
    RouteName
);
name!(
    /// The name of a pool.
    PoolName
);
name!(
    /// The name of a server, unique in its pool; its address unless the configuration gives
    /// another.
    ServerName
);

name!(
    /// The name of an audience.
    AudienceName
);
name!(
    /// The name of a rollout.
    RolloutName
);

macro_rules! index {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(u32);

        impl $name {
            /// Wraps a position; positions beyond `u32` cannot occur, as a configuration file is
            /// far smaller.
            #[must_use]
            pub fn new(position: usize) -> Self {
                Self(u32::try_from(position).unwrap_or(u32::MAX))
            }

            /// The position, for indexing.
            #[must_use]
            pub const fn position(self) -> usize {
                self.0 as usize
            }
        }
    };
}

index!(
    /// The place of a listener in a snapshot.
    ListenerIndex
);
index!(
    /// The place of a route in a snapshot.
    RouteIndex
);
index!(
    /// The place of a pool in a snapshot.
    PoolIndex
);
index!(
    /// The place of a server in its pool, within one snapshot.
    ServerIndex
);
index!(
    /// The place of a rollout that divides users, in a snapshot.
    ReleaseIndex
);
