//! What a session cookie says, before it is sealed.
//!
//! It belongs to the pool that a route names, and remembers a server of that pool and one of
//! another: while a rollout sends users to a candidate, the server that they had in stable is kept
//! in mind, and with it what it keeps of them, should they come back. A pick in one of the pools
//! reads and replaces what is said of that pool alone.
//!
//! It says when it was written, too. One that is not a quarter of its time old is left as it is, so
//! that most responses set no cookie; in return it holds a quarter longer, and so never less than
//! its time after its last use.
//!
//! And it has a number of its own, drawn when it began, so that sessions can be counted however
//! often they are written anew.
//!
//! The form is of one length: `version | number (4) | seconds since the epoch (4) | two times pool
//! (4) and server (8)`, big-endian. A pool of zero, which no name is to be expected to have, is
//! nothing.

use super::tag::{PoolTag, ServerTag};
use crate::time::{Duration, UnixTime};

/// Bytes of the form.
pub const LEN: usize = 1 + 4 + 4 + 2 * SLOT_LEN;

const SLOT_LEN: usize = 4 + 8;
const VERSION: u8 = 1;

/// The session of a user.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Remembered {
    number: u32,
    /// Seconds since the epoch.
    written: u32,
    slots: [Option<(PoolTag, ServerTag)>; 2],
}

/// How old something remembered is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Age {
    /// It holds, and there is no need to write it again.
    Fresh,
    /// It holds, and should be written again.
    Stale,
    /// It holds no more.
    Expired,
}

impl Remembered {
    /// The kind of thing that it is sealed for.
    pub const KIND: &'static str = "session";

    /// A session that begins, and knows of no server yet.
    #[must_use]
    pub fn begin(number: u32) -> Self {
        Self { number, ..Self::default() }
    }

    /// Its number, which no other session is likely to have.
    #[must_use]
    pub const fn number(&self) -> u32 {
        self.number
    }

    /// The server of a pool.
    #[must_use]
    pub fn server(&self, pool: PoolTag) -> Option<ServerTag> {
        self.slots.iter().flatten().find(|(other, _)| *other == pool).map(|(_, server)| *server)
    }

    /// The same from `now` on, with this server of `pool`. Beside it there is room for one other
    /// pool: for `home`, to which the cookie belongs, if that is not the pool itself.
    #[must_use]
    pub fn with(self, home: PoolTag, (pool, server): (PoolTag, ServerTag), now: UnixTime) -> Self {
        let other = if pool == home {
            self.slots.iter().flatten().find(|(one, _)| *one != home).copied()
        } else {
            self.server(home).map(|server| (home, server))
        };
        let written = u32::try_from(now.as_secs()).unwrap_or(u32::MAX);
        Self { written, slots: [Some((pool, server)), other], ..self }
    }

    /// How old it is when sessions hold for `ttl`. One that comes from the future, by the clock of
    /// another balancer, is as good as new.
    #[must_use]
    pub fn age(&self, ttl: Duration, now: UnixTime) -> Age {
        let seconds = now.as_secs().saturating_sub(u64::from(self.written));
        let age = Duration::from_secs(seconds);
        if age > lifetime(ttl) {
            Age::Expired
        } else if age >= ttl / 4 {
            Age::Stale
        } else {
            Age::Fresh
        }
    }

    /// The form of it.
    #[must_use]
    pub fn encode(&self) -> [u8; LEN] {
        let mut out = [0; LEN];
        out[0] = VERSION;
        out[1..5].copy_from_slice(&self.number.to_be_bytes());
        out[5..9].copy_from_slice(&self.written.to_be_bytes());
        for (place, slot) in out[9..].chunks_exact_mut(SLOT_LEN).zip(self.slots) {
            if let Some((PoolTag(pool), ServerTag(server))) = slot {
                place[..4].copy_from_slice(&pool.to_be_bytes());
                place[4..].copy_from_slice(&server.to_be_bytes());
            }
        }
        out
    }

    /// What has this form; `None`: a release that is yet to come wrote it.
    #[must_use]
    pub fn decode(bytes: &[u8; LEN]) -> Option<Self> {
        let (&[version], rest) = bytes.split_first_chunk()?;
        let (number, rest) = rest.split_first_chunk()?;
        let (written, mut rest) = rest.split_first_chunk()?;
        let mut slots = [None; 2];
        for slot in &mut slots {
            let (pool, behind) = rest.split_first_chunk()?;
            let (server, behind) = behind.split_first_chunk()?;
            let pool = u32::from_be_bytes(*pool);
            *slot = (pool != 0).then(|| (PoolTag(pool), ServerTag(u64::from_be_bytes(*server))));
            rest = behind;
        }
        let (number, written) = (u32::from_be_bytes(*number), u32::from_be_bytes(*written));
        (version == VERSION).then_some(Self { number, written, slots })
    }
}

/// How long a cookie is kept by whoever holds it, when sessions hold for `ttl`.
#[must_use]
pub fn lifetime(ttl: Duration) -> Duration {
    ttl + ttl / 4
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SHOP: PoolTag = PoolTag(7);
    const NEXT: PoolTag = PoolTag(8);
    const THIRD: PoolTag = PoolTag(9);
    const HOUR: Duration = Duration::from_secs(3600);

    fn at(seconds: u64) -> UnixTime {
        UnixTime::from_millis(seconds * 1000)
    }

    fn servers(session: Remembered) -> [Option<u64>; 3] {
        [SHOP, NEXT, THIRD].map(|pool| session.server(pool).map(|server| server.0))
    }

    fn placed(session: Remembered, pool: PoolTag, server: u64) -> Remembered {
        session.with(SHOP, (pool, ServerTag(server)), at(0))
    }

    #[test]
    fn the_old_server_is_kept_in_mind_beside_the_new() {
        let stable = placed(Remembered::default(), SHOP, 1);
        assert_eq!(servers(stable), [Some(1), None, None]);
        let both = placed(stable, NEXT, 2);
        assert_eq!(servers(both), [Some(1), Some(2), None]);
        assert_eq!(servers(placed(both, NEXT, 3)), [Some(1), Some(3), None], "it moved there");
        assert_eq!(servers(placed(both, SHOP, 4)), [Some(4), Some(2), None], "it moved here");
        assert_eq!(servers(placed(both, THIRD, 5)), [Some(1), None, Some(5)], "another candidate");
        let candidate = placed(Remembered::default(), NEXT, 6);
        assert_eq!(servers(candidate), [None, Some(6), None]);
        assert_eq!(servers(placed(candidate, SHOP, 7)), [Some(7), Some(6), None]);
        assert_eq!(servers(placed(candidate, THIRD, 8)), [None, None, Some(8)]);
    }

    #[test]
    fn it_holds_for_its_time_after_its_last_use() {
        let session = Remembered::begin(7).with(SHOP, (SHOP, ServerTag(1)), at(10_000));
        for (seconds, age) in [
            (0, Age::Fresh),
            (9_000, Age::Fresh),
            (10_899, Age::Fresh),
            (10_900, Age::Stale),
            // Used for the last time when it was as good as stale, and then not for an hour.
            (10_899 + 3_600, Age::Stale),
            (14_500, Age::Stale),
            (14_501, Age::Expired),
            (u64::MAX / 1000, Age::Expired),
        ] {
            assert_eq!(session.age(HOUR, at(seconds)), age, "at {seconds}");
        }
        let again = session.with(SHOP, (NEXT, ServerTag(2)), at(11_000));
        assert_eq!((session.number(), again.number()), (7, 7), "it is the same session");
    }

    #[test]
    fn the_form_of_another_release_is_nothing() {
        let mut bytes = placed(Remembered::default(), SHOP, 1).encode();
        assert!(Remembered::decode(&bytes).is_some());
        bytes[0] = 2;
        assert_eq!(Remembered::decode(&bytes), None);
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(
            first in proptest::option::of((1_u32.., any::<u64>())),
            second in proptest::option::of((1_u32.., any::<u64>())),
            number: u32,
            written: u32,
        ) {
            let slot = |(pool, server)| (PoolTag(pool), ServerTag(server));
            let slots = [first.map(slot), second.map(slot)];
            let session = Remembered { number, written, slots };
            prop_assert_eq!(Remembered::decode(&session.encode()), Some(session));
        }

        #[test]
        fn any_bytes_are_one_session_or_none(mut bytes: [u8; LEN], current: bool) {
            if current {
                bytes[0] = VERSION;
            }
            let decoded = Remembered::decode(&bytes);
            prop_assert_eq!(decoded.is_some(), bytes[0] == VERSION);
            if let Some(session) = decoded {
                prop_assert_eq!(Remembered::decode(&session.encode()), Some(session));
            }
        }
    }
}
