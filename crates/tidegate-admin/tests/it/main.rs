//! The admin API over real sockets: who may do what, what is answered, what is counted.

mod answers;
mod auth;
mod config;
mod health;
mod metrics;
mod release;
mod servers;
mod sockets;
mod state;
mod support;
