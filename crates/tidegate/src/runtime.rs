//! The only place that builds a runtime, but for the workers of the data plane, which own theirs.

use std::io;

use tokio::runtime::{Builder, Runtime};

/// Threads of the control plane: one may be busy compiling a large configuration while the other
/// answers.
const CONTROL_THREADS: usize = 2;

/// The runtime of the control plane, the admin API and signals.
pub(crate) fn control() -> io::Result<Runtime> {
    Builder::new_multi_thread()
        .worker_threads(CONTROL_THREADS)
        .thread_name("control")
        .enable_all()
        .build()
}

/// A runtime on the calling thread: for commands, and for the servers and the load of the demo.
pub(crate) fn local() -> io::Result<Runtime> {
    Builder::new_current_thread().enable_all().build()
}
