//! A ring of points (Karger and others, "Consistent hashing and random trees", STOC 1997).
//!
//! Each server stands at many points of a circle, as many per weight as in nginx's and ketama's
//! rings, and owns the keys between each of its points and the one before. A server that joins
//! or leaves moves exactly the keys of its own points. Shares are even to about 8 % (one over the
//! root of the points per server), against Maglev's one.
//!
//! Finding a key's point takes an index by the leading bits, with about as many entries as there
//! are points, and a search among the few points that share them.

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
    /// Where points are, ascending, and whose. Side by side, for a look-up to miss the cache once.
    points: Box<[(u64, ServerIndex)]>,
    /// For each value of the leading bits the first point that has it or a higher one, and the
    /// number of points at the end.
    index: Box<[u32]>,
    /// How many trailing bits the index ignores.
    shift: u32,
}

impl Ring {
    /// The ring of `servers`, at least one.
    pub(super) fn build(servers: &[Placed]) -> Self {
        let halvings = halvings(servers);
        let mut all: Vec<(u64, ServerIndex)> = Vec::new();
        for server in servers {
            let points = (0..points(server.weight, halvings))
                .map(|number| (mix(server.hash.wrapping_add(mix(number + 1))), server.server));
            all.extend(points);
        }
        // Should two points coincide, the owner's place decides: any rule will do, if it is one.
        all.sort_unstable();
        let shift = all.len().next_power_of_two().leading_zeros().clamp(1, 62) + 1;
        Self { index: index(&all, shift), points: all.into(), shift }
    }

    /// The owner of `key`: whose point is at it or first after it.
    #[inline]
    pub(super) fn owner(&self, key: u64) -> ServerIndex {
        let leading = usize::try_from(key >> self.shift).unwrap_or(0);
        let (from, to) = (self.index[leading] as usize, self.index[leading + 1] as usize);
        let point = from + self.points[from..to].partition_point(|&(point, _)| point < key);
        // Past the last point the circle begins again.
        self.points[if point == self.points.len() { 0 } else { point }].1
    }
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

fn index(points: &[(u64, ServerIndex)], shift: u32) -> Box<[u32]> {
    let entries = 1u64 << (64 - shift);
    let mut next = 0;
    (0..=entries)
        .map(|leading| {
            while next < points.len() && points[next].0 >> shift < leading {
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
            let edges = [0, 1, u64::MAX, ring.points[0].0, ring.points[ring.points.len() - 1].0];
            let next = ring.points.iter().take(20).map(|point| point.0.wrapping_add(1));
            let drawn: Vec<u64> = (0..200).map(|_| rng.draw()).chain(edges).chain(next).collect();
            for key in drawn {
                let after = ring.points.iter().find(|point| point.0 >= key);
                assert_eq!(ring.owner(key), after.unwrap_or(&ring.points[0]).1);
            }
        }
    }

    #[test]
    fn weights_beyond_the_room_thin_the_points_out_evenly() {
        let ring = ring(&[1, 500, 1000, 1000]);
        assert!(ring.points.len() <= 1 << 18);
        let of =
            |server: usize| ring.points.iter().filter(|point| point.1.position() == server).count();
        assert_eq!(of(2), of(3));
        assert_eq!(of(2), 2 * of(1));
        assert!(of(0) >= 1);
    }
}
