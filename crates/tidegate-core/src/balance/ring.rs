//! A ring of points (Karger and others, "Consistent hashing and random trees", STOC 1997).
//!
//! Each server stands at many points of a circle, as many per weight as in nginx's and ketama's
//! rings, and owns the keys between each of its points and the one before. A server that joins
//! or leaves moves exactly the keys of its own points. Shares are even to about 8 % (one over the
//! root of the points per server), against Maglev's one.
//!
//! Finding a key's point takes an index by the leading bits, with about half as many entries as
//! there are points, and a search among the few points that share them. Points keep their leading
//! 32 bits only, so that a ring of a thousand servers stays close to the processor.

use super::table::Placed;
use crate::model::ids::ServerIndex;
use crate::rng::mix;

/// Points of a server of weight 1.
const POINTS_PER_WEIGHT: u64 = 160;
/// The most points of a ring. Where weights ask for more, the points per weight are halved until
/// they fit; every server keeps at least one.
const POINTS_MAX: u64 = 1 << 18;

/// The ring.
#[derive(Debug)]
pub(super) struct Ring {
    /// In ascending order.
    points: Box<[Point]>,
    /// For each value of the leading bits the first point that has it or a higher one, and the
    /// number of points at the end.
    index: Box<[u32]>,
    /// How many trailing bits the index ignores.
    shift: u32,
}

/// A place on the circle, 2^32 steps around.
#[derive(Clone, Copy, Debug)]
struct Point {
    at: u32,
    owner: ServerIndex,
}

impl Ring {
    /// The ring of `servers`, at least one.
    pub(super) fn build(servers: &[Placed]) -> Self {
        let halvings = halvings(servers);
        let mut hashes: Vec<(u64, ServerIndex)> = Vec::new();
        for server in servers {
            let points = (0..points(server.weight, halvings))
                .map(|number| (mix(server.hash.wrapping_add(mix(number + 1))), server.server));
            hashes.extend(points);
        }
        // Whole hashes, so that points that coincide have an order all the same.
        hashes.sort_unstable();
        let points: Box<[Point]> =
            hashes.iter().map(|&(hash, owner)| Point { at: leading(hash), owner }).collect();
        let shift = points.len().next_power_of_two().leading_zeros().clamp(33, 62) - 30;
        Self { index: index(&points, shift), points, shift }
    }

    /// The owner of `key`: whose point is at it or first after it.
    #[inline]
    pub(super) fn owner(&self, key: u64) -> ServerIndex {
        let key = leading(key);
        let entry = (key >> self.shift) as usize;
        let (from, to) = (self.index[entry] as usize, self.index[entry + 1] as usize);
        let next = from + self.points[from..to].partition_point(|point| point.at < key);
        // Past the last point the circle begins again.
        self.points[if next == self.points.len() { 0 } else { next }].owner
    }
}

/// The leading half of a hash.
const fn leading(hash: u64) -> u32 {
    (hash >> 32) as u32
}

/// The points of a server.
fn points(weight: u32, halvings: u32) -> u64 {
    ((u64::from(weight) * POINTS_PER_WEIGHT) >> halvings).max(1)
}

fn halvings(servers: &[Placed]) -> u32 {
    let total = |halvings: u32| -> u64 {
        servers.iter().map(|server| points(server.weight, halvings)).sum()
    };
    (0..32).find(|&halvings| total(halvings) <= POINTS_MAX).unwrap_or(32)
}

fn index(points: &[Point], shift: u32) -> Box<[u32]> {
    let entries = 1u64 << (32 - shift);
    let mut next = 0;
    (0..=entries)
        .map(|entry| {
            while next < points.len() && u64::from(points[next].at >> shift) < entry {
                next += 1;
            }
            u32::try_from(next).unwrap_or(u32::MAX)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Rng;

    fn ring(weights: &[u32]) -> Ring {
        let place = |(position, &weight): (usize, &u32)| Placed {
            server: ServerIndex::new(position),
            hash: mix(position as u64 + 1),
            weight,
        };
        Ring::build(&weights.iter().enumerate().map(place).collect::<Vec<_>>())
    }

    #[test]
    fn a_look_up_finds_what_a_search_through_all_points_finds() {
        for weights in [vec![1], vec![1; 3], vec![1000; 3], vec![1, 1000, 7], vec![1; 1_000]] {
            let ring = ring(&weights);
            let mut rng = Rng::new(5);
            let at = |point: &Point| u64::from(point.at) << 32;
            let last = at(&ring.points[ring.points.len() - 1]);
            let edges = [0, 1, u64::MAX, last, last.saturating_add(1 << 32)];
            let points = ring.points.iter().take(20).flat_map(|one| [at(one), at(one) + (1 << 32)]);
            let drawn: Vec<u64> = (0..200).map(|_| rng.draw()).chain(edges).chain(points).collect();
            for key in drawn {
                let after = ring.points.iter().find(|point| point.at >= leading(key));
                assert_eq!(ring.owner(key), after.unwrap_or(&ring.points[0]).owner);
            }
        }
    }

    #[test]
    fn weights_beyond_the_room_thin_the_points_out_evenly() {
        let ring = ring(&[1, 500, 1000, 1000]);
        assert!(ring.points.len() <= 1 << 18);
        let of = |server: usize| {
            ring.points.iter().filter(|point| point.owner.position() == server).count()
        };
        assert_eq!(of(2), of(3));
        assert_eq!(of(2), 2 * of(1));
        assert!(of(0) >= 1);
    }
}
