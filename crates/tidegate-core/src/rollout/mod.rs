//! How a release goes: what is found out about a candidate while it takes over.
//!
//! `analysis` says whether the candidate is worse than it may be. It sees counts and says a
//! verdict; it moves nothing.

pub mod analysis;
