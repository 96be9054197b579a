//! Who somebody is, as far as a rollout has to know: a number that stays the same from request to
//! request, and a place among all users that the rollout's salt makes of it.

use std::net::IpAddr;

use rapidhash::v3::{RapidSecrets, rapidhash_v3_seeded};

use crate::http::head::Head;
use crate::model::ids::AudienceName;
use crate::model::rollout::{Share, UserKey};

/// A user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct User(u64);

impl User {
    /// The cookie of assigned users.
    pub const COOKIE: &'static str = "tidegate_user";
    /// The kind of thing that it is sealed for.
    pub const KIND: &'static str = "user";

    /// The user that an assigned cookie names, or a draw of somebody new.
    #[must_use]
    pub const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// The user that carries `value` in something named `name`.
    #[must_use]
    pub fn named(name: &str, value: &[u8]) -> Self {
        Self(hash(hash(0, name.as_bytes()), value))
    }

    /// The user that a request names by the first of `keys` that it carries; `None`: by none.
    /// [`UserKey::Assign`] is not looked for, as it takes a key of the balancer to read.
    #[must_use]
    pub fn of(head: &Head, client: IpAddr, keys: &[UserKey]) -> Option<Self> {
        Self::told(head, client, keys).map(|(user, _)| user)
    }

    /// The same, and the key that tells.
    #[must_use]
    pub fn told<'k>(
        head: &Head,
        client: IpAddr,
        keys: &'k [UserKey],
    ) -> Option<(Self, &'k UserKey)> {
        keys.iter().find_map(|key| {
            let user = match key {
                UserKey::Cookie(name) => Self::named(name, present(head.cookies(name))?),
                UserKey::Header(name) => Self::named(name, present(head.values(name))?),
                UserKey::Client => Self::at(client),
                UserKey::Assign => return None,
            };
            Some((user, key))
        })
    }

    /// The user at an address: all of a network are one, as an IPv6 client changes its address
    /// within its own.
    fn at(client: IpAddr) -> Self {
        match client {
            IpAddr::V4(address) => Self::named("client", &address.octets()),
            IpAddr::V6(address) => Self::named("client", &address.octets()[..8]),
        }
    }

    /// What an assigned cookie holds.
    #[must_use]
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// The user's place among all users of a rollout: uniform, and independent of the place in any
    /// other rollout.
    #[must_use]
    pub fn place(self, salt: u64) -> Place {
        Place(hash(salt, &self.0.to_le_bytes()))
    }

    /// The user's place among all users as an audience draws from them: another than in any other
    /// audience, and the same in every rollout.
    #[must_use]
    pub fn place_for(self, audience: &AudienceName) -> Place {
        self.place(hash(0, audience.as_str().as_bytes()))
    }
}

/// A place among all users.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place(u64);

impl Place {
    /// Whether the place is within the first `share` of all. One that is within a share is within
    /// every larger one.
    #[must_use]
    pub fn is_within(self, share: Share) -> bool {
        // The fraction of one that the place is, times all users, rounded down: 0 to all less one.
        let all = u128::from(Share::ALL.as_millionths());
        let nth = (u128::from(self.0) * all) >> 64;
        nth < u128::from(share.as_millionths())
    }
}

/// The first value, if it says anything.
fn present<'a>(mut values: impl Iterator<Item = &'a [u8]>) -> Option<&'a [u8]> {
    values.next().filter(|value| !value.is_empty())
}

fn hash(seed: u64, bytes: &[u8]) -> u64 {
    rapidhash_v3_seeded(bytes, &RapidSecrets::seed_cpp(seed))
}

#[cfg(test)]
mod tests {
    use super::*;

    const STEPS: [f64; 7] = [0.1, 1.0, 5.0, 10.0, 25.0, 50.0, 100.0];

    fn shares() -> impl Iterator<Item = Share> {
        STEPS.into_iter().map(|step| Share::percent(step).expect("is a share"))
    }

    /// The largest distance, in percentage points, between a share and what users make of it.
    fn distance(users: u64, salt: u64) -> f64 {
        let mut within = [0_u64; STEPS.len()];
        for user in 0..users {
            let place = User::named("cookie:uid", &user.to_le_bytes()).place(salt);
            for (count, share) in within.iter_mut().zip(shares()) {
                *count += u64::from(place.is_within(share));
            }
        }
        let points = within.into_iter().map(|count| count as f64 * 100.0 / users as f64);
        points.zip(STEPS).map(|(is, step)| (is - step).abs()).fold(0.0, f64::max)
    }

    #[test]
    fn shares_are_exact_to_half_a_point_over_a_hundred_thousand_users() {
        let worst = (0..5).map(|salt| distance(100_000, salt * 7919)).fold(0.0, f64::max);
        assert!(worst <= 0.5, "{worst} points off");
    }

    #[test]
    fn shares_are_exact_to_a_tenth_of_a_point_over_ten_million_users() {
        let worst = distance(10_000_000, 42);
        assert!(worst <= 0.1, "{worst} points off");
    }

    #[test]
    fn a_growing_share_only_adds_users() {
        for user in 0..100_000 {
            let place = User::from_bits(user).place(7);
            let within: Vec<bool> = shares().map(|share| place.is_within(share)).collect();
            assert!(within.is_sorted() && within.last() == Some(&true), "{user}: {within:?}");
        }
    }

    #[test]
    fn nobody_and_everybody_are_exact() {
        for bits in [0, 1, u64::MAX / 2, u64::MAX] {
            assert!(!Place(bits).is_within(Share::NONE) && Place(bits).is_within(Share::ALL));
        }
    }

    #[test]
    fn places_in_two_rollouts_have_nothing_to_do_with_each_other() {
        let tenth = Share::percent(10.0).expect("is a share");
        let is_within = |user, salt| User::from_bits(user).place(salt).is_within(tenth);
        let both = (0..100_000).filter(|&user| is_within(user, 1) && is_within(user, 2)).count();
        assert!((800..1200).contains(&both), "{both} of 1000 expected");
    }
}
