//! The admin API over real sockets: who may do what, what is answered, what is counted.

mod answers;
mod auth;
mod config;
mod health;
mod metrics;
<<<<<<< HEAD
mod release;
=======
mod servers;
>>>>>>> main
mod sockets;
mod state;
mod support;
