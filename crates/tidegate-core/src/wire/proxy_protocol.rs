//! The PROXY protocol, versions 1 and 2 (HAProxy's `proxy-protocol.txt`): the header by which a
//! proxy says, first thing on a connection, for whom it opened it.
//!
//! [`read`] takes the bytes of a connection from its beginning, as many as have come, and is called
//! again with more until it knows. It says how many bytes are missing at least, so that who reads
//! no more than these never takes a byte of what follows the header. Either version is read; `v1`
//! is a line of text, `v2` is binary. Reading is strict: what the document leaves a receiver to
//! tolerate or to refuse is refused, for whoever sends this header is configured, not a stranger.
//!
//! Extensions of version 2 are held against their lengths and its checksum, and not interpreted.
//! Who may send a header, how long one may wait for it, and what follows is left to others.

mod v1;
mod v2;

use std::net::SocketAddr;
use std::num::NonZeroUsize;

use thiserror::Error;

pub use v1::LENGTH_MAX as V1_LENGTH_MAX;
pub use v2::LENGTH_MAX as V2_LENGTH_MAX;

use crate::model::pool::ProxyVersion;

/// What a header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Header {
    /// The connection is made for another: from `source` to `destination`, which are of one family.
    Proxied {
        /// The client's end.
        source: SocketAddr,
        /// The end that the client connected to.
        destination: SocketAddr,
    },
    /// The connection is the proxy's own, a health check perhaps, or of an origin that it does not
    /// know: the addresses are those of the socket.
    Local,
}

/// How far the bytes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// So far they may be a header. At least this many more belong to it.
    More(NonZeroUsize),
    /// They begin with a header of `length` bytes.
    Whole {
        /// What it says.
        header: Header,
        /// Its length; what lies behind it is not the protocol's.
        length: usize,
    },
}

/// Why bytes are no header.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum HeaderError {
    /// Neither version begins like this.
    #[error("no PROXY header")]
    Signature,
    /// A line of version 1 is longer than 107 bytes.
    #[error("the PROXY line is too long")]
    LineTooLong,
    /// CR or LF stand anywhere but together at the end of the line.
    #[error("the PROXY line does not end in CRLF")]
    LineEnd,
    /// The line is not a protocol, two addresses and two ports, one space apart.
    #[error("malformed PROXY line")]
    Line,
    /// The protocol is none that can carry this connection.
    #[error("unknown protocol or address family in the PROXY header")]
    Family,
    /// An address is malformed, or of another family than was said.
    #[error("malformed address in the PROXY header")]
    Address,
    /// A port is not a plain decimal below 65536.
    #[error("malformed port in the PROXY header")]
    Port,
    /// The version after the binary signature is not 2.
    #[error("unknown version of the PROXY header")]
    Version,
    /// The command is neither LOCAL nor PROXY.
    #[error("unknown command in the PROXY header")]
    Command,
    /// The binary header is too short for its addresses, or longer than [`V2_LENGTH_MAX`].
    #[error("the length of the PROXY header is wrong")]
    Length,
    /// An extension runs over the end of the header or of the extension around it.
    #[error("an extension of the PROXY header is longer than the header")]
    Extension,
    /// The checksum is another than that of the bytes.
    #[error("the checksum of the PROXY header is wrong")]
    Checksum,
}

/// Reads a header from the beginning of what a connection brought.
pub fn read(bytes: &[u8]) -> Result<Reading, HeaderError> {
    let begins = |signature: &[u8]| {
        let length = bytes.len().min(signature.len());
        bytes[..length] == signature[..length]
    };
    if bytes.is_empty() {
        Ok(more(v1::LENGTH_MIN.min(v2::LENGTH_MIN)))
    } else if begins(v1::SIGNATURE) {
        v1::read(bytes)
    } else if begins(v2::SIGNATURE) {
        v2::read(bytes)
    } else {
        Err(HeaderError::Signature)
    }
}

impl Header {
    /// The header as it is sent. An IPv4 address beside one of IPv6 goes as IPv6 too (RFC 4291,
    /// section 2.5.5.2), for a header has one family.
    #[must_use]
    pub fn to_bytes(self, version: ProxyVersion) -> Vec<u8> {
        let header = self.of_one_family();
        match version {
            ProxyVersion::V1 => v1::write(header).into_bytes(),
            ProxyVersion::V2 => v2::write(header),
        }
    }

    fn of_one_family(self) -> Self {
        match self {
            Self::Proxied { source, destination } if source.is_ipv4() != destination.is_ipv4() => {
                Self::Proxied { source: mapped(source), destination: mapped(destination) }
            }
            header => header,
        }
    }
}

fn mapped(address: SocketAddr) -> SocketAddr {
    match address {
        SocketAddr::V4(v4) => SocketAddr::new(v4.ip().to_ipv6_mapped().into(), v4.port()),
        SocketAddr::V6(_) => address,
    }
}

/// That `missing` bytes are to come at least, which are more than none: whoever asks has found that
/// the header does not end yet.
fn more(missing: usize) -> Reading {
    Reading::More(NonZeroUsize::new(missing).unwrap_or(NonZeroUsize::MIN))
}

#[cfg(test)]
mod tests;
