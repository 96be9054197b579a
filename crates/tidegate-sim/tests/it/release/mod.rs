//! A rollout together with the autoscaler, on a virtual clock: the machine of the rollout, and for
//! each of its two pools the planner, the life of instances, and a provider.
//!
//! Reading order: `scene` (two shops and the rollout between them), `incidents` (what others have
//! seen go wrong, by name).

mod incidents;
mod scene;
