//! What is let through, and what is not.

pub mod frame_budget;
pub mod misdirected;
pub mod retry_budget;
pub mod stay;
