//! How an order fails.

use instant_acme::{Error, Problem};
use tidegate_core::renewal::Failure;
use tidegate_core::time::Duration;

/// Why there is no certificate.
#[derive(Debug, thiserror::Error)]
#[error("{why}")]
pub(super) struct Failed {
    /// Whose fault it is, as far as that decides when to come again.
    pub(super) failure: Failure,
    /// In words.
    pub(super) why: String,
    /// How long the authority wants us to stay away.
    pub(super) away: Option<Duration>,
}

impl Failed {
    pub(super) fn unreached(why: impl ToString) -> Self {
        Self { failure: Failure::Unreached, why: why.to_string(), away: None }
    }

    /// The same, of one host.
    pub(super) fn of_host(self, host: &str) -> Self {
        Self { why: format!("{host}: {}", self.why), ..self }
    }

    pub(super) fn refused(why: impl ToString) -> Self {
        Self { failure: Failure::Refused, why: why.to_string(), away: None }
    }
}

/// What passes by itself: something is amiss with the authority, or it forgets what it gave us
/// faster than we can use it.
const PASSING: [&str; 2] =
    ["urn:ietf:params:acme:error:serverInternal", "urn:ietf:params:acme:error:badNonce"];
/// What the authority says of an account that it does not know, or knows no more.
const NO_ACCOUNT: &str = "urn:ietf:params:acme:error:accountDoesNotExist";

/// Whether the account has to be made anew (RFC 8555, section 6.7).
pub(super) fn lacks_account(error: &Error) -> bool {
    matches!(error, Error::Api(problem) if problem.r#type.as_deref() == Some(NO_ACCOUNT))
}

/// What went wrong with the authority itself may be well in a moment; what it objects to will not.
impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        match &error {
            Error::Api(problem) if !passes(problem) => Self::refused(error),
            Error::Timeout(_) => Self::refused(error),
            _ => Self::unreached(error),
        }
    }
}

fn passes(problem: &Problem) -> bool {
    let kind = problem.r#type.as_deref();
    problem.status.is_some_and(|status| status >= 500)
        || kind.is_some_and(|kind| PASSING.contains(&kind))
}
