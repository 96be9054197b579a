//! What people see of the balancer: plain data, gathered when somebody asks.
//!
//! A reader takes no turn in the loop and holds no lock while it gathers. So what it returns is
//! true of each thing at some moment while it looked, not of all things at one moment.
//!
//! Reading order: `node` (the whole), `listener`, `certificate`, `route`, `pool`, `server`,
//! `drain`.

pub mod certificate;
pub mod drain;
pub mod listener;
pub mod node;
pub mod pool;
pub mod route;
pub mod server;
