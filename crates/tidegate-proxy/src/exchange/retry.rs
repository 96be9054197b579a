//! Step 5 of 8: try servers until one answers, where trying again is safe. Between `pick` and the
//! relay.
//!
//! Three kinds of failure, three rules. A connection that could not be opened carried nothing, and
//! a stream that the server refused was not looked at: any request goes on, and the budget is not
//! asked. A kept connection that the server closed just as the request went out proves nothing
//! against the server: one more try on a fresh connection, if the request may be repeated or none
//! of it was sent. Everything else that fails before a response byte follows the route's policy and
//! costs the budget. After a response byte there is no second try.

use tidegate_core::balance::peak_ewma;
use tidegate_core::model::ids::ServerIndex;
use tidegate_core::model::pool::Balance;
use tidegate_core::model::server::{Member, ServerState};
use tidegate_core::signal::Signal;
use tidegate_core::time::Instant;
use tidegate_net::clock;

use super::open::{Try, open};
use super::relay::{Relay, Relayed};
use super::state::{Attempt, Exchange};
use super::{Course, Next, pick, respond, session, tunnel};
use crate::downstream::client::Client;
use crate::error::Error;
use crate::upstream::connection::Connection;
use crate::worker::Worker;

/// What to do after a failed try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Again {
    /// Nothing: the failure stands.
    No,
    /// The same server, on a connection of its own.
    Fresh,
    /// Another server; none of the request has been sent.
    Failover,
    /// Another server, at the budget's cost.
    Retry,
}

/// Sends a request to the servers of its pool until one has answered it.
pub(super) async fn forward(
    worker: &Worker,
    client: &mut Client,
    x: &mut Exchange,
    course: &Course<'_>,
) -> Result<Next, Error> {
    course.pool.cells.arrivals.increment();
    course.pool.budget.borrow_mut().deposit(x.started);
    session::begin(worker, client, x, course);
    let mut failure = Error::NoServer;
    let mut again = None;
    // The head has just been read: for the first try that is now.
    let mut now = x.started;
    loop {
        let fresh = again == Some(Again::Fresh);
        let picked = if fresh { x.server } else { pick::pick(worker, client, x, course, now) };
        if now >= x.total_due(course) {
            return Err(Error::TotalTimeout);
        }
        let Some(server) = picked.filter(|_| pay(x, course, again, now)) else {
            return Err(failure);
        };
        x.server = Some(server);
        x.attempt = Attempt::begin(now);
        x.marks.attempt = now;
        let reused = match attempt(worker, client, x, course, server, !fresh).await {
            Ok(next) => return Ok(next),
            Err(Failed { error, reused }) => {
                failure = error;
                reused
            }
        };
        let decided = decide(x, course, failure, reused);
        match decided {
            Again::No => return Err(failure),
            Again::Fresh => {}
            Again::Failover | Again::Retry => x.tried.push(server),
        }
        again = Some(decided);
        x.to_server.rewind();
        now = clock::now();
    }
}

/// Sends a copy of a request to one server of its pool, once: no try after it, no demand, no word
/// on anybody's health.
pub(super) async fn once(
    worker: &Worker,
    client: &mut Client,
    x: &mut Exchange,
    course: &Course<'_>,
) -> Result<(), Error> {
    let now = x.started;
    let server = pick::pick(worker, client, x, course, now).ok_or(Error::NoServer)?;
    let member = &course.pool.entry.members[server.position()];
    let _in_flight = InFlight::begin(&member.state);
    x.server = Some(server);
    x.attempt = Attempt::begin(now);
    x.marks.attempt = now;
    let try_ = Try { now, due: x.total_due(course), kept: true };
    let connection = open(worker, client, course, member, try_).await?;
    exchange_over(worker, client, x, course, connection).await.map(|_| ())
}

/// Counts another try, now that there is a server for it. False when the budget does not bear it.
fn pay(x: &mut Exchange, course: &Course<'_>, again: Option<Again>, now: Instant) -> bool {
    let cells = &course.pool.cells;
    match again {
        None | Some(Again::No) => {}
        Some(Again::Fresh) => {
            x.stale_retried = true;
            cells.connections_stale.increment();
        }
        Some(Again::Failover) => cells.failovers.increment(),
        Some(Again::Retry) => {
            if !course.pool.budget.borrow_mut().withdraw(now) {
                cells.retry_budget_exhausted.increment();
                return false;
            }
            x.retries += 1;
            cells.retries.increment();
        }
    }
    true
}

fn decide(x: &Exchange, course: &Course<'_>, failure: Error, reused: bool) -> Again {
    let policy = &course.route.retry;
    let attempt = &x.attempt;
    if matches!(failure, Error::Connect | Error::Handshake | Error::ConnectTimeout) {
        return Again::Failover;
    }
    if failure == Error::Refused && x.replayable && !attempt.committed {
        return if x.stale_retried { Again::Failover } else { Again::Fresh };
    }
    if attempt.committed || !x.replayable || failure.server_failure().is_none() {
        return Again::No;
    }
    let repeatable = is_repeatable(x);
    let unanswered = failure == Error::Reset && !attempt.reply_begun;
    if unanswered && reused && !x.stale_retried && (repeatable || !attempt.sent) {
        return Again::Fresh;
    }
    let wished = match failure {
        Error::Reset => policy.on_reset && unanswered,
        Error::ResponseTimeout => policy.on_timeout,
        Error::Status(_) => true,
        _ => false,
    };
    let allowed = wished && repeatable && x.retries < policy.retries;
    if allowed { Again::Retry } else { Again::No }
}

/// Whether there may be another try if the response has this status. If not, it is the client's.
pub(super) fn would_retry(x: &Exchange, course: &Course<'_>, status: u16) -> bool {
    let policy = &course.route.retry;
    let allowed = policy.on_status.contains(&status)
        && !x.is_copy()
        && !x.attempt.committed
        && x.replayable
        && is_repeatable(x)
        && x.retries < policy.retries
        && x.tried.len() + 1 < course.pool.entry.members.len();
    if !allowed || course.pool.budget.borrow_mut().bears_one(clock::now()) {
        return allowed;
    }
    course.pool.cells.retry_budget_exhausted.increment();
    false
}

/// Whether doing it twice does what doing it once does (RFC 9110, section 9.2.2), or the client
/// says that the server will see to that; or nothing was done, as with a call that was declined:
/// which statuses mean that is for the route to list, as it is for gRPC clients (proposal A6).
fn is_repeatable(x: &Exchange) -> bool {
    x.attempt.declined
        || matches!(x.head.method(), "GET" | "HEAD" | "OPTIONS" | "PUT" | "DELETE" | "TRACE")
        || x.head.values("idempotency-key").next().is_some()
}

/// A try that failed.
struct Failed {
    error: Error,
    /// It went over a connection that had been kept.
    reused: bool,
}

async fn attempt(
    worker: &Worker,
    client: &mut Client,
    x: &mut Exchange,
    course: &Course<'_>,
    server: ServerIndex,
    kept: bool,
) -> Result<Next, Failed> {
    let member = &course.pool.entry.members[server.position()];
    let _in_flight = InFlight::begin(&member.state);
    let cells = course.pool.server_cells(server);
    cells.requests.increment();
    x.tries += 1;
    let mut reused = false;
    let due = x.total_due(course);
    let result =
        match open(worker, client, course, member, Try { now: x.marks.attempt, due, kept }).await {
            Ok(connection) => {
                reused = connection.reused;
                x.marks.connected = if reused { x.marks.attempt } else { clock::now() };
                exchange_over(worker, client, x, course, connection).await
            }
            // The time of the exchange was up before that of the connect.
            Err(Error::ConnectTimeout) if clock::now() >= due => Err(Error::TotalTimeout),
            Err(error) => Err(error),
        };
    let now = x.ended();
    cells.duration.observe(now.since(x.marks.attempt));
    let error = result.as_ref().err().copied();
    let unheard = matches!(error, Some(Error::Reset | Error::Refused)) && !x.attempt.reply_begun;
    let stale = reused && unheard;
    if !stale && judge(worker, x, course, member, error, now) {
        cells.failures.increment();
    }
    result.map_err(|error| Failed { error, reused })
}

async fn exchange_over(
    worker: &Worker,
    client: &mut Client,
    x: &mut Exchange,
    course: &Course<'_>,
    mut connection: Connection,
) -> Result<Next, Error> {
    let relayed = match Relay::new(worker, client, &mut connection, x, course) {
        Ok(relay) => relay.run().await,
        Err(error) => Err(error),
    };
    match relayed {
        Err(error) => {
            if matches!(error, Error::Refused | Error::Reset | Error::ResponseTimeout) {
                connection.distrust();
            }
            Err(error)
        }
        Ok(Relayed::Upgraded) => {
            Ok(tunnel::run(worker, client, &mut connection, x, course.route.timeouts.tunnel).await)
        }
        Ok(Relayed::Complete) => {
            let now = clock::now();
            x.marks.ended = Some(now);
            let pool = &course.pool.entry.pool;
            // A PROXY header speaks for all that its connection carries: it serves this client's
            // one exchange. To keep it for the client's next would be to hold a connection to a
            // server for every client that idles.
            let shared = pool.send_proxy.is_none();
            if shared && connection.wire.is_socket() && x.server_at_boundary() {
                let resting = connection.rest(now);
                let patience = pool.timeouts.keep_alive;
                worker.connections.borrow_mut().give(resting, patience);
            }
            Ok(respond::after_reply(worker, client, x, course.listener).await)
        }
    }
}

/// Holds the outcome for or against the server; true when it was a failure of the server.
fn judge(
    worker: &Worker,
    x: &Exchange,
    course: &Course<'_>,
    member: &Member,
    error: Option<Error>,
    now: Instant,
) -> bool {
    if error.is_none() && x.deadline_was_missed() {
        return false;
    }
    let pool = &course.pool.entry.pool;
    let reason = match error {
        Some(error) => error.server_failure(),
        None => x.judged_status().map(tidegate_core::signal::FailureReason::Status),
    };
    let reason = reason.filter(|reason| reason.counts(&pool.passive.failures));
    let judged = error.is_none() || reason.is_some();
    if let Some(reason) = reason {
        let run = member.state.fail();
        let threshold = pool.passive.consecutive_failures;
        if threshold > 0 && run >= threshold {
            let server = member.state.id();
            worker.signal(Signal::FailedRun { pool: pool.name.clone(), server, run, reason });
        }
    } else if judged {
        member.state.succeed();
    }
    if judged && pool.balance == Balance::PeakEwma && !x.upgrade {
        let latency = now.since(x.marks.attempt);
        peak_ewma::observe(&member.state, latency, reason.is_some(), now);
    }
    reason.is_some()
}

/// Counts a request as in flight while it lives.
struct InFlight<'a>(&'a ServerState);

impl<'a> InFlight<'a> {
    fn begin(state: &'a ServerState) -> Self {
        state.begin();
        Self(state)
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.end();
    }
}
