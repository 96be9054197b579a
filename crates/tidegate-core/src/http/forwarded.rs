//! The fields by which a proxy tells a server who asked: `X-Forwarded-*`, `Forwarded` (RFC 7239),
//! `Via` (RFC 9110, section 7.6.3) and `X-Request-Id`.
//!
//! A client may claim anything in them. So all of the family is taken out and written anew from
//! what the socket shows, unless the peer is a trusted proxy: then what it says is kept and this
//! hop is added to it. The client address of such a request is found by walking `X-Forwarded-For`
//! from the right, past every trusted address.

use std::io::Write;
use std::net::IpAddr;

use super::field_kind::FieldKind;
use super::head::{Head, Version, address_of};
use super::scheme::Scheme;
use super::write::field;
use crate::model::listener::Listener;

/// What this hop knows of one request.
#[derive(Clone, Copy, Debug)]
pub struct Forwarding<'a> {
    /// The peer's address as the socket shows it.
    pub peer: IpAddr,
    /// Whether the peer's own forwarding fields are believed.
    pub trusted: bool,
    /// The scheme that the client used.
    pub scheme: Scheme,
    /// The name of this node in `Via`; random, so that nobody can forge a loop.
    pub node: &'a str,
    /// The request's id, when this hop gave it one.
    pub request_id: Option<u64>,
    /// The fields that say who the client is by its certificate, as they are sent; mostly empty.
    pub certificate: &'a [u8],
    /// The listener's `client_header`: withheld when it comes from a peer that is not trusted.
    pub client_header: Option<&'a str>,
}

impl Forwarding<'_> {
    /// Whether a field of the proxy's own families goes on as it came.
    pub(super) const fn passes(&self, kind: FieldKind) -> bool {
        match kind {
            FieldKind::ForwardedProto | FieldKind::ForwardedHost | FieldKind::ForwardedOther => {
                self.trusted
            }
            FieldKind::RequestId => self.request_id.is_none(),
            FieldKind::Set => true,
            // ForwardedFor and Forwarded are written again with this hop at the end.
            _ => false,
        }
    }

    /// Whether a plain field claims what only a trusted peer may claim.
    pub(super) fn withholds(&self, name: &[u8]) -> bool {
        !self.trusted
            && self.client_header.is_some_and(|header| name.eq_ignore_ascii_case(header.as_bytes()))
    }

    /// Writes the proxy's own fields.
    pub(super) fn write(&self, head: &Head, out: &mut Vec<u8>) {
        self.write_list(head, FieldKind::ForwardedFor, b"X-Forwarded-For: ", out);
        write_address(self.peer, out);
        out.extend_from_slice(b"\r\n");
        let kept = |kind| self.trusted && head.values_of(kind).next().is_some();
        if !kept(FieldKind::ForwardedProto) {
            field(b"X-Forwarded-Proto", self.scheme.as_str().as_bytes(), out);
        }
        if !kept(FieldKind::ForwardedHost) && !head.asked_authority_bytes().is_empty() {
            field(b"X-Forwarded-Host", head.asked_authority_bytes(), out);
        }
        self.write_list(head, FieldKind::Forwarded, b"Forwarded: ", out);
        self.write_element(head, out);
        if let Some(id) = self.request_id {
            out.extend_from_slice(b"X-Request-Id: ");
            out.extend_from_slice(&hexadecimal(id));
            out.extend_from_slice(b"\r\n");
        }
        out.extend_from_slice(self.certificate);
        let version: &[u8] = if head.version == Version::Http2 { b"Via: 2 " } else { b"Via: 1.1 " };
        out.extend_from_slice(version);
        out.extend_from_slice(self.node.as_bytes());
        out.extend_from_slice(b"\r\n");
    }

    /// Writes a field's name, and what a trusted peer said in it.
    fn write_list(&self, head: &Head, kind: FieldKind, name: &[u8], out: &mut Vec<u8>) {
        out.extend_from_slice(name);
        if self.trusted {
            for value in head.values_of(kind).filter(|value| !value.is_empty()) {
                out.extend_from_slice(value);
                out.extend_from_slice(b", ");
            }
        }
    }

    /// Writes this hop's element of Forwarded.
    fn write_element(&self, head: &Head, out: &mut Vec<u8>) {
        let v6 = matches!(self.peer, IpAddr::V6(_));
        out.extend_from_slice(if v6 { b"for=\"[" } else { b"for=" });
        write_address(self.peer, out);
        out.extend_from_slice(if v6 { b"]\"" } else { b"" });
        if !head.asked_authority_bytes().is_empty() {
            out.extend_from_slice(b";host=\"");
            out.extend_from_slice(head.asked_authority_bytes());
            out.push(b'"');
        }
        out.extend_from_slice(b";proto=");
        out.extend_from_slice(self.scheme.as_str().as_bytes());
        out.extend_from_slice(b"\r\n");
    }
}

/// The client's address: the peer's, or what trusted proxies say it is.
///
/// An element that is no address ends the walk: the last address that was believed stands.
#[must_use]
pub fn client_address(head: &Head, peer: IpAddr, listener: &Listener) -> IpAddr {
    let peer = peer.to_canonical();
    if listener.trusted_proxies.is_empty() || !listener.trusts(peer) {
        return peer;
    }
    if let Some(header) = &listener.client_header {
        let mut values = head.values(header);
        let claimed = values.next().and_then(address_in);
        return if values.next().is_some() { peer } else { claimed.unwrap_or(peer) };
    }
    let mut client = peer;
    let mut elements =
        head.values_of(FieldKind::ForwardedFor).flat_map(|value| value.split(|byte| *byte == b','));
    while let Some(address) = elements.next_back().and_then(address_in) {
        client = address.to_canonical();
        if !listener.trusts(client) {
            break;
        }
    }
    client
}

fn address_in(element: &[u8]) -> Option<IpAddr> {
    address_of(std::str::from_utf8(element.trim_ascii()).ok()?)
}

/// Whether this node has forwarded the request before.
#[must_use]
pub fn has_passed(head: &Head, node: &str) -> bool {
    head.values_of(FieldKind::Via).any(|value| {
        value.split(|byte| *byte == b',').any(|element| {
            let words = element.split(|byte| matches!(byte, b' ' | b'\t'));
            let mut words = words.filter(|word| !word.is_empty());
            words.nth(1) == Some(node.as_bytes())
        })
    })
}

/// A request id from a trusted peer, if it is one: 1 to 64 letters, digits, `-` or `_`.
#[must_use]
pub fn carries_request_id(head: &Head) -> bool {
    let mut values = head.values_of(FieldKind::RequestId);
    let valid = |id: &[u8]| {
        (1..=64).contains(&id.len())
            && id.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    values.next().is_some_and(valid) && values.next().is_none()
}

fn write_address(address: IpAddr, out: &mut Vec<u8>) {
    if let IpAddr::V4(address) = address {
        for (place, octet) in address.octets().into_iter().enumerate() {
            if place > 0 {
                out.push(b'.');
            }
            write_decimal(octet, out);
        }
    } else {
        // Writing into a vector cannot fail.
        let _ = write!(out, "{address}");
    }
}

fn write_decimal(octet: u8, out: &mut Vec<u8>) {
    if octet >= 100 {
        out.push(b'0' + octet / 100);
    }
    if octet >= 10 {
        out.push(b'0' + octet / 10 % 10);
    }
    out.push(b'0' + octet % 10);
}

/// Sixteen lower-case hexadecimal digits.
#[must_use]
pub fn hexadecimal(number: u64) -> [u8; 16] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    std::array::from_fn(|place| DIGITS[(number >> (60 - 4 * place) & 15) as usize])
}

#[cfg(test)]
mod tests;
