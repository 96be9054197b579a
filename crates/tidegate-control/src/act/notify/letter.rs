//! What a webhook is sent: an event as JSON, and from whom it is.

use std::fs;

use bytes::Bytes;
use serde::Serialize;
use tidegate_net::entropy;

use crate::events::Event;

/// Who writes.
#[derive(Debug)]
pub(super) struct Sender {
    node: String,
    /// Tells this run of the process from others, whose events begin at 1 as well.
    run: u64,
}

/// An event on its way.
#[derive(Clone, Debug)]
pub(super) struct Letter {
    /// Says that two are the same: a webhook that answers too late gets one again.
    pub(super) key: String,
    pub(super) body: Bytes,
}

/// The JSON object.
#[derive(Serialize)]
struct Body<'a> {
    #[serde(flatten)]
    event: &'a Event,
    node: &'a str,
    /// All of it in a sentence, where chat programs look for it.
    text: String,
}

impl Sender {
    /// This process, by the name of its machine.
    pub(super) fn new() -> Self {
        let name = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        Self { node: name.trim().to_owned(), run: entropy::word() }
    }

    pub(super) fn letter(&self, event: &Event) -> Letter {
        let Self { node, run } = self;
        let text = format!("{node}: {} ({})", event.message, event.reason);
        let body = serde_json::to_vec(&Body { event, node, text });
        let body = body.expect("numbers and strings under strings are JSON").into();
        Letter { key: format!("{run:016x}-{}", event.id), body }
    }
}
