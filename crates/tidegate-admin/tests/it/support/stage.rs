//! A balancer without a data plane, and its API.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tidegate_admin::metrics::Losses;
use tidegate_admin::server::{Options, Server, StartError};
use tidegate_control::control::{self, Control};
use tidegate_control::observe::config_file::Origin;
use tidegate_control::publish::DataPlane;
use tidegate_control::reconcile::Reconciler;
use tidegate_core::model::ids::ListenerName;
use tidegate_core::model::node::{Admin, AdminAddress, Config};
use tidegate_core::snapshot::Snapshot;
use tidegate_core::telemetry::registry::Registry;
use tidegate_net::clock;
use tidegate_net::tls::contexts::Contexts;
use tokio::sync::mpsc;

use super::client::{Client, Reply};
use super::directory::Directory;

/// A configuration that needs nothing but itself.
pub(crate) const CONFIG: &str = r#"
[listener.web]
address = "127.0.0.1:0"
[route.all]
pool = "shop"
[pool.shop]
servers = ["127.0.0.1:1", { address = "127.0.0.1:2", name = "big", weight = 3, zone = "a" }]
"#;

/// A control plane that may run.
pub(crate) struct Balancer {
    pub(crate) control: Control,
    pub(crate) registry: Arc<Registry>,
    pub(crate) file: PathBuf,
    pub(crate) directory: Directory,
    reconciler: Option<Reconciler>,
}

impl Balancer {
    /// Made, but not started.
    pub(crate) fn new(text: &str) -> Self {
        let directory = Directory::new();
        let file = directory.write("tidegate.toml", text);
        let origin = Origin::File(file.clone());
        let accepted = origin.load().unwrap_or_else(|refused| panic!("{:?}", refused.diagnostics));
        let registry = Arc::new(Registry::default());
        let (_, signals) = mpsc::channel(1);
        let shared = Arc::clone(&registry);
        let options = control::Options { origin, accepted, registry: shared, signals };
        let (control, reconciler) = Control::new(options);
        Self { control, registry, file, directory, reconciler: Some(reconciler) }
    }

    pub(crate) async fn run(&mut self) {
        let reconciler = self.reconciler.take().expect("it runs once");
        drop(reconciler.start(Nobody).await.expect("it starts"));
    }

    pub(crate) fn admin(&self) -> Admin {
        self.control.snapshot().config.admin.clone()
    }

    /// Starts the API at a free port, with the tokens of the configuration.
    pub(crate) async fn api(&self) -> Server {
        self.try_api(|_| {}).await.expect("it starts")
    }

    pub(crate) async fn try_api(
        &self,
        change: impl FnOnce(&mut Options),
    ) -> Result<Server, StartError> {
        let address = AdminAddress::Tcp("127.0.0.1:0".parse().expect("an address"));
        let mut options = Options {
            admin: Admin { address, ..self.admin() },
            metrics: None,
            state: Some(self.directory.path("state")),
            losses: Arc::new(Lost),
        };
        change(&mut options);
        Server::start(self.control.clone(), options).await
    }
}

/// A balancer that runs, with its API and a client of it.
pub(crate) struct Stage {
    pub(crate) balancer: Balancer,
    pub(crate) server: Server,
    pub(crate) client: Client,
}

impl Stage {
    pub(crate) async fn new(text: &str) -> Self {
        let mut balancer = Balancer::new(text);
        balancer.run().await;
        let server = balancer.api().await;
        let client = Client::of(&server);
        Self { balancer, server, client }
    }

    /// The value of `Authorization` for the token that was made up.
    pub(crate) fn bearer(&self) -> String {
        format!("Bearer {}", self.server.token().expect("there is one").token)
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.client.ask("GET", path, &[], "").await
    }

    pub(crate) async fn post(&self, path: &str, body: &str) -> Reply {
        let bearer = self.bearer();
        self.client.ask("POST", path, &[("Authorization", &bearer)], body).await
    }
}

/// A data plane that serves nobody.
struct Nobody;

impl DataPlane for Nobody {
    type Prepared = ();

    fn prepare(&self, _config: &Config) -> Result<(), String> {
        Ok(())
    }

    fn commit(&mut self, (): (), _snapshot: Arc<Snapshot>, _contexts: Arc<Contexts>) {}

    fn publish(&mut self, _snapshot: Arc<Snapshot>) {}

    fn renew(&mut self, _contexts: Arc<Contexts>) {}

    fn addresses(&self) -> Vec<(ListenerName, SocketAddr)> {
        vec![(ListenerName::new("web"), "127.0.0.1:8080".parse().expect("an address"))]
    }
}

/// Losses that cannot be mistaken for others.
struct Lost;

impl Losses for Lost {
    fn signals(&self) -> u64 {
        71
    }

    fn access_log_lines(&self) -> u64 {
        72
    }
}

/// Waits until a condition holds.
pub(crate) async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = clock::now() + Duration::from_secs(20);
    while !holds() {
        assert!(clock::now() < deadline, "{what}: not in time");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
