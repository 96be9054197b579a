//! Passes: signed cookies by which somebody is in an audience.
//!
//! They are issued apart from a running balancer, by whoever can read its keys.

use thiserror::Error;
use tidegate_core::release::pass::Pass;
use tidegate_core::time::UnixTime;
use tidegate_net::seal::Purpose;

use crate::observe::config_file::Accepted;

/// Why there is no pass.
#[derive(Debug, Error)]
pub enum PassError {
    /// Nobody would look at it.
    #[error("no audience asks for a signed cookie {0:?}{1}")]
    NoAudience(String, String),
    /// Nobody else could open it.
    #[error("there are no keys to sign with: {0}")]
    NoKeys(String),
}

/// The value of a cookie of this name by which whoever has it is in every audience that asks for
/// it, until then. The keys are those that the configuration names, or those in the state
/// directory, which are made if need be. Blocks on the disk.
///
/// # Errors
/// [`PassError`], when nobody would accept it.
pub fn issue(accepted: &Accepted, cookie: &str, until: UnixTime) -> Result<String, PassError> {
    let audiences = accepted.config.audiences.iter().flat_map(|audience| &audience.any);
    let asked: Vec<&str> = audiences.filter_map(|one| one.signed_cookie.as_deref()).collect();
    if !asked.contains(&cookie) {
        let others = match asked.as_slice() {
            [] => String::new(),
            names => format!(", but for {}", names.join(", ")),
        };
        return Err(PassError::NoAudience(cookie.to_owned(), others));
    }
    let accepted = accepted.with_kept();
    if let Some(why) = accepted.tls.lacks_keys() {
        return Err(PassError::NoKeys(why.to_owned()));
    }
    let mut value = String::new();
    let purpose = Purpose::of(Pass::KIND, cookie);
    accepted.tls.contexts.keys.seal(&purpose, &Pass { until }.to_bytes(), &mut value);
    Ok(value)
}
