//! What tests build their worlds of: directories, servers, balancers, and clients.

pub(crate) mod balancer;
pub(crate) mod certificate;
pub(crate) mod client;
pub(crate) mod config;
pub(crate) mod crowd;
pub(crate) mod curl;
pub(crate) mod directory;
pub(crate) mod origin;
pub(crate) mod pebble;
pub(crate) mod program;
pub(crate) mod shop;
pub(crate) mod wait;
