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
