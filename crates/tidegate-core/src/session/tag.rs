//! Tags: pools and servers as numbers that fit into a cookie.
//!
//! They are made of names, so that they mean the same to every balancer in front of a pool and
//! after every restart, and the same server in another place of the file. Two servers of a pool
//! with one tag are not to be expected: of ten thousand that happens once in 10^11 pools, and
//! then their sessions find the first of them.

use rapidhash::v3::{RapidSecrets, rapidhash_v3_seeded};

use crate::model::ids::{PoolName, ServerIndex};
use crate::model::server::Server;

/// A pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PoolTag(pub u32);

/// A server of a pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServerTag(pub u64);

/// The tags of a pool and its servers.
#[derive(Debug)]
pub struct Tags {
    pool: PoolTag,
    /// In the order of the pool.
    servers: Vec<ServerTag>,
    /// In the order of tags.
    places: Vec<(ServerTag, ServerIndex)>,
}

impl Tags {
    /// The tags of `pool`, which has these servers.
    #[must_use]
    pub fn new(pool: &PoolName, servers: &[Server]) -> Self {
        let of_pool = hash(0, pool.as_str());
        let tag = |server: &Server| ServerTag(hash(of_pool, server.name.as_str()));
        let servers: Vec<ServerTag> = servers.iter().map(tag).collect();
        let places = servers.iter().enumerate();
        let mut places: Vec<_> = places.map(|(i, tag)| (*tag, ServerIndex::new(i))).collect();
        places.sort_unstable();
        // Half of the hash will do: no cookie speaks of more than two pools.
        Self { pool: PoolTag((of_pool >> 32) as u32), servers, places }
    }

    /// The pool's.
    #[must_use]
    pub const fn pool(&self) -> PoolTag {
        self.pool
    }

    /// That of a server of the pool.
    #[must_use]
    pub fn of(&self, server: ServerIndex) -> ServerTag {
        self.servers[server.position()]
    }

    /// The server with this tag, if it is in the pool.
    #[must_use]
    pub fn find(&self, tag: ServerTag) -> Option<ServerIndex> {
        let place = self.places.partition_point(|(other, _)| *other < tag);
        self.places.get(place).filter(|(other, _)| *other == tag).map(|(_, server)| *server)
    }
}

fn hash(seed: u64, name: &str) -> u64 {
    rapidhash_v3_seeded(name.as_bytes(), &RapidSecrets::seed_cpp(seed))
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, SocketAddr};

    use super::*;
    use crate::model::ids::ServerName;
    use crate::model::ratio::Weight;

    fn server(name: &str) -> Server {
        Server {
            name: ServerName::new(name),
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, 1)),
            weight: Weight::new(1).expect("in range"),
            backup: false,
            zone: None,
        }
    }

    fn tags(pool: &str, servers: &[&str]) -> Tags {
        let servers: Vec<_> = servers.iter().map(|name| server(name)).collect();
        Tags::new(&PoolName::new(pool), &servers)
    }

    #[test]
    fn a_tag_finds_its_server_wherever_that_stands() {
        let (before, after) = (tags("shop", &["a", "b", "c"]), tags("shop", &["c", "a"]));
        let of = |place| before.of(ServerIndex::new(place));
        for place in 0..3 {
            assert_eq!(before.find(of(place)), Some(ServerIndex::new(place)));
        }
        assert_eq!(after.find(of(0)), Some(ServerIndex::new(1)));
        assert_eq!(after.find(of(1)), None, "it is gone");
        assert_eq!(after.find(of(2)), Some(ServerIndex::new(0)));
    }

    #[test]
    fn a_server_of_another_pool_is_another() {
        let (one, other) = (tags("shop", &["a"]), tags("shop2", &["a"]));
        assert_ne!(one.pool(), other.pool());
        assert_eq!(other.find(one.of(ServerIndex::new(0))), None);
    }

    #[test]
    fn tags_are_the_same_in_every_release() {
        let tags = tags("shop", &["127.0.0.1:9001"]);
        let expected = (PoolTag(POOL), ServerTag(SERVER));
        assert_eq!((tags.pool(), tags.of(ServerIndex::new(0))), expected);
    }

    const POOL: u32 = 3_919_958_918;
    const SERVER: u64 = 5_491_267_331_861_234_358;
}
