//! The autoscaler as a whole, on a virtual clock: clients, servers with a line in front of them,
//! the planner, the life of instances, and a provider.
//!
//! Reading order: `shop` (clients and servers), `scene` (the world), `oracle` (what must hold at
//! every look), `seeds` (drawn shops under drawn faults), then scenarios by name: `pitfalls`,
//! `bottleneck` and `life`.

mod bottleneck;
mod life;
mod oracle;
mod pitfalls;
pub(crate) mod scene;
mod seeds;
pub(crate) mod shop;
