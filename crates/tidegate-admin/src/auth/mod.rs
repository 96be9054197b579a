//! Who may do what: `tokens` knows the callers, `origin` tells whether a request comes from where
//! it says, `guard` asks both before anything else sees a request.

pub(crate) mod guard;
mod origin;
pub(crate) mod tokens;
