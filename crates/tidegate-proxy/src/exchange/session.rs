//! Step 5 of 8: the server that a user's session names. From `retry`, for `pick`; and on the way
//! back, from the relay, the cookie that remembers where the user is.
//!
//! The rules and the cookie are those of the pool that the route names, the user's home; what is
//! picked from is the pool where the request goes. A session is where its last request was served:
//! when its server is gone, or failed this request and another took it, it has moved, and does not
//! go back. A cookie that we did not seal for this pool, or whose time is over, is no session.

use std::cell::RefCell;
use std::sync::Arc;

use tidegate_core::balance::balancer::Preference;
use tidegate_core::balance::overload::Leave;
use tidegate_core::http::set_cookie::SetCookie;
use tidegate_core::model::ids::ServerIndex;
use tidegate_core::model::session::{Session, SessionCookie, SessionMode};
use tidegate_core::session::cookie::{self, Age, Remembered};
use tidegate_core::session::tag::PoolTag;
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
    /// Why the server that it names cannot be had.
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
    let home = course.home();
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
    let session = course.home().session()?;
    let (tags, entry) = (&course.pool.entry.tags, &course.pool.entry);
    let remembered = match &session.mode {
        SessionMode::Cookie(_) => x.session.remembered?.0.server(tags.pool())?,
        // The pool balances by the client's network, and a table has not been asked.
        SessionMode::IpHash | SessionMode::Table(_) => return None,
    };
    let gone = |why| Leave { why, towards: None };
    let kept = tags.find(remembered).ok_or_else(|| gone(Moved::Gone)).and_then(|server| {
        if x.tried.contains(&server) {
            return Err(gone(Moved::Failed));
        }
        let Session { strength, on_scale_in, .. } = *session;
        let preference = Preference { server, strength, on_scale_in };
        let epoch = entry.state.epoch();
        course.pool.balancer.borrow_mut().keep(&entry.members, epoch, &preference, now)
    });
    let Err(leave) = kept else { return kept.ok() };
    x.session.moved = Some(leave.why);
    leave.towards.filter(|server| !x.tried.contains(server))
}

/// Has the response that begins set the cookie, if the client has another one or none.
pub(super) fn tell(worker: &Worker, client: &Client, x: &mut Exchange, course: &Course<'_>) {
    let home = course.home();
    let Some(SessionMode::Cookie(asked)) = home.session().map(|session| &session.mode) else {
        return;
    };
    let Some(server) = x.server else { return };
    let (pool, tag) = (course.pool.entry.tags.pool(), course.pool.entry.tags.of(server));
    let (before, age) = x.session.remembered.unwrap_or((Remembered::default(), Age::Stale));
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
    Purpose::of("session", pool)
}
