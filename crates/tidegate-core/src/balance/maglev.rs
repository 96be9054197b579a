//! Maglev's table: look-up in one step, shares even to about a percent (Eisenbud and others,
//! "Maglev: a fast and reliable software network load balancer", NSDI 2016, section 3.4).
//!
//! Each server prefers the table's slots in an order of its own, a walk of fixed stride from a
//! fixed start, and the servers claim slots in turn, each its most preferred free one. A server
//! of weight `w` sits out rounds so that it claims `w` slots while the heaviest, of weight `W`,
//! claims `W`. When a server joins or leaves, its share moves, and a little else, as claims shift.
//!
//! The size of the table is prime, so that every stride reaches every slot, and about a hundred
//! times the number of servers or more, as the paper advises. Between two sizes lies a number of
//! servers (655, then 2,621) where one server more moves nearly all keys: a ring has no such step.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::table::Placed;
use crate::model::ids::ServerIndex;
use crate::rng::{mix, scale};

/// The sizes to choose from, all prime.
pub(super) const SIZES: [usize; 3] = [65_537, 262_147, 1_048_583];
/// Slots a server should have on average.
const SLOTS_PER_SERVER: usize = 100;

/// The table.
#[derive(Debug)]
pub(super) struct Maglev {
    slots: Box<[ServerIndex]>,
}

impl Maglev {
    /// The table over `servers`, at least one, in an order that does not depend on the
    /// configuration's.
    pub(super) fn build(servers: &[Placed]) -> Self {
        let wanted = servers.len().saturating_mul(SLOTS_PER_SERVER);
        let largest = SIZES[SIZES.len() - 1];
        let size = SIZES.into_iter().find(|&size| size >= wanted).unwrap_or(largest);
        Self { slots: populate(servers, size) }
    }

    /// The owner of `key`.
    #[inline]
    pub(super) fn owner(&self, key: u64) -> ServerIndex {
        let slot = scale(key, self.slots.len() as u64);
        self.slots[usize::try_from(slot).unwrap_or(0)]
    }
}

fn populate(servers: &[Placed], size: usize) -> Box<[ServerIndex]> {
    let heaviest = servers.iter().map(|one| one.weight).max().unwrap_or(1);
    let mut walks: Vec<Walk> = servers.iter().map(|one| Walk::new(one, size)).collect();
    // Whose turn is next: by round, and within a round by place.
    let mut turns: BinaryHeap<Reverse<(u64, usize)>> =
        (0..servers.len()).map(|place| Reverse((0, place))).collect();
    let mut slots: Vec<Option<ServerIndex>> = vec![None; size];
    for _ in 0..size {
        let Some(mut turn) = turns.peek_mut() else { break };
        let place = turn.0.1;
        let slot = walks[place].claim(&slots);
        slots[slot] = Some(servers[place].server);
        turn.0.0 = walks[place].claims * u64::from(heaviest) / u64::from(servers[place].weight);
    }
    slots.into_iter().flatten().collect()
}

/// One server's way through the slots.
struct Walk {
    next: usize,
    stride: usize,
    size: usize,
    claims: u64,
}

impl Walk {
    fn new(server: &Placed, size: usize) -> Self {
        let below =
            |draw: u64, bound: usize| usize::try_from(scale(draw, bound as u64)).unwrap_or(0);
        let next = below(server.hash, size);
        let stride = below(mix(server.hash), size - 1) + 1;
        Self { next, stride, size, claims: 0 }
    }

    /// The first slot on the way that is free, of which there is one.
    fn claim(&mut self, slots: &[Option<ServerIndex>]) -> usize {
        self.claims += 1;
        loop {
            let slot = self.next;
            self.next = (self.next + self.stride) % self.size;
            if slots[slot].is_none() {
                return slot;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn servers(weights: &[u32]) -> Vec<Placed> {
        let place = |(position, &weight): (usize, &u32)| Placed {
            server: ServerIndex::new(position),
            hash: mix(position as u64 + 1),
            weight,
        };
        weights.iter().enumerate().map(place).collect()
    }

    fn slots(weights: &[u32]) -> Vec<usize> {
        let mut count = vec![0; weights.len()];
        Maglev::build(&servers(weights)).slots.iter().for_each(|one| count[one.position()] += 1);
        count
    }

    #[test]
    fn sizes_are_prime() {
        for size in SIZES {
            assert!((2..size).take_while(|factor| factor * factor <= size).all(|f| size % f != 0));
        }
    }

    #[test]
    fn equal_servers_own_equal_parts_within_a_percent() {
        for count in [1, 2, 10, 655, 1_000] {
            let slots = slots(&vec![1; count]);
            let (least, most) = (slots.iter().min(), slots.iter().max());
            let (least, most) = (*least.expect("one"), *most.expect("one"));
            assert!(most - least <= 1, "{count} servers: {least} to {most}");
        }
    }

    #[test]
    fn parts_follow_weights_and_nobody_is_left_without() {
        let slots = slots(&[1, 10, 100, 1000]);
        let size = SIZES[0] as f64;
        for (count, weight) in slots.iter().zip([1.0, 10.0, 100.0, 1000.0]) {
            assert!((*count as f64 / size - weight / 1111.0).abs() < 0.0005, "{slots:?}");
        }
        assert!(slots[0] > 0);
    }
}
