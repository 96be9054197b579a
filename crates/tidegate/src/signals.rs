//! What the process is asked by signals.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// Something that a signal asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Request {
    /// SIGHUP: read the configuration again.
    Reload,
    /// SIGTERM or SIGINT: stop gracefully; the second time: at once.
    Stop,
    /// SIGUSR1: open log files again, since somebody has moved them.
    ReopenLogs,
}

/// The signals that mean something to a running balancer.
#[derive(Debug)]
pub(crate) struct Signals {
    hangup: Signal,
    terminate: Signal,
    interrupt: Signal,
    user1: Signal,
}

impl Signals {
    /// Takes the signals over from the system's defaults, which would end the process.
    pub(crate) fn install() -> io::Result<Self> {
        Ok(Self {
            hangup: signal(SignalKind::hangup())?,
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            user1: signal(SignalKind::user_defined1())?,
        })
    }

    /// Waits for the next request. A call that is abandoned loses none.
    pub(crate) async fn next(&mut self) -> Request {
        tokio::select! {
            _ = self.hangup.recv() => Request::Reload,
            _ = self.terminate.recv() => Request::Stop,
            _ = self.interrupt.recv() => Request::Stop,
            _ = self.user1.recv() => Request::ReopenLogs,
        }
    }

    /// Waits for a request to stop, and overhears all others.
    pub(crate) async fn stop(&mut self) {
        while self.next().await != Request::Stop {}
    }
}
