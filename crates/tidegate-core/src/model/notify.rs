//! Who is told of what happens: webhooks.

use std::path::PathBuf;

use super::secret::SecretReference;
use super::written::Written;
use crate::time::Duration;

/// A webhook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notify {
    /// Where its URL is: whoever knows the URL can speak in our name, so it is a secret.
    pub webhook: Written<SecretReference>,
    /// What it is told of; never empty.
    pub on: Vec<Topic>,
    /// How long one try may take.
    pub timeout: Duration,
    /// The authorities, in PEM, that vouch for it; `None`: those of the system.
    pub ca: Option<Written<PathBuf>>,
}

/// What people are told of: events that belong together, bad news and the good that ends it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Topic {
    /// What becomes of a rollout.
    Rollout,
    /// A pool cannot have the servers that it should.
    AutoscaleLimited,
    /// A pool has no available server, or has one again.
    PoolDown,
    /// A server is down or ejected, or back.
    ServerDown,
    /// A certificate was renewed, or cannot be.
    Certificate,
    /// A provider does not do what it is asked for, or does again.
    ProviderFailed,
    /// A configuration took effect or was refused.
    Config,
}

impl Topic {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Rollout,
        Self::AutoscaleLimited,
        Self::PoolDown,
        Self::ServerDown,
        Self::Certificate,
        Self::ProviderFailed,
        Self::Config,
    ];

    /// The word of the configuration for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rollout => "rollout",
            Self::AutoscaleLimited => "autoscale-limited",
            Self::PoolDown => "pool-down",
            Self::ServerDown => "server-down",
            Self::Certificate => "certificate",
            Self::ProviderFailed => "provider-failed",
            Self::Config => "config",
        }
    }
}
