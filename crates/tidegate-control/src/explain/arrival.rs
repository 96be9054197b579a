//! What a connection meets before a request is read off it: a PROXY header, TLS, and whether the
//! request has a place on it.

use std::net::IpAddr;
use std::sync::Arc;

use tidegate_core::admit::misdirected::{Direction, is_misdirected};
use tidegate_core::http::head::Head;
use tidegate_core::http::scheme::Scheme;
use tidegate_core::model::listener::Listener;
use tidegate_core::model::tls::ListenerTls;
use tidegate_net::tls::resolver::Because;
use tidegate_net::tls::server::Server;

use super::{Answer, edits};
use crate::status::certificate;
use crate::tls::parts::Tls;

/// A connection to a listener.
pub(super) struct Arrival<'a> {
    pub(super) listener: &'a Listener,
    pub(super) tls: &'a Tls,
    pub(super) client: IpAddr,
    /// What the client speaks, if the URL says it.
    pub(super) scheme: Option<Scheme>,
    /// The name that it opens the connection for.
    pub(super) server_name: Option<String>,
}

impl Arrival<'_> {
    /// What it meets, in words.
    pub(super) fn told(&self) -> Vec<String> {
        let mut told = Vec::new();
        if self.listener.proxy_protocol {
            told.push(self.proxy_header());
        }
        match (&self.listener.tls, self.scheme) {
            (None, Some(Scheme::Https)) => {
                told.push("it is plain: a client that begins TLS gets 400".to_owned());
            }
            (None, _) => {}
            (Some(asked), scheme) => {
                if scheme == Some(Scheme::Http) {
                    told.push("it speaks TLS: a client in the clear gets 400".to_owned());
                }
                told.extend(self.handshake(asked));
            }
        }
        told
    }

    fn proxy_header(&self) -> String {
        let trusted: Vec<String> =
            self.listener.trusted_proxies.iter().map(ToString::to_string).collect();
        format!(
            "a PROXY header comes first and names the client, {}; whoever is not among {} is \
             disconnected",
            self.client,
            trusted.join(", ")
        )
    }

    fn handshake(&self, asked: &ListenerTls) -> Vec<String> {
        let Some(server) = self.server() else {
            return vec!["TLS: no certificate can be used, so every handshake fails".to_owned()];
        };
        let mut told =
            vec![format!("TLS {} or newer, for h2 or http/1.1", asked.min_version.as_str())];
        told.push(self.certificate(asked, server));
        told.extend(asked.clients.as_ref().map(|clients| {
            let ca = clients.ca.value.display();
            format!("a client certificate that {ca} vouches for is {}", clients.policy.as_str())
        }));
        told
    }

    fn certificate(&self, asked: &ListenerTls, server: &Server) -> String {
        let name = self.server_name.as_deref();
        let Some((identity, because)) = server.resolver().shown_for(name) else {
            return "there is no certificate yet, so every handshake fails".to_owned();
        };
        let mut shown = certificate::shown(&self.listener.name, asked, self.tls);
        let shown = shown.find(|(_, shown)| Arc::ptr_eq(&shown.identity, identity));
        let file = shown.map_or_else(|| "one".to_owned(), |(file, _)| file);
        let names = identity.names().join(", ");
        let why = match (because, name) {
            (Because::Name, _) => "it is for that name".to_owned(),
            (Because::Wildcard, _) => "its wildcard covers that name".to_owned(),
            (Because::First, Some(_)) => format!("the first, as none is for that name: {names}"),
            (Because::First, None) => format!("the first: {names}"),
        };
        let kind = certificate::word(identity.kind());
        let name = name.unwrap_or("no name");
        format!("a client that asks for {name} is shown {file} ({kind}), {why}")
    }

    /// The answer that a request gets before a route is looked for, if it gets one.
    pub(super) fn answer(&self, head: &Head) -> Option<Answer> {
        match self.listener.redirect {
            Some(port) => Some(edits::to_https(port, head)),
            None => self.misdirected(head.host()),
        }
    }

    /// What it gets because the connection is for another host.
    fn misdirected(&self, host: &str) -> Option<Answer> {
        let server = self.server()?;
        let (shown, _) = server.resolver().shown_for(self.server_name.as_deref())?;
        let direction = Direction {
            host,
            server_name: self.server_name.as_deref(),
            covered: shown.covers(host),
            known: server.resolver().covers(host),
            asks_for_certificate: server.asks_for_certificate(),
        };
        is_misdirected(&direction).then(|| Answer {
            status: 421,
            fields: Vec::new(),
            body: "this host needs a connection of its own".to_owned(),
        })
    }

    fn server(&self) -> Option<&Server> {
        self.listener.tls.as_ref()?;
        self.tls.contexts.listeners.get(&self.listener.name).map(AsRef::as_ref)
    }
}
