//! Step 6 of 8: HTTP/2 connections to servers, by server. From `pick`, to `trunk`.
//!
//! Each core keeps its own. A connection is filled before another is opened, and while one is being
//! opened the exchanges that would need one wait for it.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use bytes::Bytes;
use foldhash::fast::RandomState;
use h2::client::SendRequest;
use tidegate_core::model::server::ServerId;
use tidegate_core::time::{Duration, Instant};
use tokio::sync::Notify;

use super::trunk::{Berth, Trunk};

/// Sweeping looks at every connection, so it happens once in a while only.
const SWEEP_EVERY: Duration = Duration::from_secs(1);

/// The HTTP/2 connections of one core.
#[derive(Debug, Default)]
pub(crate) struct Trunks {
    servers: HashMap<ServerId, Bundle, RandomState>,
    swept: Instant,
}

/// The connections to one server.
#[derive(Debug, Default)]
struct Bundle {
    trunks: Vec<Rc<Trunk>>,
    opening: Option<Rc<Notify>>,
    /// How long a connection may be without streams.
    patience: Duration,
}

/// How an exchange gets a stream.
#[derive(Debug)]
pub(crate) enum Way {
    /// Over this connection.
    Berth(SendRequest<Bytes>, Berth),
    /// Over the connection that is being opened.
    Wait(Rc<Notify>),
    /// Over one that has yet to be opened: by whoever was told so.
    Open(Opening),
}

/// The duty to open a connection. Those who wait hear of it when it is dropped, done or not.
#[derive(Debug)]
pub(crate) struct Opening {
    trunks: Rc<RefCell<Trunks>>,
    server: ServerId,
    done: Rc<Notify>,
}

impl Trunks {
    /// The way for an exchange to `server`, over TLS or not: a pool may have begun, or ceased, to
    /// speak it since a connection was opened.
    pub(crate) fn find(this: &Rc<RefCell<Self>>, server: ServerId, is_tls: bool) -> Way {
        let mut trunks = this.borrow_mut();
        let bundle = trunks.servers.entry(server).or_default();
        bundle.trunks.retain(|trunk| !trunk.is_closed() && trunk.is_tls() == is_tls);
        if let Some((offer, berth)) = bundle.trunks.iter().find_map(Trunk::take) {
            return Way::Berth(offer, berth);
        }
        if let Some(opening) = &bundle.opening {
            return Way::Wait(Rc::clone(opening));
        }
        let done = Rc::new(Notify::new());
        bundle.opening = Some(Rc::clone(&done));
        Way::Open(Opening { trunks: Rc::clone(this), server, done })
    }

    /// Lets go of connections that had no stream for long; does nothing when called again too soon.
    pub(crate) fn sweep(&mut self, now: Instant) {
        if now.since(self.swept) < SWEEP_EVERY {
            return;
        }
        self.swept = now;
        self.servers.retain(|_, bundle| {
            let patience = bundle.patience;
            bundle.trunks.retain(|trunk| {
                let idle = trunk.idle_since(now);
                !trunk.is_closed() && idle.is_none_or(|since| now.since(since) < patience)
            });
            !bundle.trunks.is_empty() || bundle.opening.is_some()
        });
    }
}

impl Opening {
    /// Puts the connection among the others; it may be without streams for `patience`.
    pub(crate) fn add(&self, trunk: Rc<Trunk>, patience: Duration) {
        let mut trunks = self.trunks.borrow_mut();
        let bundle = trunks.servers.entry(self.server).or_default();
        bundle.patience = patience;
        bundle.trunks.push(trunk);
    }
}

impl Drop for Opening {
    fn drop(&mut self) {
        if let Some(bundle) = self.trunks.borrow_mut().servers.get_mut(&self.server) {
            bundle.opening = None;
        }
        self.done.notify_waiters();
    }
}
