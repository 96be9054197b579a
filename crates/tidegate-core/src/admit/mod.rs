//! What is let through, and what is not.

pub mod misdirected;
pub mod retry_budget;
