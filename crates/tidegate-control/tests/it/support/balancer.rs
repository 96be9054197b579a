//! A control plane without a data plane, its configuration, and waiting.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tidegate_control::control::{Control, Options, Reload};
use tidegate_control::observe::config_file::Origin;
use tidegate_control::reconcile::StartError;
use tidegate_control::status::server::ServerStatus;
use tidegate_core::model::ids::PoolName;
use tidegate_core::signal::Signal;
use tidegate_core::telemetry::registry::Registry;
use tidegate_net::clock;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::plane::{Notes, Plane};

/// How long anything may take that must happen.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A control plane that runs.
pub(crate) struct Balancer {
    pub(crate) control: Control,
    pub(crate) notes: Arc<Notes>,
    pub(crate) signals: mpsc::Sender<Signal>,
    pub(crate) registry: Arc<Registry>,
    pub(crate) running: JoinHandle<Plane>,
}

impl Balancer {
    /// Starts with a configuration that is good.
    pub(crate) async fn start(origin: Origin) -> Self {
        Self::try_start(origin, Arc::default()).await.expect("it starts")
    }

    pub(crate) async fn try_start(origin: Origin, notes: Arc<Notes>) -> Result<Self, StartError> {
        let accepted = origin.load().unwrap_or_else(|refused| panic!("{:?}", refused.diagnostics));
        let (signals, receiver) = mpsc::channel(16);
        let registry = Arc::new(Registry::default());
        let shared = Arc::clone(&registry);
        let options = Options { origin, accepted, registry: shared, signals: receiver };
        let (control, reconciler) = Control::new(options);
        let running = reconciler.start(Plane::new(Arc::clone(&notes))).await?;
        Ok(Self { control, notes, signals, registry, running })
    }

    /// The servers of the one pool.
    pub(crate) fn servers(&self) -> Vec<ServerStatus> {
        self.control.servers(&PoolName::new("shop")).expect("the pool is there")
    }

    pub(crate) fn availability(&self) -> Vec<&'static str> {
        self.servers().iter().map(|server| server.availability).collect()
    }

    /// The kinds of all events so far.
    pub(crate) fn kinds(&self) -> Vec<&'static str> {
        self.control.events(0).events.iter().map(|event| event.kind.as_str()).collect()
    }
}

/// What a reload brought, in words.
pub(crate) fn told(reload: &Reload) -> Vec<String> {
    match reload {
        Reload::Applied(applied) => applied.changes.iter().map(ToString::to_string).collect(),
        Reload::Refused(diagnostics) => diagnostics.iter().map(ToString::to_string).collect(),
    }
}

/// A configuration of one pool: its servers, and the lines after them.
pub(crate) fn config(servers: &[SocketAddr], lines: &str) -> String {
    let servers: Vec<String> = servers.iter().map(|server| format!("\"{server}\"")).collect();
    format!(
        "[listener.web]\naddress = \"127.0.0.1:0\"\n[route.all]\npool = \"shop\"\n\
         [pool.shop]\nservers = [{}]\n{lines}\n",
        servers.join(", ")
    )
}

pub(crate) fn text(text: String) -> Origin {
    Origin::Text { name: "test".to_owned(), text }
}

/// Waits until a condition holds.
#[track_caller]
pub(crate) fn until(what: &str, mut holds: impl FnMut() -> bool) -> impl Future<Output = ()> {
    let caller = std::panic::Location::caller();
    async move {
        let deadline = clock::now() + PATIENCE;
        while !holds() {
            assert!(clock::now() < deadline, "{caller}: {what}: not in time");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}
