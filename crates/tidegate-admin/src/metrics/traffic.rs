//! Listeners, routes and pools.

use std::fmt;

use tidegate_core::telemetry::pool::PoolTotals;

use super::page::Facts;
use super::writer::{Writer, whole};

pub(super) fn write(writer: &mut Writer<'_>, facts: &Facts) -> fmt::Result {
    listeners(writer, facts)?;
    routes(writer, facts)?;
    pools(writer, facts)?;
    let refused = facts.scrape.refused().map(|(reason, n)| ([("reason", reason.as_str())], n));
    writer.counter("tidegate_refused", "What was turned away, by reason.", refused)
}

fn listeners(writer: &mut Writer<'_>, facts: &Facts) -> fmt::Result {
    let rows = || {
        let listeners = facts.scrape.listeners.iter();
        listeners.map(|(name, totals)| ([("listener", name.as_str())], totals))
    };
    writer.gauge(
        "tidegate_listener_connections",
        "Client connections open now.",
        rows().map(|(labels, totals)| (labels, whole(totals.active))),
    )?;
    writer.counter(
        "tidegate_listener_accepted",
        "Client connections taken in.",
        rows().map(|(labels, totals)| (labels, totals.accepted)),
    )?;
    writer.counter(
        "tidegate_listener_requests",
        "Requests whose head was read whole.",
        rows().map(|(labels, totals)| (labels, totals.requests)),
    )?;
    let handshakes = facts.scrape.listeners.iter().flat_map(|(name, totals)| {
        let rows = totals.handshakes().filter(|(_, count)| *count > 0);
        rows.map(|(end, n)| ([("listener", name.as_str()), ("end", end.as_str())], n))
    });
    writer.counter("tidegate_listener_handshakes", "TLS handshakes, by how they ended.", handshakes)
}

fn routes(writer: &mut Writer<'_>, facts: &Facts) -> fmt::Result {
    let codes = code_rows(facts);
    let rows =
        || facts.scrape.routes.iter().map(|(name, totals)| ([("route", name.as_str())], totals));
    writer.counter(
        "tidegate_route_requests",
        "Requests by the status code that the client was sent.",
        codes.iter().map(|(route, code, n)| ([("route", *route), ("code", code.as_str())], *n)),
    )?;
    let calls = facts.scrape.routes.iter().flat_map(|(name, totals)| {
        let labels = |word| [("route", name.as_str()), ("status", word)];
        totals.grpc.iter().map(move |(status, n)| (labels(status.as_str()), *n))
    });
    writer.counter(
        "tidegate_route_grpc_responses",
        "gRPC calls by how they ended; one that ended without a status counts as unknown.",
        calls,
    )?;
    writer.histogram(
        "tidegate_route_duration",
        "From the first byte of a request to the end of its response.",
        rows().map(|(labels, totals)| (labels, totals.duration)),
    )?;
    writer.counter(
        "tidegate_route_received_bytes",
        "Bytes from clients.",
        rows().map(|(labels, totals)| (labels, totals.bytes_in)),
    )?;
    writer.counter(
        "tidegate_route_sent_bytes",
        "Bytes to clients.",
        rows().map(|(labels, totals)| (labels, totals.bytes_out)),
    )
}

/// One row for each route and status code.
fn code_rows(facts: &Facts) -> Vec<(&str, String, u64)> {
    let mut rows = Vec::new();
    for (name, totals) in &facts.scrape.routes {
        let codes = totals.codes.iter();
        rows.extend(codes.map(|(code, n)| (name.as_str(), code.to_string(), *n)));
        if totals.codes_other > 0 {
            rows.push((name.as_str(), "other".to_owned(), totals.codes_other));
        }
    }
    rows
}

fn pools(writer: &mut Writer<'_>, facts: &Facts) -> fmt::Result {
    let outcomes = facts.scrape.pools.iter().flat_map(|(name, totals)| {
        let labels = |word| [("pool", name.as_str()), ("outcome", word)];
        totals.requests().map(move |(outcome, n)| (labels(outcome.as_str()), n))
    });
    writer.counter("tidegate_pool_requests", "Requests by how they ended.", outcomes)?;
    for (name, help, number) in COUNTERS {
        let pools = facts.scrape.pools.iter();
        let rows = pools.map(|(name, totals)| ([("pool", name.as_str())], number(totals)));
        writer.counter(name, help, rows)?;
    }
    sessions(writer, facts)
}

fn sessions(writer: &mut Writer<'_>, facts: &Facts) -> fmt::Result {
    let moved = facts.scrape.pools.iter().flat_map(|(name, totals)| {
        let rows = totals.sessions_moved().filter(|(_, count)| *count > 0);
        rows.map(|(reason, n)| ([("pool", name.as_str()), ("reason", reason.as_str())], n))
    });
    writer.counter(
        "tidegate_session_moved",
        "Sessions that left their server, by reason.",
        moved,
    )?;
    let refused = facts.scrape.pools.iter().flat_map(|(name, totals)| {
        let rows = totals.cookies_refused().filter(|(_, count)| *count > 0);
        rows.map(|(reason, n)| ([("pool", name.as_str()), ("reason", reason.as_str())], n))
    });
    let help = "Session cookies that were not believed, by reason; their users got another server.";
    writer.counter("tidegate_session_cookies_refused", help, refused)
}

/// A counter of pools: its name, what it says, where it stands.
type PoolCounter = (&'static str, &'static str, fn(&PoolTotals) -> u64);

const COUNTERS: [PoolCounter; 8] = [
    ("tidegate_pool_arrivals", "Requests that came, each once however often tried.", |pool| {
        pool.arrivals
    }),
    ("tidegate_pool_retries", "Further tries that the retry budget paid for.", |pool| pool.retries),
    (
        "tidegate_pool_retries_denied",
        "Retries that were not made because the budget was spent.",
        |pool| pool.retry_budget_exhausted,
    ),
    ("tidegate_pool_failovers", "Further servers tried because a connection failed.", |pool| {
        pool.failovers
    }),
    ("tidegate_pool_connections_opened", "Connections to servers that were opened.", |pool| {
        pool.connections_opened
    }),
    (
        "tidegate_pool_connections_reused",
        "Requests that went over a connection already open.",
        |pool| pool.connections_reused,
    ),
    ("tidegate_pool_connections_stale", "Reused connections that the server had closed.", |pool| {
        pool.connections_stale
    }),
    ("tidegate_session_assigned", "Sessions that began.", |pool| pool.sessions_assigned),
];
