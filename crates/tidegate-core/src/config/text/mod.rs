//! What single texts of the file mean: durations, sizes, addresses, hosts, paths, patterns, times.
//!
//! One form a file. Each parser stands beside the [`fault::Format`] that tells people and editors
//! what it takes; both the check of a file and the building of the model call the same parser.

pub mod duration;
pub mod size;

pub(crate) mod acme;
pub(crate) mod address;
pub(crate) mod command;
pub(crate) mod cookie;
pub(crate) mod country;
pub(crate) mod fault;
pub(crate) mod hash_key;
pub(crate) mod host;
pub(crate) mod media;
pub(crate) mod name;
pub(crate) mod origin;
pub(crate) mod path;
pub(crate) mod pattern;
pub(crate) mod place;
pub(crate) mod pointer;
pub(crate) mod ports;
pub(crate) mod rate;
pub(crate) mod rewrite;
pub(crate) mod status;
pub(crate) mod template;
pub(crate) mod time;
pub(crate) mod user_key;
