//! `[pool.NAME.health]` and `[pool.NAME.passive]`: how the health of servers is judged.

use super::key::{Computed, Default, Key, Kind, Known, Section};
use crate::config::text::duration::{WAIT, print, wait};
use crate::config::text::host::AUTHORITY;
use crate::config::text::name::{HEADER_VALUE, METHOD, PHRASE, PROBE_HEADER};
use crate::config::text::path::PROBE_TARGET;
use crate::config::text::status::{STATUS, STATUS_RANGE};
use crate::time::Duration;

const HTTP: &[&str] = &["http"];
const GRPC: &[&str] = &["grpc"];

/// `[pool.NAME.health]`.
pub(crate) static HEALTH: Section = Section {
    doc: "Active checks; off without this table.",
    keys: &[
        Key::new(
            "type",
            Kind::Word(&["http", "tcp", "grpc"]),
            Default::Text("http"),
            "What is asked: an HTTP/1.1 request, that a TCP connection opens, or what \
             `grpc.health.v1.Health` says, over HTTP/2 whatever the pool speaks.",
        ),
        Key::new(
            "service",
            Kind::Text(&PHRASE),
            Default::Absent("the server as a whole"),
            "The gRPC service that is asked about, as `shop.Cart`.",
        )
        .only("type", GRPC)
        .also(&["grpc_service", "service_name"]),
        Key::new("path", Kind::Text(&PROBE_TARGET), Default::Text("/"), "What is requested.")
            .only("type", HTTP)
            .also(&["uri", "url", "endpoint"]),
        Key::new(
            "interval",
            Kind::Text(&WAIT),
            Default::Text("5s"),
            "Between checks of one server; jittered by a tenth either way.",
        )
        .also(&["inter", "period", "every"]),
        Key::new(
            "interval_changing",
            Kind::Text(&WAIT),
            Default::Text("500ms"),
            "Between checks while a server is starting or between states.",
        )
        .also(&["fastinter"]),
        Key::new("timeout", Kind::Text(&WAIT), Default::Text("3s"), "For one check."),
        Key::new(
            "unhealthy_after",
            Kind::Integer { min: 1, max: 1000 },
            Default::Integer(3),
            "Consecutive failures after which a healthy server is unhealthy.",
        )
        .also(&["fall", "fails", "unhealthy_threshold"]),
        Key::new(
            "healthy_after",
            Kind::Integer { min: 1, max: 1000 },
            Default::Integer(2),
            "Consecutive successes after which an unhealthy server is healthy.",
        )
        .also(&["rise", "passes", "healthy_threshold"]),
        Key::new(
            "status",
            Kind::Some(&Kind::Text(&STATUS_RANGE)),
            Default::Words(&["200-399"]),
            "Status codes that count as success.",
        )
        .only("type", HTTP)
        .also(&["expect", "expected_statuses"]),
        Key::new(
            "slow_after",
            Kind::Text(&WAIT),
            Default::Text("500ms"),
            "A slower success is noted as degraded.",
        ),
        Key::new(
            "fail_after",
            Kind::Text(&WAIT),
            Default::Computed("`2s`, or `timeout` if that is less", fail_after),
            "A slower check has failed; at most `timeout`.",
        ),
        Key::new(
            "initial",
            Kind::Word(&["first-probe", "healthy", "unhealthy"]),
            Default::Text("first-probe"),
            "What a server counts as before its first check; `\"first-probe\"`: all are checked \
             once before listeners open, and one result decides.",
        ),
        Key::new(
            "port",
            Kind::Integer { min: 1, max: 65_535 },
            Default::Absent("the server's own"),
            "The port to check.",
        ),
        Key::new("method", Kind::Text(&METHOD), Default::Text("GET"), "The request's method.")
            .only("type", HTTP),
        Key::new(
            "host",
            Kind::Text(&AUTHORITY),
            Default::Absent("the server's address"),
            "The request's Host header.",
        )
        .only("type", HTTP),
        Key::new(
            "headers",
            Kind::Map { key: &PROBE_HEADER, value: &Kind::Text(&HEADER_VALUE) },
            Default::Absent("none"),
            "More headers of the request.",
        )
        .only("type", HTTP)
        .also(&["header"]),
        Key::new(
            "body_contains",
            Kind::Text(&PHRASE),
            Default::Absent("any body will do"),
            "Text that the first 64 KiB of the response body must contain.",
        )
        .only("type", HTTP)
        .also(&["body"]),
    ],
};

/// `[pool.NAME.passive]`.
pub(crate) static PASSIVE: Section = Section {
    doc: "Ejection of servers by what real traffic meets; on by default.",
    keys: &[
        Key::new(
            "consecutive_failures",
            Kind::Integer { min: 0, max: 1_000_000 },
            Default::Integer(5),
            "Failures in a row that eject a server; 0: never.",
        )
        .also(&["max_fails", "consecutive_errors"]),
        Key::new(
            "eject_for",
            Kind::Text(&WAIT),
            Default::Text("10s"),
            "The first ejection; each further one lasts longer, up to 5m.",
        )
        .also(&["fail_timeout", "base_ejection_time"]),
        Key::new(
            "max_ejected",
            Kind::Number { min: 0.0, max: 1.0 },
            Default::Number(0.5),
            "The share of the pool that may be ejected, counted after the ejection.",
        )
        .also(&["max_ejection_percent"]),
        Key::new(
            "failures",
            Kind::List(&Kind::Either(&[
                Kind::Word(&["connect", "reset", "timeout"]),
                Kind::Text(&STATUS),
            ])),
            Default::Words(&["connect", "reset", "timeout", "502", "503", "504"]),
            "What counts: no connection, one that broke off, no response in time, or status codes. \
             A gRPC call counts as what its own status means, `\"503\"` as `UNAVAILABLE`.",
        ),
    ],
};

fn fail_after(known: &Known<'_>) -> Computed {
    match known.beside.parse("timeout", wait) {
        Some(timeout) => Computed::Text(print(timeout.min(Duration::from_secs(2)))),
        None => Computed::Unknown,
    }
}
