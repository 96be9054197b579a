//! Step 5 of 8: the server that a user's session names. From `retry`, for `pick`; and on the way
//! back, from the relay, the cookie or the table that remembers where the user is.
//!
//! The rules and the cookie are those of the pool that the route names, the user's home; what is
//! picked from is the pool where the request goes. A session is where its last request was served:
//! when its server is gone, or failed this request and another took it, it has moved, and does not
//! go back. A cookie that we did not seal for this pool, or whose time is over, is no session.

use std::cell::RefCell;
use std::sync::Arc;

use tidegate_core::balance::balancer::Preference;
use tidegate_core::balance::overload::Leave;
use tidegate_core::http::head::Head;
use tidegate_core::http::reply::ReplyHead;
use tidegate_core::http::set_cookie::SetCookie;
use tidegate_core::model::ids::ServerIndex;
use tidegate_core::model::session::{Session, SessionCookie, SessionKey, SessionMode};
use tidegate_core::session::cookie::{self, Age, Remembered};
use tidegate_core::session::lesson::{Lesson, lesson};
use tidegate_core::session::tag::{PoolTag, ServerTag};
use tidegate_core::telemetry::session::{CookieRefusal, Moved};
use tidegate_core::time::Instant;
use tidegate_net::clock;
use tidegate_net::seal::{Keyring, Purpose};

use super::Course;
use super::state::Exchange;
use crate::downstream::client::Client;
use crate::view::PoolView;
use crate::worker::Worker;

/// Cookies of the right name that are looked at: browsers send one for each path and domain.
const COOKIES_MAX: usize = 2;

/// What is known of the session of an exchange.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Standing {
    /// What the client's cookie says, and how old it is.
    remembered: Option<(Remembered, Age)>,
    /// The server that the table names.
    home: Option<ServerTag>,
    /// Why the server that is remembered cannot be had.
    moved: Option<Moved>,
}

/// The last cookie of a connection that opened: it mostly comes again, as it is.
#[derive(Debug, Default)]
pub(crate) struct Seen(RefCell<Option<Opened>>);

#[derive(Debug)]
struct Opened {
    keys: Arc<Keyring>,
    home: PoolTag,
    text: Box<[u8]>,
    remembered: Remembered,
}

/// Reads the session of a request.
pub(super) fn begin(worker: &Worker, client: &Client, x: &mut Exchange, course: &Course<'_>) {
    x.session = Standing::default();
    let home = course.home;
    let Some(SessionMode::Cookie(asked)) = home.session().map(|session| &session.mode) else {
        return;
    };
    let mut refusal = None;
    for text in x.head.cookies(&asked.name).take(COOKIES_MAX) {
        let opened = open(worker, client, home, text);
        match opened.map(|one| (one, one.age(asked.ttl, clock::unix_time()))) {
            Some((_, Age::Expired)) => refusal = Some(CookieRefusal::Expired),
            Some(held) => {
                x.session.remembered = Some(held);
                return;
            }
            None => refusal = refusal.or(Some(CookieRefusal::Unsealed)),
        }
    }
    if let Some(refusal) = refusal {
        home.cells.record_cookie(refusal);
    }
}

/// What a cookie says, if we sealed it for this pool.
fn open(worker: &Worker, client: &Client, home: &PoolView, text: &[u8]) -> Option<Remembered> {
    let contexts = worker.shared.contexts.load();
    let (keys, tag) = (&contexts.keys, home.entry.tags.pool());
    let seen = &client.origin.seen.0;
    if let Some(seen) = seen.borrow().as_ref()
        && seen.home == tag
        && *seen.text == *text
        && Arc::ptr_eq(&seen.keys, keys)
    {
        return Some(seen.remembered);
    }
    let mut plain = [0; cookie::LEN];
    let length = keys.open(&home.purpose, text, &mut plain)?;
    let remembered = (length == plain.len()).then(|| Remembered::decode(&plain))??;
    let (keys, text) = (Arc::clone(keys), text.into());
    *seen.borrow_mut() = Some(Opened { keys, home: tag, text, remembered });
    Some(remembered)
}

/// The server that the session names, if it can be had and was not tried.
pub(super) fn server(x: &mut Exchange, course: &Course<'_>, now: Instant) -> Option<ServerIndex> {
    let session = course.home.session()?;
    let (tags, entry) = (&course.pool.entry.tags, &course.pool.entry);
    let remembered = match &session.mode {
        SessionMode::Cookie(_) => x.session.remembered?.0.server(tags.pool())?,
        SessionMode::Table(asked) => {
            let name = named(&asked.key, &x.head)?;
            let home = entry.sessions.as_ref()?.home(name, now)?;
            x.session.home = Some(home);
            home
        }
        // The pool balances by the client's network.
        SessionMode::IpHash => return None,
    };
    let gone = |why| Leave { why, towards: None };
    let kept = tags.find(remembered).ok_or_else(|| gone(Moved::Gone)).and_then(|server| {
        if x.tried.contains(&server) {
            return Err(gone(Moved::Failed));
        }
        let preference = Preference { server, strength: session.strength };
        let epoch = entry.state.epoch();
        course.pool.balancer.borrow_mut().keep(&entry.members, epoch, &preference, now)
    });
    let Err(leave) = kept else { return kept.ok() };
    x.session.moved = Some(leave.why);
    leave.towards.filter(|server| !x.tried.contains(server))
}

/// What the application calls the session of a request.
fn named<'h>(key: &'h SessionKey, head: &'h Head) -> Option<&'h [u8]> {
    let name = match key {
        SessionKey::Cookie(name) => head.cookies(name).next(),
        SessionKey::Header(name) => head.values(name).next(),
    };
    name.filter(|name| !name.is_empty())
}

/// A server was picked by this key: who balances by the client's network counts the networks.
pub(super) fn picked(course: &Course<'_>, server: ServerIndex, key: Option<u64>) {
    let is_ip_hash = |session: &Session| session.mode == SessionMode::IpHash;
    if course.home.session().is_some_and(is_ip_hash)
        && let (Some(sessions), Some(key)) = (&course.pool.entry.sessions, key)
    {
        sessions.mark(server, key);
    }
}

/// The response begins: what remembers the session learns where it is.
pub(super) fn tell(
    worker: &Worker,
    client: &Client,
    x: &mut Exchange,
    course: &Course<'_>,
    reply: &ReplyHead,
) {
    let Some(server) = x.server.filter(|_| !x.is_copy()) else { return };
    match course.home.session().map(|session| &session.mode) {
        Some(SessionMode::Cookie(asked)) => set(worker, client, x, course, (asked, server)),
        Some(SessionMode::Table(asked)) => teach(x, course, (&asked.key, server), reply),
        Some(SessionMode::IpHash) | None => {}
    }
}

/// Teaches the table: what the request calls its session, if that is news, and what the response
/// has it called from now on.
fn teach(
    x: &Exchange,
    course: &Course<'_>,
    (key, server): (&SessionKey, ServerIndex),
    reply: &ReplyHead,
) {
    let Some(sessions) = &course.pool.entry.sessions else { return };
    let (tag, now) = (course.pool.entry.tags.of(server), clock::now());
    let name = named(key, &x.head);
    match (name, x.session.home) {
        (Some(name), home) if home != Some(tag) => {
            let cells = &course.home.cells;
            match home {
                Some(_) => cells.record_move(x.session.moved.unwrap_or(Moved::Failed)),
                None => cells.sessions_assigned.increment(),
            }
            sessions.learn(name, tag, now);
        }
        _ => {}
    }
    let SessionKey::Cookie(cookie) = key else { return };
    for taught in reply.values("set-cookie").filter_map(|field| lesson(field, cookie)) {
        match taught {
            Lesson::Begins(new) => sessions.learn(new, tag, now),
            Lesson::Ends => name.into_iter().for_each(|name| sessions.forget(name, now)),
        }
    }
}

/// Has the response set the cookie, if the client has another one or none.
fn set(
    worker: &Worker,
    client: &Client,
    x: &mut Exchange,
    course: &Course<'_>,
    (asked, server): (&SessionCookie, ServerIndex),
) {
    let home = course.home;
    let (pool, tag) = (course.pool.entry.tags.pool(), course.pool.entry.tags.of(server));
    let begin = || (Remembered::begin(worker.draw() as u32), Age::Stale);
    let (before, age) = x.session.remembered.unwrap_or_else(begin);
    if let Some(sessions) = &course.pool.entry.sessions {
        sessions.mark(server, before.number().into());
    }
    match before.server(pool) {
        Some(same) if same == tag && age == Age::Fresh => return,
        Some(same) if same == tag => {}
        Some(_) => home.cells.record_move(x.session.moved.unwrap_or(Moved::Failed)),
        None => home.cells.sessions_assigned.increment(),
    }
    let after = before.with(home.entry.tags.pool(), (pool, tag), clock::unix_time());
    let mut value = String::new();
    worker.shared.contexts.load().keys.seal(&home.purpose, &after.encode(), &mut value);
    x.set_cookie(&set_cookie(asked, &value, client));
}

fn set_cookie<'a>(asked: &'a SessionCookie, value: &'a str, client: &Client) -> SetCookie<'a> {
    SetCookie {
        name: &asked.name,
        value,
        path: &asked.path,
        domain: asked.domain.as_deref(),
        same_site: asked.same_site,
        max_age: Some(cookie::lifetime(asked.ttl)),
        secure: client.origin.secure.is_some(),
    }
}

impl PoolView {
    /// How users of the pool keep their server.
    pub(super) fn session(&self) -> Option<&Session> {
        self.entry.pool.session.as_deref()
    }
}

/// The purpose of the session cookies of a pool.
pub(crate) fn purpose(pool: &str) -> Purpose {
    Purpose::of(Remembered::KIND, pool)
}
