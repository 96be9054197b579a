//! What a route changes in messages, and what it answers in place of a server.
//!
//! Three calls make up the life of an exchange: [`request::prepare`] before a server is picked,
//! [`reply::apply`] on a server's response, [`local::error`] where the balancer answers for itself.
//! Each costs one look at an `Option` where the route has no edits. All work on the one head of
//! every protocol; how it is written is left to others.
//!
//! Reading order: `template` (values with variables) with `facts` (what they are rendered from),
//! `request` and `path`, `reply` and `cors`, `local`.

pub mod error;
pub mod facts;
pub mod local;
pub mod reply;
pub mod request;

mod cors;
mod fields;
mod path;
mod template;

#[cfg(test)]
mod tests;
