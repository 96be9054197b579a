//! Who keeps which server: what the balancer remembers of sessions, and how many live on each
//! server.
//!
//! In table mode the application names its sessions and the balancer remembers the server of each:
//! `id` makes a number of the name that no client can aim, `store` is what remembering takes,
//! `table` remembers in this process. Where the session is in the user's keeping, `seen` estimates
//! how many users a server still has, from who was seen lately. `pool` puts it together for one
//! pool, for all cores and over reloads.
//!
//! Not here: which requests belong to a session, and what becomes of one whose server is gone.

pub mod id;
pub mod seen;
pub mod store;
pub mod table;
