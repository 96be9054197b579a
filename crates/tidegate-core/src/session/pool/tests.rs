//! What a pool remembers, over changes of its members and of its configuration.

use std::num::NonZeroU32;

use super::*;
use crate::model::ids::{PoolName, ServerName};
use crate::model::ratio::Weight;
use crate::model::server::{Availability, Server, ServerId, ServerState};
use crate::model::session::{OnScaleIn, SameSite, SessionCookie, SessionKey, Strength};
use crate::session::id::IdSecret;

const HOUR: Duration = Duration::from_secs(3600);

fn table(cookie: &str, entries: u32) -> Session {
    session(SessionMode::Table(SessionTable {
        key: SessionKey::Cookie(cookie.to_owned()),
        ttl: HOUR,
        entries: NonZeroU32::new(entries).expect("not zero"),
    }))
}

fn cookie() -> Session {
    session(SessionMode::Cookie(SessionCookie {
        name: "tidegate_shop".to_owned(),
        path: "/".to_owned(),
        domain: None,
        same_site: SameSite::Lax,
        ttl: HOUR,
    }))
}

fn session(mode: SessionMode) -> Session {
    Session { mode, strength: Strength::Soft, on_scale_in: OnScaleIn::Move }
}

fn member(id: u64) -> Member {
    let server = Server {
        name: ServerName::new(&format!("s{id}")),
        address: ([127, 0, 0, 1], 9000 + id as u16).into(),
        weight: Weight::ONE,
        backup: false,
        zone: None,
    };
    let state = ServerState::new(ServerId(id), Availability::Healthy, Weight::ONE);
    Member { server, state: Arc::new(state) }
}

fn at(seconds: u64) -> Instant {
    Instant::ZERO + Duration::from_secs(seconds)
}

fn first(session: &Session, members: &[Member]) -> PoolSessions {
    PoolSessions::new(session, members, None, IdSecret::default(), at(0))
}

/// The pool after a change.
fn next(
    (session, sessions, members): (&Session, &PoolSessions, &[Member]),
    then: &Session,
    those: &[Member],
) -> PoolSessions {
    let before = Before { session, sessions, members };
    PoolSessions::new(then, those, Some(before), IdSecret::default(), at(1))
}

fn tags(members: &[Member]) -> Tags {
    let servers: Vec<Server> = members.iter().map(|member| member.server.clone()).collect();
    Tags::new(&PoolName::new("shop"), &servers)
}

/// What the server at this place is called.
fn tag(members: &[Member], place: usize) -> ServerTag {
    tags(members).of(ServerIndex::new(place))
}

/// What the members have, counted.
fn counted(sessions: &PoolSessions, members: &[Member], seconds: u64) -> Vec<Option<u32>> {
    sessions.count(members, &tags(members), at(seconds));
    members.iter().map(|member| member.state.sessions()).collect()
}

#[test]
fn a_session_is_known_after_members_came_and_went() {
    let (settings, members) = (table("JSESSIONID", 100), [member(1), member(2), member(3)]);
    let before = first(&settings, &members);
    before.learn(b"anna", tag(&members, 2), at(0));
    before.learn(b"ben", tag(&members, 1), at(0));
    let left = [member(4), members[2].clone()];
    let after = next((&settings, &before, &members), &settings, &left);
    let home = |name| after.home(name, at(1)).map(|server| tags(&left).find(server));
    assert_eq!(home(&b"anna"[..]), Some(Some(ServerIndex::new(1))), "it is in another place");
    assert_eq!(home(&b"ben"[..]), Some(None), "its server is gone");
    assert_eq!(counted(&after, &left, 1), [Some(0), Some(1)]);
    after.learn(b"ben", tag(&left, 0), at(1));
    assert_eq!(counted(&after, &left, 1), [Some(1), Some(1)]);
    after.forget(b"ben", at(2));
    assert_eq!(counted(&after, &left, 2), [Some(0), Some(1)]);
}

#[test]
fn a_table_outlives_another_size_and_not_another_key() {
    let (settings, members) = (table("JSESSIONID", 100), [member(1)]);
    let before = first(&settings, &members);
    before.learn(b"anna", tag(&members, 0), at(0));
    let to = |settings: &Session| {
        next((&table("JSESSIONID", 100), &before, &members), settings, &members)
    };
    for (settings, is_known) in
        [(table("JSESSIONID", 7), true), (table("PHPSESSID", 100), false), (cookie(), false)]
    {
        assert_eq!(to(&settings).home(b"anna", at(1)).is_some(), is_known, "{settings:?}");
    }
}

#[test]
fn who_was_seen_counts_until_nobody_was_for_a_while() {
    let (settings, members) = (cookie(), [member(1), member(2)]);
    let before = first(&settings, &members);
    before.mark(ServerIndex::new(1), 7);
    before.mark(ServerIndex::new(1), 8);
    before.mark(ServerIndex::new(1), 8);
    assert_eq!(counted(&before, &members, 0), [Some(0), Some(2)]);
    let turned = [members[1].clone(), members[0].clone()];
    let after = next((&settings, &before, &members), &settings, &turned);
    assert_eq!(counted(&after, &turned, 1), [Some(2), Some(0)]);
    assert_eq!(counted(&after, &turned, 300), [Some(2), Some(0)]);
    assert_eq!(counted(&after, &turned, 600), [Some(0), Some(0)]);
    assert!(!before.knows_all(at(299)) && before.knows_all(at(300)));
    assert!(after.knows_all(at(300)), "a reload is no new beginning");
}

/// A store that has lost its connection to the others.
#[derive(Debug)]
struct Broken;

impl Store for Broken {
    type Error = std::fmt::Error;

    fn get(&self, _: SessionId, _: Instant) -> Result<Option<ServerTag>, Self::Error> {
        Err(std::fmt::Error)
    }

    fn put(&self, _: SessionId, _: Home) -> Result<(), Self::Error> {
        Err(std::fmt::Error)
    }

    fn remove(&self, _: SessionId, _: Instant) -> Result<(), Self::Error> {
        Err(std::fmt::Error)
    }
}

#[test]
fn a_store_that_fails_knows_nobody() {
    assert_eq!(recall(&Broken, SessionId::from_bits(1), at(0)), None);
    let (table, home) =
        (Table::new(NonZeroU32::MIN, HOUR), Home { server: ServerTag(7), at: at(0) });
    let Ok(()) = table.put(SessionId::from_bits(1), home);
    assert_eq!(recall(&table, SessionId::from_bits(1), at(0)), Some(ServerTag(7)));
}
