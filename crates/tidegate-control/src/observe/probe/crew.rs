//! Sends probes: each in a task of its own, at most [`AT_ONCE`] at the same time.
//!
//! Every probe that is sent brings exactly one result, whatever happens to its task: the machines
//! that ask for probes wait for it and ask for nothing in the meantime. That also bounds the queue
//! of results, at one a server.

use std::net::SocketAddr;
use std::sync::Arc;

use tidegate_core::health::probe::ProbeResult;
use tidegate_core::model::pool::{Probe, ProxyVersion};
use tidegate_core::model::server::ServerId;
use tidegate_core::time::Duration;
use tidegate_net::task;
use tidegate_net::tls::client::Client;
use tokio::sync::{Semaphore, mpsc};

use super::{grpc, http, tcp};

/// Probes on the way at the same time: bounds descriptors, not servers.
pub(crate) const AT_ONCE: usize = 256;

/// How the connection of a check is made.
#[derive(Clone, Debug, Default)]
pub(crate) struct Way {
    /// The PROXY header that it begins with.
    pub(crate) send_proxy: Option<ProxyVersion>,
    /// How TLS is spoken; `None`: it is not.
    pub(crate) client: Option<Arc<Client>>,
}

/// Whom to ask what.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    /// Where the server is asked.
    pub(crate) address: SocketAddr,
    /// How its connection is made.
    pub(crate) way: Way,
    /// What it is asked,
    pub(crate) probe: Arc<Probe>,
    /// and how long it may take.
    pub(crate) timeout: Duration,
}

/// What came of a probe.
pub(crate) type Found = (ServerId, ProbeResult);

/// Those who send probes.
#[derive(Debug)]
pub(crate) struct Crew {
    places: Arc<Semaphore>,
    results: mpsc::UnboundedSender<Found>,
}

impl Crew {
    /// A crew, and where its results arrive.
    pub(crate) fn new() -> (Self, mpsc::UnboundedReceiver<Found>) {
        let (results, found) = mpsc::unbounded_channel();
        (Self { places: Arc::new(Semaphore::new(AT_ONCE)), results }, found)
    }

    /// Sends a probe once there is a place.
    pub(crate) fn send(&self, server: ServerId, target: Target) {
        let places = Arc::clone(&self.places);
        let report = Report { server, result: LOST, results: self.results.clone() };
        let probe = async move {
            // Taken whole, so that it is the task's to drop.
            let mut report = report;
            // The semaphore is never closed, so there is always a place in the end.
            let _place = places.acquire().await;
            report.result = ask(&target).await;
        };
        // The result is awaited, not the task.
        drop(task::spawn("probe", probe));
    }
}

const LOST: ProbeResult = ProbeResult::Local("the probe was lost");

/// Sends its result when it goes, even where a panic or the end of the runtime takes it along.
struct Report {
    server: ServerId,
    result: ProbeResult,
    results: mpsc::UnboundedSender<Found>,
}

impl Drop for Report {
    fn drop(&mut self) {
        // Nobody listens any more once the loop has ended.
        let _ = self.results.send((self.server, self.result));
    }
}

/// Asks at once, and waits.
pub(crate) async fn ask(target: &Target) -> ProbeResult {
    let asked = async {
        match &*target.probe {
            Probe::Tcp => tcp::ask(target).await,
            Probe::Grpc { service } => grpc::ask(target, service).await,
            Probe::Http(probe) => http::ask(target, probe).await,
        }
    };
    tokio::time::timeout(target.timeout, asked).await.unwrap_or(ProbeResult::Timeout)
}
