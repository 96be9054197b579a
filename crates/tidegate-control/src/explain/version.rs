//! Which of the two versions of a rollout a request would meet, who its user is taken for, and
//! whether the candidate would get a copy.
//!
//! The draw of a user who is new is not made: it is told that there would be one.

use std::borrow::Cow;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use tidegate_core::http::head::Head;
use tidegate_core::model::audience::Country;
use tidegate_core::model::ids::{PoolIndex, RouteIndex};
use tidegate_core::model::listener::Listener;
use tidegate_core::model::rollout::{Mirror, Rollout, Share, Side, UserKey};
use tidegate_core::release::audience::{Seen, Sender, Witness};
use tidegate_core::release::pass::Pass;
use tidegate_core::release::treatment::Ruling;
use tidegate_core::release::user::User;
use tidegate_core::snapshot::{Release, Snapshot};
use tidegate_net::clock;
use tidegate_net::seal::Purpose;

use super::keys::Keys;
use crate::tls::parts::Tls;

/// The version that a request would meet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Version {
    /// The rollout.
    pub rollout: String,
    /// The pool that the route names.
    pub stable: String,
    /// The pool that is to take over.
    pub candidate: String,
    /// The share of users that meets the candidate; `None`: no run divides them.
    pub percent: Option<f64>,
    /// What tells who the user is; `None`: nothing in the request does.
    pub user: Option<String>,
    /// `stable` or `candidate`; `None`: that depends on what is not known here.
    pub side: Option<Cow<'static, str>>,
    /// Why.
    pub because: String,
    /// Whether the candidate gets a copy, and why not; `None`: the rollout copies nothing.
    pub mirror: Option<String>,
}

/// Whose a request is.
#[derive(Clone, Copy)]
pub(super) struct Asker<'a> {
    pub(super) head: &'a Head,
    pub(super) client: IpAddr,
    pub(super) listener: &'a Listener,
    pub(super) keys: Keys<'a>,
    pub(super) tls: &'a Tls,
}

/// Who a user is taken for.
enum Known<'k> {
    /// By the cookie that the balancer assigned.
    Assigned(User),
    /// By a key of the rollout.
    By(User, &'k UserKey),
    /// By an assigned cookie, for want of keys to read it.
    Sealed,
    /// Somebody new, who is drawn.
    New,
    /// Nobody.
    Unknown,
}

/// The version, and the pool that serves it where that can be told.
pub(super) fn told(
    snapshot: &Snapshot,
    route: RouteIndex,
    asker: &Asker<'_>,
) -> Option<(Version, Option<PoolIndex>)> {
    if let Some(index) = snapshot.release_of(route) {
        let release = snapshot.release(index);
        let version = divided(release, asker);
        let side =
            Side::ALL.into_iter().find(|side| version.side.as_deref() == Some(side.as_str()));
        return Some((version, side.map(|side| release.pool(side))));
    }
    let asked = snapshot.route(route);
    let leads = |one: &&Rollout| asked.pool() == Some(&one.pool) && one.takes_in(&asked.name);
    let rollout = snapshot.config.rollouts.iter().find(leads)?;
    Some((undivided(rollout, asker), None))
}

/// While nobody has begun a run, or it is over.
fn undivided(rollout: &Rollout, asker: &Asker<'_>) -> Version {
    Version {
        rollout: rollout.name.to_string(),
        stable: rollout.pool.to_string(),
        candidate: rollout.candidate.to_string(),
        percent: None,
        user: asker.known(rollout).told(),
        side: Some(Side::Stable.as_str().into()),
        because: "no run of it divides users".to_owned(),
        mirror: None,
    }
}

fn divided(release: &Release, asker: &Asker<'_>) -> Version {
    let Release { rollout, division, .. } = release;
    let known = asker.known(rollout);
    let (side, because) = side(release, asker, &known);
    let mirror = rollout.mirror.as_ref();
    Version {
        rollout: rollout.name.to_string(),
        stable: division.pool.to_string(),
        candidate: division.candidate.to_string(),
        percent: Some(division.share.as_percent()),
        user: known.told(),
        side: side.map(|side| side.as_str().into()),
        because,
        mirror: mirror.map(|mirror| copied(release, mirror, asker.head, (side, known.user()))),
    }
}

/// The version, and what puts the user there.
fn side(release: &Release, asker: &Asker<'_>, known: &Known<'_>) -> (Option<Side>, String) {
    let Release { rollout, division, treatment, .. } = release;
    if division.share == Share::ALL {
        return (Some(Side::Candidate), "all users do".to_owned());
    }
    let sealed = treatment.signed_cookies().find(|name| asker.carries(name));
    if let (Some(name), false) = (sealed, asker.keys.are_known()) {
        let why = format!("cookie {name} may put it in an audience, and takes the balancer's keys");
        return (None, why);
    }
    let seen = asker.seen(known.user());
    if let Some(ruling) = treatment.ruling(&seen) {
        let why = match ruling {
            Ruling::Never(name) => format!("audience {name} never meets the candidate"),
            Ruling::Always(name) => format!("audience {name} meets the candidate first"),
            Ruling::Outside => {
                let names: Vec<&str> = rollout.only.iter().map(|name| name.as_str()).collect();
                format!("only {} take part", names.join(", "))
            }
        };
        return (Some(ruling.side()), why);
    }
    match (known, known.user().map(|user| division.side_of(user))) {
        (_, Some(Side::Stable)) => (Some(Side::Stable), "its place is beyond the share".to_owned()),
        (_, Some(side)) => (Some(side), "its place is within the share".to_owned()),
        (Known::Sealed, None) => (None, "its place takes the balancer's keys to read".to_owned()),
        (Known::New, None) => (None, "a new user is drawn, and assigned the place".to_owned()),
        (_, None) => {
            (Some(Side::Stable), "who cannot be told from others stays with stable".to_owned())
        }
    }
}

/// Whether the candidate would get a copy.
fn copied(
    release: &Release,
    mirror: &Mirror,
    head: &Head,
    (side, user): (Option<Side>, Option<User>),
) -> String {
    let division = &release.division;
    let share = mirror.share.as_percent();
    let method = head.method();
    let no = |why: String| format!("is not copied: {why}");
    if !division.mirrors || side == Some(Side::Candidate) {
        return no("only what stable answers is".to_owned());
    }
    if !mirror.methods.iter().any(|one| one == method) {
        return no(format!("{method} is not among {}", mirror.methods.join(", ")));
    }
    match (user, side) {
        (None, Some(_)) => no("it cannot be told whose it is".to_owned()),
        (Some(user), _) if !division.copies(user, mirror) => {
            no(format!("its user is not among the {share} % whose requests are"))
        }
        (Some(_), Some(_)) => "is copied to the candidate once it is answered".to_owned(),
        (_, None) => format!("is copied if it meets stable, for {share} % of users"),
    }
}

impl<'a> Asker<'a> {
    fn known<'k>(&self, rollout: &'k Rollout) -> Known<'k> {
        let assigns = rollout.user.contains(&UserKey::Assign);
        if assigns && let Some(sealed) = self.head.cookies(User::COOKIE).next() {
            if !self.keys.are_known() {
                return Known::Sealed;
            }
            if let Some(bits) = self.keys.open(&Purpose::new(User::KIND), sealed) {
                return Known::Assigned(User::from_bits(u64::from_le_bytes(bits)));
            }
        }
        match User::told(self.head, self.client, &rollout.user) {
            Some((user, key)) => Known::By(user, key),
            None if assigns => Known::New,
            None => Known::Unknown,
        }
    }

    fn carries(&self, cookie: &str) -> bool {
        self.head.cookies(cookie).next().is_some()
    }

    fn seen(&'a self, user: Option<User>) -> Seen<'a> {
        let trusted =
            !self.listener.trusted_proxies.is_empty() && self.listener.trusts(self.client);
        let sender = if trusted { Sender::Proxy } else { Sender::Stranger };
        Seen { head: self.head, client: self.client, sender, user, witness: self }
    }
}

impl Witness for Asker<'_> {
    fn country(&self, address: IpAddr) -> Option<Country> {
        self.tls.contexts.countries.as_ref()?.country(address)
    }

    fn has_sealed(&self, cookie: &str, value: &[u8]) -> bool {
        let pass = self.keys.open(&Purpose::of(Pass::KIND, cookie), value);
        pass.is_some_and(|bytes| Pass::from_bytes(bytes).holds_at(clock::unix_time()))
    }
}

impl Known<'_> {
    const fn user(&self) -> Option<User> {
        match self {
            Self::Assigned(user) | Self::By(user, _) => Some(*user),
            Self::Sealed | Self::New | Self::Unknown => None,
        }
    }

    /// What tells who the user is.
    fn told(&self) -> Option<String> {
        match self {
            Self::Assigned(_) | Self::Sealed => Some(format!("assigned cookie {}", User::COOKIE)),
            Self::By(_, UserKey::Cookie(name)) => Some(format!("cookie {name}")),
            Self::By(_, UserKey::Header(name)) => Some(format!("header {name}")),
            Self::By(_, UserKey::Client) => Some("network of the client".to_owned()),
            Self::By(_, UserKey::Assign) | Self::New | Self::Unknown => None,
        }
    }
}
