//! The ways in: HTTP/1.1 and HTTP/2, each in the clear and over TLS, where it is agreed on by ALPN.

use std::net::SocketAddr;
use std::sync::Arc;

use tidegate_net::tls::Alpn;
use tidegate_net::tls::client::Client;

use crate::h2::ways::{Message, Version, converse_over};
use crate::secure::{Authority, connect_after, listening, server_with};
use crate::world::*;

const HOST: &str = "shop.example.com";

/// A way in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Door {
    pub version: Version,
    pub cover: Cover,
}

/// What lies around what a client says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cover {
    Clear,
    Tls,
}

pub const DOORS: [Door; 4] = [
    Door { version: Version::One, cover: Cover::Clear },
    Door { version: Version::One, cover: Cover::Tls },
    Door { version: Version::Two, cover: Cover::Clear },
    Door { version: Version::Two, cover: Cover::Tls },
];

/// A balancer whose clients come in by one door.
pub struct Front {
    pub balancer: Balancer,
    pub door: Door,
    tls: Option<Arc<Client>>,
}

impl Front {
    /// A balancer before these servers.
    #[track_caller]
    pub fn before(door: Door, servers: &[SocketAddr], more: &str) -> Self {
        let config = config(servers, more);
        if door.cover == Cover::Clear {
            return Self { balancer: Balancer::start(&config), door, tls: None };
        }
        let authority = Authority::new();
        let server = server_with(vec![authority.identity(&[HOST])], |setup| {
            setup.alpn = vec![Alpn::H2, Alpn::Http11];
        });
        let balancer = Balancer::with_contexts(&config, listening(&server));
        let client = authority.client_with(|setup| setup.alpn = vec![door.alpn()]);
        Self { balancer, door, tls: Some(Arc::new(client)) }
    }

    /// A connection on which nothing has been said but the handshake.
    #[track_caller]
    pub fn client(&self) -> Peer {
        self.client_after(b"")
    }

    /// The same, when something is said before the handshake.
    #[track_caller]
    pub fn client_after(&self, header: &'static [u8]) -> Peer {
        let Some(client) = &self.tls else {
            let mut peer = self.balancer.client();
            peer.send(header);
            return peer;
        };
        let connected = connect_after(header, self.balancer.address, client, HOST);
        let (peer, session) = connected.expect("TLS");
        assert_eq!(session.alpn, Some(self.door.alpn()));
        peer
    }

    /// Sends a request over a connection of its own, and reads the response.
    #[track_caller]
    pub fn converse(&self, request: &Message) -> Message {
        converse_over(self.door.version, self.client(), request)
    }
}

impl Door {
    fn alpn(self) -> Alpn {
        match self.version {
            Version::One => Alpn::Http11,
            Version::Two => Alpn::H2,
        }
    }

    /// The scheme of requests that come in by it.
    pub fn scheme(self) -> &'static str {
        match self.cover {
            Cover::Clear => "http",
            Cover::Tls => "https",
        }
    }
}
