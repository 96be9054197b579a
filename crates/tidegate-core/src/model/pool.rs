//! A pool: servers that do the same work, how traffic is spread over them, and how their health is
//! judged.

use super::autoscale::Autoscale;
use super::edit::ErrorPages;
use super::ids::PoolName;
use super::ratio::Ratio;
use super::server::Server;
use super::session::Session;
use super::tls::PoolTls;
use super::written::Written;
use crate::time::Duration;

/// A pool of servers.
#[derive(Clone, Debug, PartialEq)]
pub struct Pool {
    /// Its name.
    pub name: PoolName,
    /// How traffic is spread.
    pub balance: Balance,
    /// What is spoken to its servers.
    pub protocol: Protocol,
    /// Its members that are listed: at least one, unless a provider starts others.
    pub servers: Vec<Server>,
    /// TLS to the servers; `None`: plain.
    pub tls: Option<Written<PoolTls>>,
    /// How long a server that joins a running pool takes to reach its full weight; zero: none.
    pub slow_start: Duration,
    /// How long a server that leaves may finish what it works on.
    pub drain_timeout: Duration,
    /// When backups step in.
    pub backup_when: BackupWhen,
    /// What happens when no server is available.
    pub when_all_down: WhenAllDown,
    /// How many tries beyond the first the pool bears.
    pub retry_budget: RetryBudget,
    /// Waits.
    pub timeouts: PoolTimeouts,
    /// The PROXY header by which servers are told whose connection it is; `None`: none is sent.
    pub send_proxy: Option<ProxyVersion>,
    /// Active checks; `None`: servers count as healthy until traffic says otherwise.
    pub health: Option<HealthCheck>,
    /// Ejection by what real traffic meets.
    pub passive: PassiveHealth,
    /// Bodies for the balancer's own errors, where the route has none.
    pub error_pages: ErrorPages,
    /// How users keep their server; `None`: each request goes where there is room.
    pub session: Option<Box<Session>>,
    /// How it grows and shrinks; `None`: its servers are those listed.
    pub autoscale: Option<Box<Autoscale>>,
}

/// What is spoken to the servers of a pool.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Protocol {
    /// HTTP/1.1.
    #[default]
    Http1,
    /// HTTP/2, from the first byte (RFC 9113, section 3.3).
    Http2,
}

/// The rule by which a server is picked.
#[derive(Clone, Debug, PartialEq)]
pub enum Balance {
    /// In turn; weights ignored.
    RoundRobin,
    /// In turn by weight, smoothly interleaved.
    WeightedRoundRobin,
    /// Fewest requests in flight; ties at random.
    LeastConnections,
    /// Fewest in flight per weight; ties at random by weight.
    WeightedLeastConnections,
    /// By the peer's address as the socket, or a PROXY header, shows it.
    SourceIpHash(HashPolicy),
    /// By the network of the trusted client address.
    IpHash {
        /// The table behind it.
        policy: HashPolicy,
        /// Leading bits of an IPv4 address that count: 0 to 32.
        prefix_v4: u8,
        /// Leading bits of an IPv6 address that count: 0 to 128.
        prefix_v6: u8,
    },
    /// By something the request carries.
    Hash {
        /// The table behind it.
        policy: HashPolicy,
        /// What is hashed.
        key: HashKey,
    },
    /// At random by weight.
    Random,
    /// The less loaded of two drawn at random.
    PowerOfTwo,
    /// Of two drawn, the one with the lower latency times load.
    PeakEwma,
}

/// How a consistent hash places its keys.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HashPolicy {
    /// The table.
    pub table: HashTable,
    /// A server takes at most this many times its fair share of requests in flight: 1 and above.
    pub balance_factor: f64,
    /// Fixed by the pool's name unless the configuration gives one.
    pub seed: u64,
}

/// The table behind a consistent hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HashTable {
    /// Maglev (Eisenbud and others, NSDI 2016).
    Maglev,
    /// A ring of points (Karger and others, STOC 1997).
    Ring,
}

/// What `balance = "hash"` hashes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HashKey {
    /// A header's first value, by lower-case name.
    Header(String),
    /// A cookie's value.
    Cookie(String),
    /// A query key's first value.
    Query(String),
    /// The canonical path.
    Path,
    /// The canonical path and the query.
    Uri,
    /// The host, in lower case.
    Host,
}

/// When backups step in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BackupWhen {
    /// One backup for each primary that is missing.
    Short,
    /// Only when no primary is left.
    Empty,
}

/// What happens when no server is available.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhenAllDown {
    /// Health is disbelieved: traffic goes to all.
    FailOpen,
    /// 503.
    Refuse,
}

/// How many retries a pool bears: `ratio` of its requests, and `min_per_second` at all times.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RetryBudget {
    /// Of the requests.
    pub ratio: Ratio,
    /// Per second, over all cores.
    pub min_per_second: u32,
}

/// A pool's waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolTimeouts {
    /// For a TCP connection.
    pub connect: Duration,
    /// How long an unused connection is kept.
    pub keep_alive: Duration,
}

/// A version of the PROXY protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProxyVersion {
    /// A line of text.
    V1,
    /// Binary.
    V2,
}

impl ProxyVersion {
    /// The version as it is written in a configuration.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::V1 => "v1",
            Self::V2 => "v2",
        }
    }
}

/// An active check.
#[derive(Clone, Debug, PartialEq)]
pub struct HealthCheck {
    /// What is asked.
    pub probe: Probe,
    /// Between checks of one server; jittered by a tenth either way.
    pub interval: Duration,
    /// Between checks while a server is starting or between states.
    pub interval_changing: Duration,
    /// For one check.
    pub timeout: Duration,
    /// Consecutive failures after which a healthy server is unhealthy: 1 and above.
    pub unhealthy_after: u32,
    /// Consecutive successes after which an unhealthy server is healthy: 1 and above.
    pub healthy_after: u32,
    /// A successful check slower than this is noted as degraded.
    pub slow_after: Duration,
    /// A check slower than this has failed; at most `timeout`.
    pub fail_after: Duration,
    /// What a server counts as before its first check.
    pub initial: InitialHealth,
    /// The port to check, instead of the server's own.
    pub port: Option<u16>,
}

/// What a check asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Probe {
    /// That a TCP connection opens.
    Tcp,
    /// An HTTP/1.1 request.
    Http(HttpProbe),
    /// What the gRPC health service says, over HTTP/2 whatever the pool speaks: the check may go to
    /// a port of its own.
    Grpc {
        /// The service that is asked about; empty: the server as a whole.
        service: String,
    },
}

/// An HTTP check. Redirects are not followed; at most 64 KiB of the body are read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpProbe {
    /// The method, `GET` or `HEAD` as a rule.
    pub method: String,
    /// The request target.
    pub path: String,
    /// The Host header; `None`: the server's address.
    pub host: Option<String>,
    /// More headers, by name.
    pub headers: Vec<(String, String)>,
    /// Status codes that count as success, both ends included.
    pub status: Vec<(u16, u16)>,
    /// Text that the body must contain.
    pub body_contains: Option<String>,
}

/// What a server counts as before its first check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InitialHealth {
    /// Unknown: all are checked once before listeners open, and one result decides.
    FirstProbe,
    /// Unknown, as it is coming up: it is checked until it succeeds once.
    FirstSuccess,
    /// Healthy.
    Healthy,
    /// Unhealthy.
    Unhealthy,
}

/// Ejection by what real traffic meets.
#[derive(Clone, Debug, PartialEq)]
pub struct PassiveHealth {
    /// Failures in a row that eject; 0: never.
    pub consecutive_failures: u32,
    /// The first ejection; each further one lasts longer, up to [`PassiveHealth::EJECT_FOR_MAX`].
    pub eject_for: Duration,
    /// The share of the pool that may be ejected, counted after the ejection.
    pub max_ejected: Ratio,
    /// What counts as a failure.
    pub failures: Failures,
}

impl PassiveHealth {
    /// The longest ejection.
    pub const EJECT_FOR_MAX: Duration = Duration::from_secs(300);
}

/// What counts as a failure of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failures {
    /// No connection.
    pub connect: bool,
    /// Reset or closed before a whole response.
    pub reset: bool,
    /// No response in time.
    pub timeout: bool,
    /// Response status codes.
    pub status: Vec<u16>,
}
