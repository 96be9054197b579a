//! What becomes of one response: eligibility and negotiation together.

use super::eligibility::{Unfit, eligible};
use super::negotiate::negotiate;
use crate::http::head::Head;
use crate::http::reply::ReplyHead;
use crate::model::compression::{Coding, Compression};

/// What is done with a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Nothing: it would be sent so to any client.
    Leave(Unfit),
    /// The body goes on as it is; another client might have got it encoded, and caches are told.
    Vary,
    /// Nothing is sent but a head that stands for a response decided earlier: 304.
    Confirm,
    /// The body is encoded.
    Encode(Coding),
}

/// Decides by the heads of the request and the response.
#[must_use]
pub fn decide(policy: &Compression, request: &Head, reply: &ReplyHead) -> Decision {
    let coding = || negotiate(request.values("accept-encoding"), &policy.codings);
    match eligible(policy, request, reply) {
        Ok(()) => coding().map_or(Decision::Vary, Decision::Encode),
        // What it confirms may be an encoded response: its type is not told here.
        Err(Unfit::Status) if reply.status() == 304 && coding().is_some() => Decision::Confirm,
        Err(unfit) => Decision::Leave(unfit),
    }
}
