//! Step 8 of 8: account for an exchange that is over: metrics, and a line of the access log.

use tidegate_core::model::listener::Listener;
use tidegate_core::telemetry::access_log::{Phases, Record};
use tidegate_core::telemetry::ending::Ending;
use tidegate_core::telemetry::pool::Outcome;
use tidegate_core::telemetry::route::Finished;
use tidegate_core::time::{Duration, Instant, UnixTime};
use tidegate_net::clock;

use super::respond::answer_to;
use super::state::Exchange;
use super::{Taken, route};
use crate::downstream::client::Client;
use crate::error::Error;
use crate::worker::Worker;

/// Counts and logs the exchange.
pub(super) fn account(
    worker: &Worker,
    client: &Client,
    x: &Exchange,
    listener: &Listener,
    taken: Option<&Taken<'_>>,
) {
    let now = x.ended();
    if let Some(taken) = taken {
        if let Some(pool) = taken.pool {
            pool.cells.record(outcome(x));
        }
        let finished = Finished {
            status: x.status,
            grpc: x.outcome(),
            duration: now.since(x.started),
            bytes_in: x.bytes_in,
            bytes_out: x.bytes_out,
        };
        taken.cells.record(&finished);
        if let Some(meeting) = &taken.meeting {
            meeting.account(x);
        }
    }
    if worker.shared.access_log.as_ref().is_some_and(|sink| sink.is_on()) {
        log(worker, client, x, listener, taken, now);
    }
}

fn outcome(x: &Exchange) -> Outcome {
    match x.error {
        None => Outcome::Success,
        Some(Error::NoServer) => Outcome::Refused,
        Some(Error::ClientGone) => Outcome::Abandoned,
        Some(error) if answer_to(error).status.is_some_and(|status| status < 500) => {
            Outcome::Abandoned
        }
        Some(_) => Outcome::Failed,
    }
}

fn log(
    worker: &Worker,
    client: &Client,
    x: &Exchange,
    listener: &Listener,
    taken: Option<&Taken<'_>>,
    now: Instant,
) {
    let total = now.since(x.started);
    let server = x.server.and_then(|server| {
        let members = &taken?.pool?.entry.members;
        members.get(server.position()).map(|member| &member.server.name)
    });
    let head = &x.head;
    let method = head.method();
    let record = Record {
        time: began(clock::unix_time(), total),
        client: route::client_address(x, client.origin.peer, listener),
        listener: &listener.name,
        route: taken.map(|taken| &taken.route.name),
        pool: taken.and_then(|taken| Some(&taken.pool?.entry.pool.name)),
        server,
        method: method.as_bytes(),
        host: head.asked_authority().as_bytes(),
        path: head.target().as_bytes(),
        protocol: if method.is_empty() { "" } else { head.version().as_str() },
        status: x.status,
        grpc: x.outcome(),
        bytes_in: x.bytes_in,
        bytes_out: x.bytes_out,
        phases: phases(x, total, now),
        tries: x.tries,
        ending: x.error.map_or(Ending::Done, |error| answer_to(error).ending),
        request_id: x.request_id,
        user_agent: head.values("user-agent").next(),
        referer: head.values("referer").next(),
    };
    worker.log(&record);
}

fn began(now: UnixTime, ago: Duration) -> UnixTime {
    let millis = u64::try_from(ago.as_millis()).unwrap_or_default();
    UnixTime::from_millis(now.as_millis().saturating_sub(millis))
}

fn phases(x: &Exchange, total: Duration, now: Instant) -> Phases {
    let marks = &x.marks;
    let connected = (x.tries > 0 && marks.connected >= marks.attempt).then_some(marks.connected);
    Phases {
        total,
        queue: None,
        connect: connected.map(|connected| connected.since(marks.attempt)),
        first_byte: connected.and_then(|from| Some(marks.first_byte?.since(from))),
        body: marks.first_byte.map(|first_byte| now.since(first_byte)),
    }
}
