//! What variables are rendered from beside the request itself.

use std::net::IpAddr;

use crate::http::scheme::Scheme;

/// What this hop knows of one request.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// The trusted client address.
    pub client: IpAddr,
    /// The scheme that the client used.
    pub scheme: Scheme,
    /// The port that the request came to.
    pub port: u16,
    /// The name of the listener.
    pub listener: &'a str,
    /// The id that this hop gave the request; `None`: the one that it carries.
    pub request_id: Option<u64>,
}

/// Room that is used again from one message to the next.
#[derive(Debug, Default)]
pub struct Editor {
    /// Rendered values, one behind the other.
    pub(super) text: Vec<u8>,
    /// Where each of them ends.
    pub(super) ends: Vec<usize>,
}

impl Editor {
    /// Room that grew beyond this is given back.
    const KEPT: usize = 64 * 1024;

    pub(super) fn clear(&mut self) {
        self.text.clear();
        self.text.shrink_to(Self::KEPT);
        self.ends.clear();
    }
}
