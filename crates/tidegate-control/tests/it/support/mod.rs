//! What the tests share: a balancer without a data plane, servers with bad manners, and waiting.

pub(crate) mod balancer;
pub(crate) mod certificate;
pub(crate) mod directory;
pub(crate) mod plane;
pub(crate) mod server;
