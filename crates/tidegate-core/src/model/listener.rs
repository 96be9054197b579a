//! A listener: an address that takes clients in, whom it believes, and what it tolerates.

use std::net::{IpAddr, SocketAddr};

use ipnet::IpNet;

use super::ids::ListenerName;
use super::ratio::Limit;
use super::tls::ListenerTls;
use crate::time::Duration;

/// An HTTP listener.
#[derive(Clone, Debug, PartialEq)]
pub struct Listener {
    /// Its name.
    pub name: ListenerName,
    /// Where it listens; at least one.
    pub addresses: Vec<SocketAddr>,
    /// Peers whose forwarding headers are believed.
    pub trusted_proxies: Vec<IpNet>,
    /// The header, in lower case, that carries the client address instead of `X-Forwarded-For`.
    pub client_header: Option<String>,
    /// The port to which every request is redirected, over https; `None`: requests are routed.
    pub redirect: Option<HttpsPort>,
    /// TLS; `None`: it is plain.
    pub tls: Option<ListenerTls>,
    /// What it tolerates.
    pub limits: ListenerLimits,
}

impl Listener {
    /// Whether forwarding headers from this peer are believed.
    #[must_use]
    pub fn trusts(&self, peer: IpAddr) -> bool {
        let peer = peer.to_canonical();
        self.trusted_proxies.iter().any(|network| network.contains(&peer))
    }
}

/// The port of a URL with `https`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HttpsPort(pub u16);

impl HttpsPort {
    /// The one that a URL need not name (RFC 9110, section 4.2.2).
    pub const DEFAULT: Self = Self(443);
}

/// What a listener tolerates from one client connection.
#[derive(Clone, Debug, PartialEq)]
pub struct ListenerLimits {
    /// From the start of a TLS connection to the end of its handshake.
    pub handshake_timeout: Duration,
    /// From the first byte of a request head to its end.
    pub header_timeout: Duration,
    /// Bytes of a request or response head, line ends included.
    pub header_bytes: u32,
    /// Header fields of a request or response; at most [`ListenerLimits::HEADER_FIELDS_MAX`].
    pub header_fields: u16,
    /// Bytes of a request body, unless the route says otherwise.
    pub body_bytes: Limit<u64>,
    /// How long a connection may wait for its next request.
    pub idle_timeout: Duration,
    /// The slowest a body may come or go.
    pub body_progress: Progress,
    /// How long a connection may live before it is asked to go; jittered by a tenth either way.
    pub max_age: Duration,
    /// Connections at once, over all cores.
    pub connections: Limit<u32>,
    /// Connections at once of one client address (IPv6: of one /64), over all cores.
    pub connections_per_client: Limit<u32>,
}

impl ListenerLimits {
    /// The most header fields that can be configured: bounds the parser's stack.
    pub const HEADER_FIELDS_MAX: u16 = 512;
}

/// At least `rate` bytes a second on average over every `window`; a rate of 0 asks nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Bytes per second.
    pub rate: u64,
    /// The time over which the average is taken.
    pub window: Duration,
}

impl Progress {
    /// The bytes that one window must bring.
    #[must_use]
    pub const fn bytes_per_window(&self) -> u64 {
        self.rate.saturating_mul(self.window.as_secs())
    }
}
