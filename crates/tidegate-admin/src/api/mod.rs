//! The answers: `look` (the read model as it is), `config` and `explain` (what takes an argument),
//! `scale` (the autoscaler), `release` (rollouts), `server` (single servers), `probe` (for other
//! balancers and orchestrators), `error` (all that is
//! not an answer).

pub(crate) mod config;
pub(crate) mod error;
pub(crate) mod explain;
pub(crate) mod look;
pub(crate) mod probe;
pub(crate) mod release;
pub(crate) mod scale;
pub(crate) mod server;
