//! What the two pools of a rollout can take, as a fraction of the demand of both.
//!
//! The servers that are listed are taken to be equal but for their weights, and those of stable
//! that serve to be enough for what comes: the candidate can take as large a fraction as it has
//! weight beside them.

use tidegate_core::model::server::{Member, Rotation};
use tidegate_core::rollout::capacity::{Capacities, Capacity};
use tidegate_core::snapshot::PoolEntry;

/// What both can take.
pub(super) fn capacities(stable: &PoolEntry, candidate: &PoolEntry) -> Capacities {
    let (serves, takes) = (serving(stable), serving(candidate));
    Capacities {
        stable: fraction(serves, serves, all(stable)),
        candidate: fraction(takes, serves, all(candidate)),
    }
}

/// The part that `now` is, and `most` would be, of what serves. Beside a stable that is down
/// anything is enough.
fn fraction(now: u64, serves: u64, most: u64) -> Capacity {
    match (now, serves) {
        (0, _) => Capacity::Known { now: 0.0, most: if most > 0 { 1.0 } else { 0.0 } },
        (_, 0) => Capacity::Vouched,
        _ => Capacity::Known { now: ratio(now, serves), most: ratio(most, serves) },
    }
}

#[expect(clippy::cast_precision_loss, reason = "weights of servers are small")]
fn ratio(part: u64, whole: u64) -> f64 {
    part as f64 / whole as f64
}

/// The weight of the primaries that are available and in rotation.
fn serving(entry: &PoolEntry) -> u64 {
    let serves = |member: &&Member| {
        let state = &member.state;
        state.rotation() == Rotation::In && state.availability().is_available()
    };
    primaries(entry).filter(serves).map(weight).sum()
}

/// The weight of all primaries.
fn all(entry: &PoolEntry) -> u64 {
    primaries(entry).map(weight).sum()
}

fn primaries(entry: &PoolEntry) -> impl Iterator<Item = &Member> {
    entry.members.iter().filter(|member| !member.server.backup)
}

fn weight(member: &Member) -> u64 {
    u64::from(member.state.weight())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_candidate_is_measured_by_what_serves_now() {
        let known = |now, most| Capacity::Known { now, most };
        assert_eq!(fraction(6, 6, 6), known(1.0, 1.0));
        assert_eq!(fraction(3, 6, 6), known(0.5, 1.0));
        assert_eq!(fraction(12, 6, 12), known(2.0, 2.0));
        assert_eq!(fraction(0, 6, 6), known(0.0, 1.0));
        assert_eq!(fraction(0, 0, 0), known(0.0, 0.0));
        assert_eq!(fraction(1, 0, 3), Capacity::Vouched);
    }
}
