//! Starts and stops the listeners of the admin API and the metrics.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use thiserror::Error;
use tidegate_control::control::Control;
use tidegate_core::model::node::{Admin, AdminAddress};
use tidegate_core::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::auth::tokens::{self, Keyring};
use crate::metrics::Losses;
use crate::router::{self, Api};
use crate::serve;
use crate::socket::Socket;
use crate::state;

/// How long requests may take to finish once the server is asked to stop.
const GRACE: Duration = Duration::from_secs(3);

/// What the server is made of.
#[derive(Clone)]
pub struct Options {
    /// Where the API listens, and who may do what.
    pub admin: Admin,
    /// A second address for `/metrics`, `/healthz` and `/readyz` alone.
    pub metrics: Option<SocketAddr>,
    /// The configured state directory; `None`: the system's place when writable, else the user's.
    pub state: Option<PathBuf>,
    /// What was lost where control does not see it.
    pub losses: Arc<dyn Losses>,
}

/// Why the server cannot start.
#[derive(Debug, Error)]
pub enum StartError {
    /// An address cannot be opened.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address or the path.
        address: String,
        /// What the system says.
        source: std::io::Error,
    },
    /// The API would be open to the network.
    #[error("the admin address {0} is not a loopback address")]
    NotLoopback(SocketAddr),
    /// A configured token cannot be read.
    #[error("the token of {name} cannot be read: {problem}")]
    Token {
        /// The name of the token.
        name: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The configured state directory cannot be used.
    #[error("the state directory {directory} cannot be used: {source}")]
    State {
        /// The directory.
        directory: String,
        /// What the system says.
        source: std::io::Error,
    },
}

/// A token that was made up at the start, for want of configured ones. To be shown once.
#[derive(Clone)]
pub struct FreshToken {
    /// The token.
    pub token: String,
    /// The file that keeps it; `None`: there is no state directory, it is known to its reader
    /// alone.
    pub path: Option<PathBuf>,
}

impl fmt::Debug for FreshToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FreshToken").field("path", &self.path).finish_non_exhaustive()
    }
}

/// Where the API can be reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// A TCP address, port 0 resolved.
    Tcp(SocketAddr),
    /// A Unix socket.
    Unix(PathBuf),
}

impl fmt::Display for Address {
    /// As `--admin` takes it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => write!(f, "http://{address}"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// The running server. It stops when it is dropped, too, but then nobody waits for its requests.
#[derive(Debug)]
pub struct Server {
    address: Option<Address>,
    metrics: Option<SocketAddr>,
    token: Option<FreshToken>,
    stop: watch::Sender<bool>,
    running: Vec<JoinHandle<()>>,
}

impl Server {
    /// Opens the listeners and serves until [`Server::stop`].
    ///
    /// # Errors
    /// [`StartError`] when a listener, a token or the configured state directory cannot be had;
    /// nothing is left open then.
    pub async fn start(control: Control, options: Options) -> Result<Self, StartError> {
        let Options { admin, metrics, state, losses } = options;
        let socket = match &admin.address {
            AdminAddress::Off => None,
            AdminAddress::Tcp(address) => Some(Socket::tcp(*address, Scope::Loopback)?),
            AdminAddress::Unix(path) => Some(Socket::unix(path)?),
        };
        let scrapes = match metrics {
            Some(address) => Some(Socket::tcp(address, Scope::Anywhere)?),
            None => None,
        };
        let configured = tokens::resolve(&admin.tokens)?;
        let fresh = match (&socket, configured.is_empty()) {
            (Some(_), true) => Some(state::keep_token(state.as_deref())?),
            _ => None,
        };
        let keyring = Keyring::new(admin.tokens, configured, fresh.as_ref());
        let address = socket.as_ref().map(Socket::address);
        let api = Api::new(control, losses, keyring, address.clone());
        let (stop, stopped) = watch::channel(false);
        let metrics = scrapes.as_ref().and_then(Socket::tcp_address);
        let running = [
            socket.map(|socket| serve::start(socket, router::whole(api.clone()), stopped.clone())),
            scrapes
                .map(|socket| serve::start(socket, router::scrapes(api.clone()), stopped.clone())),
        ];
        let running = running.into_iter().flatten().collect();
        Ok(Self { address, metrics, token: fresh, stop, running })
    }

    /// Where the API listens; `None`: nowhere.
    #[must_use]
    pub const fn address(&self) -> Option<&Address> {
        self.address.as_ref()
    }

    /// Where the metrics listen besides, port 0 resolved.
    #[must_use]
    pub const fn metrics_address(&self) -> Option<SocketAddr> {
        self.metrics
    }

    /// The token that was made up, if none is configured.
    #[must_use]
    pub const fn token(&self) -> Option<&FreshToken> {
        self.token.as_ref()
    }

    /// Closes the listeners, and connections once their request is done or a moment has passed.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        for running in self.running {
            // A listener that panicked has ended too.
            let _ = tokio::time::timeout(GRACE, running).await;
        }
    }
}

/// Which addresses a listener may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// Those that only this machine reaches.
    Loopback,
    /// Any.
    Anywhere,
}
