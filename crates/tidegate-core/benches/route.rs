//! Route look-up: what a request costs as the table grows.
fn main() {}
