//! Step 4 of 8: choose the version that a request meets, while a rollout divides the users of its
//! pool. From `route`, for `pick`.
//!
//! All requests of a user meet one version, whatever their route, so that a page and what it calls
//! belong together.

use std::net::IpAddr;

use tidegate_core::model::ids::ReleaseIndex;
use tidegate_core::model::rollout::{Errors, Side};
use tidegate_core::release::user::User;
use tidegate_core::signal::FailureReason;
use tidegate_core::snapshot::Release;
use tidegate_core::telemetry::version::VersionCells;

use super::state::Exchange;
use crate::error::Error;
use crate::view::View;

/// The version that a request meets.
#[derive(Clone, Copy)]
pub(super) struct Meeting<'a> {
    pub(super) index: ReleaseIndex,
    pub(super) release: &'a Release,
    pub(super) side: Side,
    /// Who asks; `None`: that did not matter.
    pub(super) user: Option<User>,
    /// Where it counts; `None`: it says nothing of how the versions compare.
    cells: Option<&'a VersionCells>,
}

/// The version that a request meets; `None`: its user cannot be told, and it stays with stable.
pub(super) fn choose<'a>(
    view: &'a View,
    x: &mut Exchange,
    client: IpAddr,
    index: ReleaseIndex,
) -> Option<Meeting<'a>> {
    let release = view.snapshot.release(index);
    let user = User::of(&x.head, client, &release.rollout.user)?;
    let side = release.division.side_of(user);
    let cells = Some(view.version_cells(index, side));
    Some(Meeting { index, release, side, user: Some(user), cells })
}

impl Meeting<'_> {
    /// Counts an exchange that is over for or against the version that it met.
    pub(super) fn account(&self, x: &Exchange) {
        let errors = self.release.rollout.analysis.as_ref().map_or(Errors::ALL, |one| one.errors);
        let (Some(cells), Some(is_error)) = (self.cells, is_error(x, errors)) else { return };
        cells.requests.increment();
        if is_error {
            cells.errors.increment();
        }
        if !x.upgrade {
            // To the first byte: how long the rest takes is for the client to say as well.
            let answered = x.marks.first_byte.unwrap_or_else(|| x.ended());
            cells.latency.observe(answered.since(x.started));
        }
    }
}

/// Whether an exchange ended in an error of its server; `None`: how it ended was not the server's
/// doing.
fn is_error(x: &Exchange, errors: Errors) -> Option<bool> {
    let Some(error) = x.error else {
        let failed = |status: u16| status >= 500;
        return Some(match (x.status, x.outcome()) {
            (Some(200), Some(outcome)) => {
                errors.grpc && failed(outcome.equivalent()) && !x.deadline_was_missed()
            }
            (status, _) => errors.status && status.is_some_and(failed),
        });
    };
    match (error, error.server_failure()) {
        (Error::NoServer, _) | (_, Some(FailureReason::Status(_))) => Some(errors.status),
        (_, Some(FailureReason::Connect | FailureReason::Reset)) => Some(errors.reset),
        (Error::TotalTimeout | Error::Idle, _) | (_, Some(FailureReason::Timeout)) => {
            Some(errors.timeout)
        }
        _ => None,
    }
}
