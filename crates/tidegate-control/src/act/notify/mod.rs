//! Webhooks that are told of events, and never in anybody's way.
//!
//! `herald` is the task that follows the event log; it hands what a webhook wants to know to that
//! webhook's own `courier`, which has a bounded queue and tries until it is taken or given up.
//! `webhook` is where a URL comes from, `letter` what is sent, `post` one try, `counts` how it
//! went. A URL is a secret: logs and messages show where it is kept, and its host.
//!
//! Nothing is kept over a restart: what was not taken when the process ends is not sent again.

pub mod counts;
mod courier;
pub(crate) mod herald;
mod letter;
mod post;
pub(crate) mod webhook;
