//! The programs on both sides of a measured balancer, and what they share.
//!
//! `origin` answers, `relay` copies bytes blindly (the price of moving them at all), `loadgen` asks
//! as fast as it is answered, `idle` opens connections and keeps them. Each is one thread over one
//! epoll: they stand on the core that is *not* measured, and must take as little of it as they can.
//!
//! They speak to loopback only and trust what they talk to: no timeouts, no limits on a client's
//! patience. `handshakes` and `idle` speak TLS as well, `idle` HTTP/2 over it.

pub mod clock;
pub mod page;
pub mod poll;
pub mod request;
pub mod response;
pub mod slots;
pub mod socket;
pub mod tls;
