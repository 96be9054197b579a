//! The parts of a URL that somebody asks about.

use std::net::Ipv4Addr;

use tidegate_core::http::scheme::Scheme;

/// The parts that routing and TLS read.
pub(super) struct Url<'a> {
    /// `None`: a path alone.
    pub(super) scheme: Option<Scheme>,
    pub(super) authority: &'a str,
    pub(super) port: Option<u16>,
    pub(super) path: &'a str,
}

impl<'a> Url<'a> {
    pub(super) fn read(text: &'a str) -> Option<Self> {
        if text.starts_with('/') || text == "*" {
            return Some(Self { scheme: None, authority: "", port: None, path: text });
        }
        let (scheme, rest) = text.split_once("://")?;
        let scheme = match scheme.to_ascii_lowercase().as_str() {
            "http" => Scheme::Http,
            "https" => Scheme::Https,
            _ => return None,
        };
        let rest = rest.split('#').next().unwrap_or_default();
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        if authority.is_empty() || authority.contains('@') {
            return None;
        }
        let port = authority.rsplit_once(':').and_then(|(_, port)| port.parse().ok());
        let port = Some(port.unwrap_or_else(|| scheme.default_port()));
        Some(Self { scheme: Some(scheme), authority, port, path })
    }
}

/// The name that a client asks for when it opens a connection to `authority`, if it has one: no
/// address is asked for (RFC 6066, section 3).
pub(super) fn server_name(authority: &str) -> Option<String> {
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    };
    let is_address = host.starts_with('[') || host.parse::<Ipv4Addr>().is_ok();
    let host = host.strip_suffix('.').unwrap_or(host);
    (!is_address && !host.is_empty()).then(|| host.to_ascii_lowercase())
}
