//! From a checked configuration to one that serves.
//!
//! Publishing has two steps. First the data plane prepares: it opens the sockets that are missing,
//! which is the only thing that can fail, and leaves everything as it was if it does. Then it
//! commits the snapshot as one atomic swap, which cannot fail. So the last good configuration
//! serves until the next one does. What TLS needs goes the same way beside the snapshot, and alone
//! when only certificates have changed, which no socket and no server has to do with.
//!
//! Control knows the data plane only by the trait below; the two meet where the program is
//! composed.

use std::net::SocketAddr;
use std::sync::Arc;

use tidegate_core::model::ids::ListenerName;
use tidegate_core::model::node::Config;
use tidegate_core::session::id::IdSecret;
use tidegate_core::snapshot::{Circumstances, ServerIds, Snapshot};
use tidegate_core::time::Instant;
use tidegate_net::entropy;
use tidegate_net::tls::contexts::Contexts;

/// What control asks of the data plane.
pub trait DataPlane: Send + 'static {
    /// Sockets that are open and do not yet accept. Dropping them closes them.
    type Prepared: Send;

    /// Opens what `config` needs and the data plane does not have yet.
    ///
    /// # Errors
    /// A sentence that names the address which could not be opened; nothing has changed then.
    fn prepare(&self, config: &Config) -> Result<Self::Prepared, String>;

    /// Serves `snapshot` from now on, encrypts by `contexts`, and lets what was prepared for it
    /// accept.
    fn commit(
        &mut self,
        prepared: Self::Prepared,
        snapshot: Arc<Snapshot>,
        contexts: Arc<Contexts>,
    );

    /// Serves `snapshot` from now on, which has the same configuration and other instances.
    fn publish(&mut self, snapshot: Arc<Snapshot>);

    /// Encrypts new connections by `contexts` from now on, which are of the same configuration.
    fn renew(&mut self, contexts: Arc<Contexts>);

    /// The addresses that are open, port 0 resolved.
    fn addresses(&self) -> Vec<(ListenerName, SocketAddr)>;
}

/// Compiles configurations one on top of the other, and gives servers their identities.
#[derive(Debug)]
pub(crate) struct Compiler {
    ids: ServerIds,
    /// The last snapshot that was made, of this configuration or of one that is to come.
    generation: u64,
}

impl Compiler {
    /// The compiler and the first snapshot of the process.
    pub(crate) fn new(config: Arc<Config>, now: Instant) -> (Self, Arc<Snapshot>) {
        let mut ids = ServerIds::new(IdSecret::new([entropy::word(), entropy::word()]));
        let first = Snapshot::build(config, &Circumstances::default(), None, &mut ids, now);
        (Self { ids, generation: first.generation }, Arc::new(first))
    }

    /// The snapshot after `previous`, and later than all others.
    pub(crate) fn compile(
        &mut self,
        config: Arc<Config>,
        circumstances: &Circumstances,
        previous: &Snapshot,
        now: Instant,
    ) -> Arc<Snapshot> {
        let mut snapshot =
            Snapshot::build(config, circumstances, Some(previous), &mut self.ids, now);
        self.generation += 1;
        snapshot.generation = self.generation;
        Arc::new(snapshot)
    }
}
