//! Which of two versions a request meets, while a rollout runs.
//!
//! A division says how large a share of users the candidate has. Each user has a place in it that
//! depends on who the user is and on the rollout's salt alone: a share that grows only adds users,
//! and all requests of a user, whatever their route, meet the same version.
//!
//! Audiences are apart: whoever is in one may meet the candidate before all others, or never.
//!
//! Not here: how the share comes to grow or to fall, which is for `rollout` to decide.
//!
//! Reading order: `division` (what holds at a moment), `user` (who somebody is), `audience` (what
//! somebody has in common with others) with `pass` (a cookie that says so), `treatment` (what
//! follows from all of it).

pub mod audience;
pub mod division;
pub mod pass;
pub mod treatment;
pub mod user;
