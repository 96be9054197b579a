//! The order of turns in one cycle of weighted round-robin.
//!
//! With `w` of a cycle's `n` turns, a server's turn number `k` belongs into its own window of the
//! cycle, from `k n / w` to `(k + 1) n / w`. Giving each turn to the server whose open window
//! closes first puts every turn into its window (Baruah and others, "Proportionate progress",
//! 1996): at any point of the cycle each server has had its share so far, give or take less than
//! one turn. nginx's smooth order for weights 5, 1, 1 is `a a b a c a a`, which is four in a row
//! where cycles meet; this one is `a a a b a a c`, never more than three.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// How many turns of a cycle each of `weights` (none of them 0) gets: in lowest terms if their sum
/// is at most `bound`, else rounded in proportion to about `bound`, and at least one each.
pub(super) fn turns(weights: &[u32], bound: u32) -> Vec<u32> {
    let divisor = weights.iter().copied().fold(0, gcd).max(1);
    let total: u64 = weights.iter().map(|&weight| u64::from(weight / divisor)).sum();
    let bound = u64::from(bound);
    let share = |weight: u32| {
        let turns = u64::from(weight / divisor);
        let turns = if total <= bound { turns } else { (turns * bound + total / 2) / total };
        u32::try_from(turns).unwrap_or(u32::MAX).max(1)
    };
    let rounded: Vec<u32> = weights.iter().map(|&weight| share(weight)).collect();
    let divisor = rounded.iter().copied().fold(0, gcd).max(1);
    rounded.into_iter().map(|turns| turns / divisor).collect()
}

/// One cycle in which place `i` occurs `turns[i]` times, at least once each.
pub(super) fn interleave(turns: &[u32]) -> Vec<u32> {
    let length: u64 = turns.iter().copied().map(u64::from).sum();
    let mut cycle = Vec::with_capacity(usize::try_from(length).unwrap_or(0));
    let mut waiting: BinaryHeap<Reverse<(u64, Turn)>> = BinaryHeap::with_capacity(turns.len());
    let mut open: BinaryHeap<Reverse<Turn>> = BinaryHeap::with_capacity(turns.len());
    open.extend((0..).zip(turns).map(|(place, &of)| Reverse(Turn::new(length, place, 0, of))));
    for slot in 0..length {
        while let Some(&Reverse((opens, turn))) = waiting.peek()
            && opens <= slot
        {
            waiting.pop();
            open.push(Reverse(turn));
        }
        let Some(Reverse(turn)) = open.pop() else {
            debug_assert!(false, "windows up to a slot hold at least as many turns");
            break;
        };
        debug_assert!(slot < turn.closes, "every turn falls into its window");
        cycle.push(turn.place);
        let of = turns[turn.place as usize];
        if turn.number + 1 < of {
            let next = Turn::new(length, turn.place, turn.number + 1, of);
            waiting.push(Reverse((next.opens(length, of), next)));
        }
    }
    cycle
}

/// One turn, ordered by when its window closes and then by place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Turn {
    closes: u64,
    place: u32,
    number: u32,
}

impl Turn {
    fn new(length: u64, place: u32, number: u32, of: u32) -> Self {
        let closes = (length * (u64::from(number) + 1)).div_ceil(u64::from(of));
        Self { closes, place, number }
    }

    /// The first slot of its window.
    fn opens(self, length: u64, of: u32) -> u64 {
        length * u64::from(self.number) / u64::from(of)
    }
}

fn gcd(one: u32, other: u32) -> u32 {
    if other == 0 { one } else { gcd(other, one % other) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(turns: &[u32]) -> String {
        interleave(turns).into_iter().map(|place| ["a", "b", "c", "d"][place as usize]).collect()
    }

    #[test]
    fn turns_are_interleaved_smoothly() {
        let cases: [(&[u32], &str); 6] = [
            (&[1], "a"),
            (&[1, 1, 1], "abc"),
            (&[5, 1, 1], "aaabaac"),
            (&[2, 1], "aab"),
            (&[1, 3], "bbab"),
            (&[4, 2, 1, 1], "abacabad"),
        ];
        for (turns, cycle) in cases {
            assert_eq!(written(turns), cycle, "{turns:?}");
        }
    }

    #[test]
    fn no_server_has_more_in_a_row_than_its_share_makes_unavoidable_where_cycles_meet() {
        // Five of seven: two gaps to fill, so three in a row somewhere.
        let cycle = written(&[5, 1, 1]).repeat(2);
        assert!(cycle.contains("aaa") && !cycle.contains("aaaa"), "{cycle}");
    }

    #[test]
    fn turns_are_in_lowest_terms_or_rounded_to_the_bound() {
        assert_eq!(turns(&[1000, 3000, 500], 100), [2, 6, 1]);
        assert_eq!(turns(&[7, 7], 100), [1, 1]);
        assert_eq!(turns(&[1000, 999, 1], 100), [50, 50, 1]);
        assert!(turns(&[], 100).is_empty());
    }

    proptest! {
        #[test]
        fn at_every_point_of_a_cycle_each_server_is_within_a_turn_of_its_share(
            turns in prop::collection::vec(1..60_u32, 1..12),
        ) {
            let cycle = interleave(&turns);
            let length: u32 = turns.iter().sum();
            prop_assert_eq!(cycle.len(), length as usize);
            let mut had = vec![0_u32; turns.len()];
            for (slot, place) in (1..).zip(cycle) {
                had[place as usize] += 1;
                for (&had, &turns) in had.iter().zip(&turns) {
                    let (had, due) = (i64::from(had * length), i64::from(turns * slot));
                    prop_assert!((had - due).abs() < i64::from(length));
                }
            }
            prop_assert_eq!(had, turns);
        }

        #[test]
        fn rounded_turns_keep_to_the_bound_and_the_proportions(
            weights in prop::collection::vec(1..=1_000_000_u32, 1..50),
        ) {
            let turns = turns(&weights, 2_048);
            prop_assert!(turns.iter().all(|&turns| turns > 0));
            let total: f64 = turns.iter().map(|&turns| f64::from(turns)).sum();
            prop_assert!(total <= 2_048.0 + 50.0);
            let weight: f64 = weights.iter().map(|&weight| f64::from(weight)).sum();
            for (turns, weight_of) in turns.iter().zip(weights) {
                let off = f64::from(*turns) / total - f64::from(weight_of) / weight;
                prop_assert!(off.abs() < 0.02);
            }
        }
    }
}
