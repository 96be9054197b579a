//! A whole checked configuration: what one balancer is to do.

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use super::acme::Acme;
use super::audience::{Audience, Geo};
use super::listener::Listener;
use super::notify::Notify;
use super::pool::Pool;
use super::rollout::{Rollout, UserKey};
use super::route::Route;
use super::secret::SecretReference;
use super::session::SessionMode;
use super::written::Written;
use crate::time::Duration;

/// Everything a configuration says, checked and with every default filled in.
#[derive(Clone, Debug)]
pub struct Config {
    /// The process.
    pub runtime: Runtime,
    /// The admin API.
    pub admin: Admin,
    /// A second address for `/metrics`, `/healthz` and `/readyz` alone.
    pub metrics: Option<SocketAddr>,
    /// Logs.
    pub log: Log,
    /// Keys of the balancer's own.
    pub keys: Keys,
    /// Listeners, by name.
    pub listeners: Vec<Listener>,
    /// Routes, by name.
    pub routes: Vec<Route>,
    /// Pools, by name.
    pub pools: Vec<Pool>,
    /// Audiences, by name.
    pub audiences: Vec<Audience>,
    /// Where it is known which addresses are in which country.
    pub geo: Option<Geo>,
    /// Rollouts, by name.
    pub rollouts: Vec<Rollout>,
    /// Who is told of what happens.
    pub notify: Vec<Notify>,
}

impl Config {
    /// The certificates that authorities are asked for, with the listeners that are to show them.
    pub fn acme(&self) -> impl Iterator<Item = (&Listener, &Written<Acme>)> {
        self.listeners.iter().filter_map(|one| Some((one, one.tls.as_ref()?.acme.as_ref()?)))
    }

    /// Whether cookies are sealed, by keys that no file is named for.
    #[must_use]
    pub fn makes_keys(&self) -> bool {
        let holds_cookie = |pool: &Pool| {
            let mode = pool.session.as_ref().map(|session| &session.mode);
            matches!(mode, Some(SessionMode::Cookie(_)))
        };
        let assigns = |rollout: &Rollout| rollout.user.contains(&UserKey::Assign);
        let passes = |audience: &Audience| audience.any.iter().any(|a| a.signed_cookie.is_some());
        let seals = self.pools.iter().any(holds_cookie)
            || self.rollouts.iter().any(assigns)
            || self.audiences.iter().any(passes);
        seals && self.keys.signing.is_empty()
    }
}

/// Keys of the balancer's own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Keys {
    /// What cookies are sealed with: the first seals, all open. Empty: one that is made in the
    /// state directory.
    pub signing: Vec<Written<SecretReference>>,
}

/// The process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Runtime {
    /// Threads that forward traffic.
    pub workers: Workers,
    /// Where state is kept; `None`: the system's place when writable, else the user's.
    pub state: Option<PathBuf>,
    /// On a graceful stop: how long listeners go on accepting after readiness has failed.
    pub shutdown_delay: Duration,
    /// On a graceful stop: how long work in flight may take.
    pub shutdown_grace: Duration,
    /// Whether a changed file is a reload.
    pub watch: bool,
}

/// Threads that forward traffic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Workers {
    /// One a core.
    Auto,
    /// This many: 1 to 1024.
    Count(NonZeroUsize),
}

/// The admin API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admin {
    /// Where it listens.
    pub address: AdminAddress,
    /// Who may do what.
    pub tokens: Vec<Token>,
}

/// Where the admin API listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AdminAddress {
    /// Nowhere.
    Off,
    /// A loopback address.
    Tcp(SocketAddr),
    /// A Unix socket.
    Unix(PathBuf),
}

/// A token of the admin API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// The name that events and the audit show.
    pub name: String,
    /// The secret.
    pub token: SecretReference,
    /// What it may do.
    pub role: Role,
}

/// What a token may do; each role may do what the ones before it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Look.
    Read,
    /// Act on servers and releases.
    Operate,
    /// Change the configuration.
    Admin,
}

/// Logs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log {
    /// The least severe level that is logged.
    pub level: LogLevel,
    /// Where the access log goes.
    pub access: AccessLog,
    /// How its lines look.
    pub format: LogFormat,
    /// What is blotted out of them.
    pub redact: Vec<Redaction>,
}

/// Severity of a log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    /// Nothing worked as it should.
    Error,
    /// Something needs a look.
    Warn,
    /// What a person wants to know.
    Info,
    /// For finding a fault.
    Debug,
    /// Everything.
    Trace,
}

/// Where the access log goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AccessLog {
    /// Nowhere.
    Off,
    /// Standard output, but only requests that failed.
    Errors,
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
    /// A file, reopened on SIGUSR1.
    File(PathBuf),
}

/// How access-log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// A JSON object a line.
    Json,
    /// `key=value` words.
    Text,
    /// The combined format of Apache and nginx.
    Combined,
}

/// What is blotted out of access-log lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Redaction {
    /// The value of a query key.
    Query(String),
}
