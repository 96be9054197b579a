//! Session tickets: what lets a client that was here come back at a fraction of the cost (RFC 8446,
//! section 2.2).
//!
//! Tickets are stateless: the session is in the ticket, under a key that changes every six hours
//! and opens tickets for six hours more. The keys live in memory only.
//!
//! Keys belong to one policy of one listener. A ticket says that a client was let in, so it must
//! not open a door that asks for more than the one it came through (CVE-2025-23419). Whoever
//! rebuilds a server because a certificate was renewed hands on its `Tickets`, and clients can
//! resume; should the policy be another, the keys are new whatever was handed on. The library binds
//! a ticket to the name that the client asked for besides.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use rustls::crypto::aws_lc_rs::Ticketer;
use rustls::server::ProducesTickets;

use super::error::SetupError;

/// TLS 1.3 tickets per connection. The library's default is two, for browsers that open several
/// connections; each costs the server an encryption and the client's kernel a wakeup, and a client
/// that comes back once is given a new one.
pub(super) const TICKETS_SENT: usize = 1;

/// The ticket keys of a listener. Clones share them.
#[derive(Clone, Default)]
pub struct Tickets(Arc<Mutex<Option<Keys>>>);

struct Keys {
    policy: [u8; 32],
    producer: Arc<dyn ProducesTickets>,
}

impl Tickets {
    /// The keys for a policy, which is told from others by its hash.
    pub(super) fn keys(&self, policy: [u8; 32]) -> Result<Arc<dyn ProducesTickets>, SetupError> {
        let mut keys = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &*keys {
            Some(keys) if keys.policy == policy => Ok(Arc::clone(&keys.producer)),
            _ => {
                let producer = Ticketer::new()?;
                *keys = Some(Keys { policy, producer: Arc::clone(&producer) });
                Ok(producer)
            }
        }
    }
}

impl fmt::Debug for Tickets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tickets")
    }
}
