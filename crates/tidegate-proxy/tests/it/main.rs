//! The data plane over real sockets: a balancer in this process, clients and servers that say what they are
//! told to, byte by byte.

#![expect(unreachable_pub, reason = "a test binary has no outside")]

mod forward;
mod world;
