//! Step 4 of 8: choose the version that a request meets, while a rollout divides the users of its
//! pool. From `route`, for `pick`.
//!
//! All requests of a user meet one version, whatever their route, so that a page and what it calls
//! belong together. Where the rollout assigns users, whoever has no cookie yet gets one with the
//! number by which this request was placed: logging in or out then changes nothing.

use std::net::IpAddr;

use tidegate_core::http::head::Head;
use tidegate_core::http::scheme::Scheme;
use tidegate_core::http::set_cookie::SetCookie;
use tidegate_core::model::audience::Country;
use tidegate_core::model::ids::ReleaseIndex;
use tidegate_core::model::rollout::{Errors, Share, Side, UserKey};
use tidegate_core::model::session::SameSite;
use tidegate_core::release::audience::{Seen, Sender, Witness};
use tidegate_core::release::pass::Pass;
use tidegate_core::release::treatment::{By, Placement};
use tidegate_core::release::user::User;
use tidegate_core::signal::FailureReason;
use tidegate_core::snapshot::Release;
use tidegate_core::telemetry::version::VersionCells;
use tidegate_core::time::Duration;
use tidegate_net::clock;
use tidegate_net::seal::Purpose;

use super::state::Exchange;
use crate::error::Error;
use crate::view::View;
use crate::worker::Worker;

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

/// What the cookie of assigned users is sealed for.
const PURPOSE: Purpose = Purpose::new(User::KIND);
/// How long browsers keep it: longer than rollouts take.
const KEPT: Duration = Duration::from_secs(90 * 86_400);

/// Whom a request is of, as far as its connection tells.
#[derive(Clone, Copy)]
pub(super) struct Asker {
    /// What the connection speaks.
    pub(super) scheme: Scheme,
    /// The trusted client address.
    pub(super) client: IpAddr,
    pub(super) sender: Sender,
}

/// The version that a request meets; `None`: its user cannot be told, and it stays with stable.
pub(super) fn choose<'a>(
    worker: &Worker,
    view: &'a View,
    x: &mut Exchange,
    asker: Asker,
    index: ReleaseIndex,
) -> Option<Meeting<'a>> {
    let release = view.snapshot.release(index);
    let Asker { client, sender, .. } = asker;
    let user = user(worker, x, asker, release);
    let witness = &Informed { worker, view };
    let seen = Seen { head: &x.head, client, sender, user, witness };
    let Placement { side, by } = release.treatment.place(&release.division, &seen)?;
    let cells = (by == By::Draw).then(|| view.version_cells(index, side));
    Some(Meeting { index, release, side, user, cells })
}

/// Who asks, as far as the rollout has to know.
fn user(worker: &Worker, x: &mut Exchange, asker: Asker, release: &Release) -> Option<User> {
    let Release { rollout, division, .. } = release;
    if !rollout.user.contains(&UserKey::Assign) {
        return User::of(&x.head, asker.client, &rollout.user);
    }
    if let Some(user) = assigned(worker, &x.head) {
        return Some(user);
    }
    let named = User::of(&x.head, asker.client, &rollout.user);
    let user = named.unwrap_or_else(|| User::from_bits(worker.draw()));
    // Where all meet one version there is nothing to keep them on.
    if division.share > Share::NONE && division.share < Share::ALL {
        assign(worker, x, asker, user);
    }
    Some(user)
}

/// The user that the assigned cookie names, if it is one of ours.
fn assigned(worker: &Worker, head: &Head) -> Option<User> {
    let sealed = head.cookies(User::COOKIE).next()?;
    let mut bits = [0; 8];
    let length = worker.shared.contexts.load().keys.open(&PURPOSE, sealed, &mut bits)?;
    (length == bits.len()).then(|| User::from_bits(u64::from_le_bytes(bits)))
}

fn assign(worker: &Worker, x: &mut Exchange, asker: Asker, user: User) {
    let mut value = String::new();
    worker.shared.contexts.load().keys.seal(&PURPOSE, &user.bits().to_le_bytes(), &mut value);
    x.set_cookie(&SetCookie {
        name: User::COOKIE,
        value: &value,
        path: "/",
        domain: None,
        same_site: SameSite::Lax,
        max_age: Some(KEPT),
        secure: asker.scheme == Scheme::Https,
    });
}

/// What takes keys or a database to tell.
struct Informed<'a> {
    worker: &'a Worker,
    view: &'a View,
}

impl Witness for Informed<'_> {
    fn country(&self, address: IpAddr) -> Option<Country> {
        self.worker.shared.contexts.load().countries.as_ref()?.country(address)
    }

    fn has_sealed(&self, cookie: &str, value: &[u8]) -> bool {
        let mut plain = [0; Pass::BYTES];
        let contexts = self.worker.shared.contexts.load();
        let opened = self
            .view
            .pass_purpose(cookie)
            .and_then(|purpose| contexts.keys.open(purpose, value, &mut plain));
        opened == Some(plain.len()) && Pass::from_bytes(plain).holds_at(clock::unix_time())
    }
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
            cells.observe(answered.since(x.started));
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
