//! TLS over real sockets: our server and our client with each other, and each with openssl.

#![expect(unreachable_pub, reason = "a test binary has no outside")]

mod data;
mod fixture;
mod handshake;
mod identity;
