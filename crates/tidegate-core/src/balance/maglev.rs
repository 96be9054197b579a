//! Maglev's table: look-up in one step, shares even to about a percent (Eisenbud and others,
//! "Maglev: a fast and reliable software network load balancer", NSDI 2016, section 3.4).
//!
//! Each server prefers the table's slots in an order of its own, a walk of fixed stride from a
//! fixed start, and the servers claim slots in turn, each its most preferred free one. A server
//! of weight `w` skips turns so that it claims `w` slots while the heaviest, of weight `W`, claims
//! `W`. When a server joins or leaves, its share moves, and a little else, as claims shift.
//!
//! The size of the table is prime, so that every stride reaches every slot, and about a hundred
//! times the number of servers or more, as the paper advises. Between two sizes lies a number of
//! servers (655, then 2,621) where one server more moves nearly all keys: a ring has no such step.

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
    let mut slots: Vec<Option<ServerIndex>> = vec![None; size];
    let mut free = size;
    while free > 0 {
        for (walk, server) in walks.iter_mut().zip(servers) {
            if free == 0 {
                break;
            }
            if walk.may_claim(server.weight, heaviest) {
                let slot = walk.first_free(&slots);
                slots[slot] = Some(server.server);
                free -= 1;
            }
        }
    }
    slots.into_iter().flatten().collect()
}

/// One server's way through the slots.
struct Walk {
    next: usize,
    stride: usize,
    size: usize,
    /// Turns it is entitled to, in parts of the heaviest server's weight.
    credit: u32,
}

impl Walk {
    fn new(server: &Placed, size: usize) -> Self {
        let below = |draw: u64, bound: usize| {
            usize::try_from(scale(draw, bound as u64)).unwrap_or(0)
        };
        let next = below(server.hash, size);
        let stride = below(mix(server.hash), size - 1) + 1;
        // Nobody is left without a slot, however light.
        Self { next, stride, size, credit: u32::MAX }
    }

    fn may_claim(&mut self, weight: u32, heaviest: u32) -> bool {
        if self.credit == u32::MAX {
            self.credit = 0;
            return true;
        }
        self.credit += weight;
        let may = self.credit >= heaviest;
        if may {
            self.credit -= heaviest;
        }
        may
    }

    /// The first free slot on the way, of which there is one.
    fn first_free(&mut self, slots: &[Option<ServerIndex>]) -> usize {
        loop {
            let slot = self.next;
            self.next = (self.next + self.stride) % self.size;
            if slots[slot].is_none() {
                return slot;
            }
        }
    }
}
