//! The completed raw tree to the model, and the rules that span several keys or objects.
//!
//! Parse, don't validate: [`whole::config`] is the only road to a model. One file a section builds;
//! `whole` puts them together; `rules` and `ties` hold objects against one another. What single
//! values mean has been settled before, so a builder that finds a faulty one just gives up: `None`
//! without a word.

pub(crate) mod acme;
pub(crate) mod analysis;
pub(crate) mod audience;
pub(crate) mod autoscale;
pub(crate) mod compression;
pub(crate) mod edit;
pub(crate) mod health;
pub(crate) mod levels;
pub(crate) mod listener;
pub(crate) mod matching;
pub(crate) mod notify;
pub(crate) mod page;
pub(crate) mod pool;
pub(crate) mod ports;
pub(crate) mod process;
pub(crate) mod provider;
pub(crate) mod rollout;
pub(crate) mod route;
pub(crate) mod rules;
pub(crate) mod sale;
pub(crate) mod session;
pub(crate) mod target;
pub(crate) mod ties;
pub(crate) mod tls;
pub(crate) mod whole;
