//! The data plane over real sockets: a balancer in this process, clients and servers that say what
//! they are told to, byte by byte.

#![expect(unreachable_pub, reason = "a test binary has no outside")]

mod audiences;
mod balance;
mod cases;
mod challenge;
mod chunks;
mod forward;
mod framing;
mod grpc;
mod h2;
mod interim;
mod limits;
mod messages;
mod parity;
mod paths;
mod programs;
mod proxy_protocol;
mod races;
mod real_clients;
mod real_servers;
mod release;
mod reload;
mod responses;
mod retry;
mod secure;
mod session_table;
mod sessions;
mod stream;
mod syntax;
mod tls;
mod trust;
mod upgrade;
mod world;
