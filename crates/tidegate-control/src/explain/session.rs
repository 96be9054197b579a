//! What keeps the user of a request on a server, and what it says of this one.
//!
//! Looking at a session does not use it. Whether its server is left because it is far busier than
//! the others depends on the load of the moment, and is not told.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use tidegate_core::http::head::Head;
use tidegate_core::model::server::{Member, Rotation};
use tidegate_core::model::session::{
    Session, SessionCookie, SessionKey, SessionMode, SessionTable, Strength,
};
use tidegate_core::session::cookie::{Age, LEN, Remembered};
use tidegate_core::session::tag::ServerTag;
use tidegate_core::snapshot::PoolEntry;
use tidegate_net::clock;
use tidegate_net::seal::Purpose;

use super::keys::Keys;

/// What keeps a user on a server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sticking {
    /// `cookie`, `ip-hash` or `table`.
    pub mode: Cow<'static, str>,
    /// `soft` or `hard`.
    pub strength: Cow<'static, str>,
    /// What is looked at.
    pub by: String,
    /// What that means for this request.
    pub meaning: String,
    /// The server that the session names, if it is known and there.
    pub server: Option<String>,
}

/// The pools of a request: the one that its route names, whose rules hold, and the one that serves.
#[derive(Clone, Copy)]
pub(super) struct Pools<'a> {
    pub(super) home: &'a PoolEntry,
    pub(super) serving: &'a PoolEntry,
}

/// What keeps the user of this request; `None`: nothing does.
pub(super) fn told(pools: Pools<'_>, head: &Head, keys: Keys<'_>) -> Option<Sticking> {
    let session = pools.home.pool.session.as_deref()?;
    let (mode, by, (meaning, server)) = match &session.mode {
        SessionMode::Cookie(asked) => {
            ("cookie", format!("cookie {}", asked.name), by_cookie(pools, asked, head, keys))
        }
        SessionMode::IpHash => {
            let meaning = "the same network meets the same server while that is there";
            ("ip-hash", "the client's network".to_owned(), (meaning.to_owned(), None))
        }
        SessionMode::Table(asked) => ("table", key(&asked.key), by_table(pools, asked, head)),
    };
    let strength = strength(session).into();
    Some(Sticking { mode: mode.into(), strength, by, meaning, server })
}

const fn strength(session: &Session) -> &'static str {
    match session.strength {
        Strength::Soft => "soft",
        Strength::Hard => "hard",
    }
}

fn key(key: &SessionKey) -> String {
    match key {
        SessionKey::Cookie(name) => format!("cookie {name}"),
        SessionKey::Header(name) => format!("header {name}"),
    }
}

/// A meaning, and the server.
type Meaning = (String, Option<String>);

fn unknown(meaning: &str) -> Meaning {
    (meaning.to_owned(), None)
}

fn by_cookie(pools: Pools<'_>, asked: &SessionCookie, head: &Head, keys: Keys<'_>) -> Meaning {
    if head.cookies(&asked.name).next().is_none() {
        return unknown("it carries none: a server is picked, and the response sets one");
    }
    if !keys.are_known() {
        return unknown("it may name a server, and takes the balancer's keys to read");
    }
    let purpose = Purpose::of(Remembered::KIND, pools.home.pool.name.as_str());
    let open = |text| Remembered::decode(&keys.open::<LEN>(&purpose, text)?);
    let Some(remembered) = head.cookies(&asked.name).find_map(open) else {
        return unknown("it is none of ours for this pool: the response sets another");
    };
    if remembered.age(asked.ttl, clock::unix_time()) == Age::Expired {
        return unknown("its time is over: the response sets another");
    }
    match remembered.server(pools.serving.tags.pool()) {
        Some(tag) => names(pools.serving, tag),
        None => unknown("it names no server of this pool: one is picked, and kept from then on"),
    }
}

fn by_table(pools: Pools<'_>, asked: &SessionTable, head: &Head) -> Meaning {
    let name = match &asked.key {
        SessionKey::Cookie(name) => head.cookies(name).next(),
        SessionKey::Header(name) => head.values(name).next(),
    };
    let Some(name) = name.filter(|name| !name.is_empty()) else {
        return unknown("it carries none: a server is picked");
    };
    let sessions = pools.serving.sessions.as_ref();
    match sessions.and_then(|sessions| sessions.peek(name, clock::now())) {
        Some(tag) => names(pools.serving, tag),
        None => unknown("the table does not know it: a server is picked, and kept from then on"),
    }
}

/// What becomes of a session that names this server.
fn names(entry: &PoolEntry, tag: ServerTag) -> Meaning {
    let Some(server) = entry.tags.find(tag) else {
        return unknown("it names a server that is gone: the session moves");
    };
    let member = &entry.members[server.position()];
    let name = member.server.name.to_string();
    let meaning = match member.state.rotation() {
        Rotation::Leaving => format!("it names {name}, which is leaving: the session moves"),
        Rotation::In | Rotation::Draining if can_serve(member) => format!("it names {name}"),
        _ => format!("it names {name}, which cannot be had now: the session moves"),
    };
    (meaning, Some(name))
}

fn can_serve(Member { state, .. }: &Member) -> bool {
    state.weight() > 0 && state.availability().is_available()
}
