//! What can be asked of a server, and what is in force.

use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;
use tidegate_core::config::text::duration;
use tidegate_core::model::ids::{PoolName, ServerName};
use tidegate_core::model::ratio::Weight;
use tidegate_core::model::server::Rotation;
use tidegate_core::time::Duration;

/// How a server is to stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stand {
    /// As its checks say.
    #[default]
    Ready,
    /// It finishes what it has and keeps its sessions; it gets no new ones.
    Drain,
    /// It finishes the requests that it has; its sessions move. It is still checked.
    Maintenance,
}

impl Stand {
    /// The word for it in the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Drain => "drain",
            Self::Maintenance => "maintenance",
        }
    }

    pub(super) const fn rotation(self) -> Rotation {
        match self {
            Self::Ready => Rotation::In,
            Self::Drain => Rotation::Draining,
            Self::Maintenance => Rotation::Leaving,
        }
    }
}

/// Which weight a server is to have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WeightAsked {
    /// This one.
    Of(Weight),
    /// The configured one.
    Configured,
}

/// What is to change of a server; what is not named stays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// How it is to stand.
    pub stand: Option<Stand>,
    /// How long it may drain before its sessions move after all.
    pub within: Option<Duration>,
    /// Its weight.
    pub weight: Option<WeightAsked>,
}

/// What somebody asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Order {
    /// A change of one server.
    Server {
        /// Its pool.
        pool: PoolName,
        /// Its name.
        server: ServerName,
        /// What is to change.
        change: Change,
    },
    /// That every server is as configured again.
    Clear,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.stand, self.within) {
            (None, _) => {}
            (Some(Stand::Ready), _) => f.write_str("is ready")?,
            (Some(Stand::Drain), None) => f.write_str("drains")?,
            (Some(Stand::Drain), Some(within)) => {
                write!(f, "drains for at most {}", duration::print(within))?;
            }
            (Some(Stand::Maintenance), _) => f.write_str("is in maintenance")?,
        }
        if let (Some(_), Some(_)) = (self.stand, self.weight) {
            f.write_str(" and ")?;
        }
        match self.weight {
            None => Ok(()),
            Some(WeightAsked::Of(weight)) => write!(f, "has weight {}", weight.value()),
            Some(WeightAsked::Configured) => f.write_str("has its configured weight"),
        }
    }
}

/// Why an order is not taken.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum OrderError {
    /// There is no such server.
    #[error("there is no such server")]
    NoServer,
    /// It was started by a provider.
    #[error("it is an instance, which the autoscaler starts and stops: steer its pool")]
    Instance,
    /// Nothing is to change, or a time without a drain.
    #[error("expected a state, a weight or both; a time belongs to a drain")]
    Senseless,
    /// It could not be kept, and would not outlive a restart.
    #[error("it cannot be kept: {0}")]
    Kept(String),
    /// The balancer stops.
    #[error("the balancer is stopping")]
    Stopping,
}

/// What is in force for a server against its configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Override {
    /// The pool.
    pub pool: String,
    /// The server.
    pub server: String,
    /// How it stands.
    pub state: Stand,
    /// When its sessions move after all, in milliseconds since 1970.
    pub until: Option<u64>,
    /// Its weight, if another than configured.
    pub weight: Option<u16>,
    /// Who asked last.
    pub by: String,
    /// When, in milliseconds since 1970.
    pub at: u64,
}

impl Override {
    /// Whether the server is as configured.
    pub(super) fn is_nothing(&self) -> bool {
        self.state == Stand::Ready && self.weight.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_told_as_it_was_asked_for() {
        let hour = Some(Duration::from_secs(3600));
        let weight = Weight::new(0).map(WeightAsked::Of);
        for (stand, within, weight, told) in [
            (Some(Stand::Drain), None, None, "drains"),
            (Some(Stand::Drain), hour, None, "drains for at most 1h"),
            (Some(Stand::Maintenance), None, None, "is in maintenance"),
            (Some(Stand::Ready), None, weight, "is ready and has weight 0"),
            (None, None, Some(WeightAsked::Configured), "has its configured weight"),
        ] {
            assert_eq!(Change { stand, within, weight }.to_string(), told);
        }
    }
}
