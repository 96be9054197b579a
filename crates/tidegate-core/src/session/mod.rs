//! What keeps a user on one server: what is remembered, for whom, and how many sessions live on
//! each server.
//!
//! `tag` names pools and servers by numbers that are the same on every balancer and after every
//! restart, and `cookie` is what a session cookie says. In table mode the application names its
//! sessions: `id` makes a number of the name that no client can aim, `store` is what remembering
//! takes, `table` remembers in this process, and `lesson` is what the application's responses teach
//! it. Where the session is in the user's keeping, `seen` estimates how many users a server has.
//! `pool` puts this together for one pool, for all cores and over reloads.
//!
//! Whether the server that is remembered can be had is for balancing to say.

pub mod cookie;
pub mod id;
pub mod lesson;
pub mod pool;
pub mod seen;
pub mod store;
pub mod table;
pub mod tag;
