//! TLS of a configuration, made of what its files hold.
//!
//! `files` reads, `build` makes `parts` of it, the contexts for the data plane among them, and says
//! what is wrong;
//! `refresh` does so again when files have changed, and where something is wrong keeps what was
//! there before. `kept` is where certificates are that authorities issued, and `keys` what cookies
//! are sealed with. These, and the database of countries, belong to contexts as well.
//! What contexts are is `tidegate_net::tls`'s secret; keys pass through here on their way from the
//! disk and are wiped when they have arrived.

pub(crate) mod build;
pub(crate) mod files;
pub(crate) mod kept;
mod keys;
pub mod parts;
pub(crate) mod refresh;
