//! What is asked of a provider.
//!
//! A name is an instance: starting one that is there already says so and starts nothing, stopping
//! one that is not there is done at once. Calls are dropped when their time is over, which may
//! leave their effect behind; the inventory tells.

use std::collections::BTreeMap;
use std::future::Future;

use tidegate_core::scale::fleet::id::InstanceId;
use tidegate_core::scale::fleet::provider::{Launched, Listed, ProviderFailure};

use super::exec::ExecProvider;
use super::process::ProcessProvider;

/// An instance that is to be started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// Its name.
    pub id: InstanceId,
    /// The digest of what it is launched from, to be told in inventories.
    pub template: u64,
}

/// How busy an instance is: shares of what it may use, 0 and above.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Usage {
    /// Of its CPUs.
    pub cpu: f64,
    /// Of its memory.
    pub memory: f64,
}

/// What starts and stops the instances of one pool.
pub trait Provider {
    /// Everything of this pool that runs or is about to.
    fn list(&self) -> impl Future<Output = Result<Vec<Listed>, ProviderFailure>> + Send;

    /// Starts an instance, unless it is there already.
    fn start(
        &self,
        order: &Order,
    ) -> impl Future<Output = Result<Launched, ProviderFailure>> + Send;

    /// Stops an instance; done when it is gone.
    fn stop(&self, id: &InstanceId) -> impl Future<Output = Result<(), ProviderFailure>> + Send;

    /// How busy instances were since this was asked last, as far as the provider knows.
    fn usage(&self) -> impl Future<Output = BTreeMap<InstanceId, Usage>> + Send;

    /// The balancer ends: does with the instances what is configured.
    fn close(&self) -> impl Future<Output = ()> + Send;
}

/// The provider that a configuration names.
#[derive(Debug)]
pub enum AnyProvider {
    /// Children of the balancer.
    Process(ProcessProvider),
    /// Three commands.
    Exec(ExecProvider),
}

impl Provider for AnyProvider {
    async fn list(&self) -> Result<Vec<Listed>, ProviderFailure> {
        match self {
            Self::Process(provider) => provider.list().await,
            Self::Exec(provider) => provider.list().await,
        }
    }

    async fn start(&self, order: &Order) -> Result<Launched, ProviderFailure> {
        match self {
            Self::Process(provider) => provider.start(order).await,
            Self::Exec(provider) => provider.start(order).await,
        }
    }

    async fn stop(&self, id: &InstanceId) -> Result<(), ProviderFailure> {
        match self {
            Self::Process(provider) => provider.stop(id).await,
            Self::Exec(provider) => provider.stop(id).await,
        }
    }

    async fn usage(&self) -> BTreeMap<InstanceId, Usage> {
        match self {
            Self::Process(provider) => provider.usage().await,
            Self::Exec(provider) => provider.usage().await,
        }
    }

    async fn close(&self) {
        match self {
            Self::Process(provider) => provider.close().await,
            Self::Exec(provider) => provider.close().await,
        }
    }
}
