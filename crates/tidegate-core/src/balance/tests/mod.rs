//! The rules as a whole, seen through the balancer.

mod fixture;

mod draining;
mod hashing;
mod keeping;
mod latency;
mod properties;
mod ramp;
mod serving;
mod spread;
