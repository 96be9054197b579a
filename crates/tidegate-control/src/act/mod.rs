//! What the control plane has done to the world: it starts and stops servers through a provider.

pub mod provider;
