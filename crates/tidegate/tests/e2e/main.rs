//! The program from outside: the real binary, real files, sockets and signals.
//!
//! `world` is what the tests share; each other module tests one side of the program. Nothing here
//! sleeps: tests wait for lines, connections and exits, each with a deadline.

mod world;

mod acme;
mod autoscale;
mod check;
mod demo;
mod examples;
mod grpc;
mod look;
mod pass;
mod release;
mod reload;
mod run;
mod servers;
mod simulate;
mod stop;
mod surface;
mod takeover;
mod tls;
