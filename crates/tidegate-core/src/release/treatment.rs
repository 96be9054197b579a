//! Which version somebody meets: by audience, else by place.
//!
//! Audiences say something only between the first share and the last: while nobody is the
//! candidate's, not even its own audiences are, and once everybody is, all are.

use super::audience::{Seen, holds};
use super::division::Division;
use crate::model::audience::Audience;
use crate::model::ids::AudienceName;
use crate::model::rollout::{Rollout, Share, Side};

/// What a rollout has audiences meet.
#[derive(Clone, Debug, Default)]
pub struct Treatment {
    always: Vec<Audience>,
    only: Vec<Audience>,
    never: Vec<Audience>,
}

/// The version that somebody meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placement {
    /// Which one.
    pub side: Side,
    /// What put them there.
    pub by: By,
}

/// What puts somebody with a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// The draw: who is drawn is like all others, so that the versions can be compared by them.
    Draw,
    /// Being one of an audience, or of none: they are unlike others, and say nothing of how the
    /// versions compare.
    Audience,
}

/// What audiences say of somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ruling<'a> {
    /// This one meets the candidate last.
    Never(&'a AudienceName),
    /// There are audiences that take part, and it is none of them.
    Outside,
    /// This one meets the candidate first.
    Always(&'a AudienceName),
}

impl Ruling<'_> {
    /// The version that follows from it.
    #[must_use]
    pub const fn side(self) -> Side {
        match self {
            Self::Never(_) | Self::Outside => Side::Stable,
            Self::Always(_) => Side::Candidate,
        }
    }
}

impl Treatment {
    /// The treatment that a rollout asks for.
    #[must_use]
    pub fn of(rollout: &Rollout, audiences: &[Audience]) -> Self {
        let named = |names: &[AudienceName]| {
            let found = names.iter().filter_map(|name| audiences.iter().find(|a| a.name == *name));
            found.cloned().collect()
        };
        Self {
            always: named(&rollout.always),
            only: named(&rollout.only),
            never: named(&rollout.never),
        }
    }

    /// The version that the sender of a request meets; `None`: neither an audience nor a place says
    /// so, as it cannot be told who it is. Who that is stays with stable.
    #[must_use]
    pub fn place(&self, division: &Division, seen: &Seen<'_>) -> Option<Placement> {
        let by_draw = |side| Placement { side, by: By::Draw };
        match division.share {
            Share::NONE => Some(by_draw(Side::Stable)),
            Share::ALL => Some(by_draw(Side::Candidate)),
            _ => match self.ruling(seen) {
                Some(ruling) => Some(Placement { side: ruling.side(), by: By::Audience }),
                None => seen.user.map(|user| by_draw(division.side_of(user))),
            },
        }
    }

    /// What audiences say while there is something to divide; `None`: nothing.
    #[must_use]
    pub fn ruling(&self, seen: &Seen<'_>) -> Option<Ruling<'_>> {
        let first = |audiences| first_of(audiences, seen);
        if let Some(name) = first(&self.never) {
            return Some(Ruling::Never(name));
        }
        if !self.only.is_empty() && first(&self.only).is_none() {
            return Some(Ruling::Outside);
        }
        first(&self.always).map(Ruling::Always)
    }

    /// The signed cookies that its audiences look at, by name.
    pub fn signed_cookies(&self) -> impl Iterator<Item = &str> {
        let all = [&self.always, &self.only, &self.never].into_iter().flatten();
        all.flat_map(|audience| &audience.any).filter_map(|one| one.signed_cookie.as_deref())
    }
}

/// The first audience that somebody is in.
fn first_of<'a>(audiences: &'a [Audience], seen: &Seen<'_>) -> Option<&'a AudienceName> {
    audiences.iter().find(|one| holds(one, seen)).map(|one| &one.name)
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::super::audience::{Sender, Witness};
    use super::super::user::User;
    use super::*;
    use crate::http::head::Head;
    use crate::model::audience::{AudienceMatch, Country};
    use crate::model::ids::{PoolName, RolloutName};

    struct Nobody;

    impl Witness for Nobody {
        fn country(&self, _address: IpAddr) -> Option<Country> {
            None
        }

        fn has_sealed(&self, _cookie: &str, _value: &[u8]) -> bool {
            false
        }
    }

    /// The audience of one network.
    fn at(network: &str) -> Vec<Audience> {
        let clients = vec![network.parse().expect("a network")];
        let any = vec![AudienceMatch { clients, ..AudienceMatch::default() }];
        vec![Audience { name: AudienceName::new(network), any }]
    }

    fn division(percent: f64) -> Division {
        Division {
            rollout: RolloutName::new("next"),
            pool: PoolName::new("app"),
            candidate: PoolName::new("next"),
            share: Share::percent(percent).expect("a share"),
            salt: 42,
            mirrors: false,
        }
    }

    fn place(
        treatment: &Treatment,
        percent: f64,
        client: &str,
        user: Option<u64>,
    ) -> Option<Placement> {
        let head = Head::compose("GET", "a", "/", &[]).expect("a request");
        let seen = Seen {
            head: &head,
            client: client.parse().expect("an address"),
            sender: Sender::Stranger,
            user: user.map(User::from_bits),
            witness: &Nobody,
        };
        treatment.place(&division(percent), &seen)
    }

    /// A user whose place is within these percent, and not within half of them.
    fn user_within(percent: f64) -> u64 {
        let is_candidate =
            |share, user| division(share).side_of(User::from_bits(user)) == Side::Candidate;
        let found = (0..10_000)
            .find(|&user| is_candidate(percent, user) && !is_candidate(percent / 2.0, user));
        found.expect("a tenth of all are")
    }

    #[test]
    fn audiences_go_before_places_while_there_is_something_to_divide() {
        let treatment =
            Treatment { always: at("10.0.0.0/8"), only: Vec::new(), never: at("10.0.0.0/16") };
        let user = user_within(20.0);
        let (stable, candidate) = (Side::Stable, Side::Candidate);
        for (percent, client, side, by) in [
            (0.0, "10.1.0.1", stable, By::Draw),
            (5.0, "10.1.0.1", candidate, By::Audience),
            (50.0, "10.1.0.1", candidate, By::Audience),
            (50.0, "10.0.0.1", stable, By::Audience),
            (100.0, "10.0.0.1", candidate, By::Draw),
            (5.0, "192.0.2.1", stable, By::Draw),
            (50.0, "192.0.2.1", candidate, By::Draw),
        ] {
            let placed = place(&treatment, percent, client, Some(user));
            assert_eq!(placed, Some(Placement { side, by }), "{client} at {percent} %");
        }
    }

    #[test]
    fn who_does_not_take_part_meets_stable_and_who_does_is_drawn() {
        let only = at("10.0.0.0/8");
        let treatment = Treatment { only, ..Treatment::default() };
        let user = Some(user_within(20.0));
        let placed = |percent, client| place(&treatment, percent, client, user);
        let outside = Some(Placement { side: Side::Stable, by: By::Audience });
        assert_eq!(placed(50.0, "192.0.2.1"), outside);
        let drawn = Some(Placement { side: Side::Candidate, by: By::Draw });
        assert_eq!(placed(50.0, "10.0.0.1"), drawn);
        assert_eq!(placed(100.0, "192.0.2.1"), drawn);
    }

    #[test]
    fn who_cannot_be_told_is_placed_by_audience_and_with_everybody() {
        let treatment = Treatment { always: at("10.0.0.0/8"), ..Treatment::default() };
        let side = |percent, client| place(&treatment, percent, client, None).map(|one| one.side);
        assert_eq!(side(50.0, "192.0.2.1"), None);
        assert_eq!(side(50.0, "10.0.0.1"), Some(Side::Candidate));
        assert_eq!(side(100.0, "192.0.2.1"), Some(Side::Candidate));
        assert_eq!(side(0.0, "10.0.0.1"), Some(Side::Stable));
    }
}
