//! One word out of two opinions: what the probes say and what traffic met.
//!
//! A server that its probes call unhealthy is unhealthy, ejected or not: its return waits for the probes. A
//! server that they call healthy may still be ejected. One that is starting takes no traffic anyway and stays
//! starting. Without active checks a server counts as healthy until traffic says otherwise.

use std::fmt;

use super::active::{self, ActiveHealth};
use super::outlier::Ejection;
use crate::model::server::Availability;

/// Whether a server may be given requests, and why.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Verdict {
    /// The word that pickers read.
    pub availability: Availability,
    /// Why.
    pub reason: Reason,
}

impl Verdict {
    /// Puts both opinions together; `None`: the pool has no active check, or the server is not ejected.
    #[must_use]
    pub fn new(active: Option<&ActiveHealth>, ejection: Option<Ejection>) -> Self {
        let probes = active.map_or(Availability::Healthy, ActiveHealth::availability);
        if let (Availability::Healthy, Some(ejection)) = (probes, ejection) {
            return Self { availability: Availability::Ejected, reason: Reason::Ejected(ejection) };
        }
        let reason = active.map_or(Reason::Unchecked, |active| Reason::Probes(active.reason()));
        Self { availability: probes, reason }
    }
}

/// Why a server counts as what it counts as.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Reason {
    /// The pool has no active check and traffic found no fault.
    Unchecked,
    /// What the probes say.
    Probes(active::Reason),
    /// What traffic met.
    Ejected(Ejection),
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unchecked => f.write_str("no active checks"),
            Self::Probes(reason) => reason.fmt(f),
            Self::Ejected(ejection) => ejection.fmt(f),
        }
    }
}
