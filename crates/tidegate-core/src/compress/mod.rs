//! Compression: whether a response is sent in a content coding, in which, and how hard.
//!
//! `eligibility` tells which responses are worth it and may be changed, `negotiate` what the client
//! takes; `decide` puts the two together, and `apply` makes the head say what was decided.
//! `ceiling` watches how much of a core's time goes into it. The encoders themselves belong to the
//! data plane.

pub mod apply;
pub mod ceiling;
pub mod decide;
pub mod eligibility;
pub mod negotiate;
