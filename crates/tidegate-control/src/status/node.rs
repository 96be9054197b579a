//! What people see of the balancer as a whole.

use serde::Serialize;
use tidegate_core::config::diff::{self, Change};
use tidegate_core::model::node::Config;
use tidegate_core::telemetry::pool::Outcome;
use tidegate_core::telemetry::registry::Scrape;
use tidegate_net::clock;

use super::certificate;
use super::drain::DrainStatus;
use super::pool::PoolStatus;
use crate::control::Control;
use crate::shared::lock;

/// The balancer.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Status {
    /// Its version.
    pub version: &'static str,
    /// `starting`, `ready` or `stopping`.
    pub state: &'static str,
    /// When it started, in milliseconds since 1970.
    pub started_at: u64,
    /// Whole seconds since then.
    pub uptime_seconds: u64,
    /// What it serves.
    pub config: ConfigStatus,
    /// What it did so far.
    pub totals: Totals,
    /// How many pools there are, and how many have no available server.
    pub pools: Count,
    /// How many servers there are, and how many are not available.
    pub servers: Count,
    /// Servers that drain.
    pub drains: Vec<DrainStatus>,
    /// Rollouts that are under way, in words.
    pub rollouts: Vec<String>,
    /// What does not look right.
    pub warnings: Vec<String>,
}

/// The configuration that serves.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ConfigStatus {
    /// Where it comes from.
    pub origin: String,
    /// Counts up with each configuration that took effect, from 1.
    pub revision: u64,
    /// Whether a changed file is a reload.
    pub watch: bool,
    /// Reloads that took effect.
    pub applied: u64,
    /// Reloads that were refused.
    pub refused: u64,
    /// Whether the last reload took effect; also when there was none.
    pub last_applied: bool,
    /// The mistakes of the last reload, if it was refused.
    pub last_mistakes: Vec<String>,
    /// Keys that differ from what the process was started with and take effect at its next start.
    pub pending_restart: Vec<String>,
}

/// What the balancer did since it started.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Totals {
    /// Client connections open now.
    pub connections: u64,
    /// Client connections taken in.
    pub accepted: u64,
    /// Requests that routes took.
    pub requests: u64,
    /// Requests that no server answered whole.
    pub failed: u64,
    /// Further tries that retry budgets paid for.
    pub retries: u64,
    /// What was turned away, for whatever reason.
    pub refused: u64,
}

/// How many there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Count {
    /// In all.
    pub total: usize,
    /// Of these, out.
    pub down: usize,
}

impl Control {
    /// How the balancer does.
    #[must_use]
    pub fn status(&self) -> Status {
        let (snapshot, scrape) = (self.snapshot(), self.scrape());
        let pools: Vec<PoolStatus> =
            snapshot.pools.iter().map(|entry| PoolStatus::new(entry, &scrape)).collect();
        let uptime = clock::now().since(self.shared.started.0);
        let servers = pools.iter().map(|pool| pool.servers).sum();
        let available: usize = pools.iter().map(|pool| pool.available).sum();
        Status {
            version: env!("CARGO_PKG_VERSION"),
            state: self.readiness().as_str(),
            started_at: self.started_at().as_millis(),
            uptime_seconds: uptime.as_secs(),
            config: self.config_status(snapshot.revision, &snapshot.config),
            totals: Totals::new(&scrape),
            pools: Count {
                total: pools.len(),
                down: pools.iter().filter(|pool| pool.available == 0).count(),
            },
            servers: Count { total: servers, down: servers - available },
            drains: self.drains(),
            rollouts: self.under_way(),
            warnings: self.warnings(pools),
        }
    }

    fn config_status(&self, revision: u64, config: &Config) -> ConfigStatus {
        let (applied, refused) = self.reloads();
        let mistakes: Vec<String> =
            lock(&self.shared.reloads.last).iter().map(ToString::to_string).collect();
        let changes = diff::diff(&self.shared.first, config);
        let pending = changes.iter().flat_map(Change::needs_restart);
        ConfigStatus {
            origin: self.shared.origin.name(),
            revision,
            watch: config.runtime.watch,
            applied,
            refused,
            last_applied: mistakes.is_empty(),
            last_mistakes: mistakes,
            pending_restart: pending.map(ToString::to_string).collect(),
        }
    }

    fn under_way(&self) -> Vec<String> {
        let all = self.rollouts();
        all.iter().filter_map(|status| status.under_way()).collect()
    }

    fn warnings(&self, pools: Vec<PoolStatus>) -> Vec<String> {
        let accepted = self.shared.accepted.load();
        let of_keys = accepted.tls.warnings.iter().filter(|one| one.key == "keys.signing");
        let doubts = accepted.doubts().iter().chain(of_keys).map(ToString::to_string);
        let doubts = doubts.chain(certificate::warnings(&accepted, &self.shared.standings));
        doubts.chain(pools.into_iter().flat_map(|pool| pool.warnings)).collect()
    }
}

impl Totals {
    fn new(scrape: &Scrape) -> Self {
        let failed = |outcome| matches!(outcome, Outcome::Failed | Outcome::Refused);
        let outcomes = scrape.pools.values().flat_map(|pool| pool.requests());
        Self {
            connections: scrape.listeners.values().map(|listener| listener.active).sum(),
            accepted: scrape.listeners.values().map(|listener| listener.accepted).sum(),
            requests: scrape.routes.values().map(|route| route.requests()).sum(),
            failed: outcomes.filter(|(outcome, _)| failed(*outcome)).map(|(_, n)| n).sum(),
            retries: scrape.pools.values().map(|pool| pool.retries).sum(),
            refused: scrape.refused().map(|(_, n)| n).sum(),
        }
    }
}
