//! What is let through, and what is not.

pub mod retry_budget;
