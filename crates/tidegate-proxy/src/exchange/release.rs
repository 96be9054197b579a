//! Step 4 of 8: choose the version that a request meets, while a rollout divides the users of its
//! pool. From `route`, for `pick`.
//!
//! All requests of a user meet one version, whatever their route, so that a page and what it calls
//! belong together.

use std::net::IpAddr;

use tidegate_core::model::ids::ReleaseIndex;
use tidegate_core::model::rollout::Side;
use tidegate_core::release::user::User;
use tidegate_core::snapshot::Release;

use super::state::Exchange;
use crate::view::View;

/// The version that a request meets.
#[derive(Clone, Copy)]
pub(super) struct Meeting<'a> {
    pub(super) index: ReleaseIndex,
    pub(super) release: &'a Release,
    pub(super) side: Side,
    /// Who asks; `None`: that did not matter.
    pub(super) user: Option<User>,
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
    Some(Meeting { index, release, side: release.division.side_of(user), user: Some(user) })
}
