//! One core's view of a pool: picks a server for each request.
//!
//! The balancer is lazy. It compares the pool's epoch with the one its choices were made at,
//! and makes them anew when it differs; while a server is ramping up also once a second. Nothing
//! needs to tell it of a change.
//!
//! A retry names the servers it has tried. They are never offered again; once all choices are
//! among them, the reserve is offered, so that a request whose connections fail walks through
//! every server that might still answer, backups last.

use std::sync::Arc;

use super::choices::{Choice, Choices};
use super::overload::{Leave, Overload};
use super::picker::Picker;
use super::plan::Plan;
use crate::model::ids::ServerIndex;
use crate::model::server::{Member, Rotation};
use crate::model::session::Strength;
use crate::rng::scale;
use crate::telemetry::session::Moved;
use crate::time::{Duration, Instant};

/// How often the weights of ramping servers are brought up to date.
const RAMP_STEP: Duration = Duration::from_secs(1);

/// Picks servers of one pool on one core.
#[derive(Debug)]
pub struct Balancer {
    plan: Arc<Plan>,
    picker: Box<dyn Picker>,
    choices: Choices,
    /// The pool's epoch at which the choices were made; `None` before the first pick.
    epoch: Option<u64>,
    choices_due: Instant,
    picker_due: Instant,
    overload: Overload,
}

/// A server that a session would keep, and under which rules.
#[derive(Clone, Copy, Debug)]
pub struct Preference {
    /// The server.
    pub server: ServerIndex,
    /// Whether load alone may end the session.
    pub strength: Strength,
}

/// What a pick takes into account.
#[derive(Clone, Copy, Debug)]
pub struct PickRequest<'r> {
    /// What a hash rule goes by, from [`hash_key`](super::key::hash_key); other rules ignore it.
    pub key: Option<u64>,
    /// Servers that this request must not be given to again.
    pub tried: &'r [ServerIndex],
    /// A uniform draw, fresh for each pick.
    pub draw: u64,
    /// The time of the pick.
    pub now: Instant,
}

impl Balancer {
    /// A balancer that follows `plan`. `seed` should differ between cores: it sets where a
    /// rotation starts.
    #[must_use]
    pub fn new(plan: Arc<Plan>, seed: u64) -> Self {
        Self {
            picker: plan.picker(seed),
            overload: Overload::new(plan.slow_start),
            plan,
            choices: Choices::default(),
            epoch: None,
            choices_due: Instant::NEVER,
            picker_due: Instant::NEVER,
        }
    }

    /// The server that a session would keep, or why it has to leave; then the request goes to the
    /// server that is named, or is picked one as any other is. To be asked once a request: who is
    /// told to leave is counted as one that left.
    ///
    /// A session stays on a backup that it came to, though primaries are back. `members` and
    /// `epoch` are those of [`Balancer::pick`].
    ///
    /// # Errors
    /// Why the server cannot be had.
    pub fn keep(
        &mut self,
        members: &[Member],
        epoch: u64,
        preference: &Preference,
        now: Instant,
    ) -> Result<ServerIndex, Leave> {
        self.follow(members, epoch, now);
        let server = preference.server;
        if let Some(place) = self.choices.place_of(server) {
            let leave = match preference.strength {
                Strength::Soft => self.overload.leave(&self.choices, place, now),
                Strength::Hard => None,
            };
            return leave.map_or(Ok(server), Err);
        }
        let leave = |why| Err(Leave { why, towards: None });
        let Some(member) = members.get(server.position()) else { return leave(Moved::Gone) };
        let state = &member.state;
        let can_serve = state.weight() > 0 && state.availability().is_available();
        match state.rotation() {
            Rotation::Leaving => leave(Moved::Draining),
            // A backup that waits, or a server that waits for its sessions to end.
            Rotation::In | Rotation::Draining if can_serve => Ok(server),
            _ => leave(Moved::Unavailable),
        }
    }

    /// The server for `request`, or `None` when the pool has no (further) server to offer.
    ///
    /// `members` are the pool's members in the snapshot that the plan was built from, and `epoch`
    /// is its [`PoolState::epoch`](crate::model::server::PoolState::epoch), read beforehand.
    pub fn pick(
        &mut self,
        members: &[Member],
        epoch: u64,
        request: &PickRequest<'_>,
    ) -> Option<ServerIndex> {
        self.follow(members, epoch, request.now);
        self.picker
            .pick(&self.choices, request)
            .or_else(|| from_reserve(self.choices.reserve(), request))
            .map(|choice| choice.server)
    }

    fn follow(&mut self, members: &[Member], epoch: u64, now: Instant) {
        if self.epoch != Some(epoch) || now >= self.choices_due {
            self.rebuild(members, epoch, now);
        } else if now >= self.picker_due {
            self.picker_due = self.picker.refresh(&self.choices, now);
        }
    }

    #[cold]
    fn rebuild(&mut self, members: &[Member], epoch: u64, now: Instant) {
        self.choices.rebuild(&self.plan, members, now);
        self.picker.rebuild(&self.choices);
        self.overload.rebuild(&self.choices, now);
        self.picker_due = self.picker.refresh(&self.choices, now);
        self.choices_due =
            if self.choices.any_ramping() { now + RAMP_STEP } else { Instant::NEVER };
        self.epoch = Some(epoch);
    }
}

impl PickRequest<'_> {
    /// Whether `server` may still be offered.
    #[inline]
    pub(super) fn allows(&self, server: ServerIndex) -> bool {
        !self.tried.contains(&server)
    }
}

/// The first of the reserve that was not tried, from a place drawn at random.
#[cold]
fn from_reserve<'c>(reserve: &'c [Choice], request: &PickRequest<'_>) -> Option<&'c Choice> {
    let start = usize::try_from(scale(request.draw, reserve.len() as u64)).unwrap_or(0);
    let (before, after) = reserve.split_at(start);
    after.iter().chain(before).find(|choice| request.allows(choice.server))
}
