//! `[rollout.NAME.analysis]`: what is watched while a rollout runs.

use super::key::{Computed, Default, Key, Kind, Known, Section};
use crate::config::text::duration::WAIT;
use crate::config::text::name::{OBJECT, PHRASE};
use crate::config::text::origin::PROMETHEUS;

/// `[rollout.NAME.analysis]`.
pub(crate) static ANALYSIS: Section = Section {
    doc: "What is watched while a rollout runs; on by default. A step ends when its time is up, \
          enough requests were answered, and nothing speaks against the candidate. Without traffic \
          there is no verdict, and no step.",
    keys: &[
        Key::new(
            "errors",
            Kind::Some(&Kind::Word(&["5xx", "reset", "timeout", "grpc"])),
            Default::Words(&["5xx", "reset", "timeout", "grpc"]),
            "What counts as an error: a status of 500 and above, a response that was cut short or \
             never began, one that did not come in time, a gRPC status that says the server \
             failed.",
        ),
        Key::new(
            "max_error_rate",
            Kind::Number { min: 0.0, max: 1.0 },
            Default::Absent("no bound of its own"),
            "The share of errors that the candidate may not exceed.",
        )
        .also(&["error_rate"]),
        Key::new(
            "max_p99",
            Kind::Text(&WAIT),
            Default::Absent("no bound of its own"),
            "The 99th percentile of latency that the candidate may not exceed.",
        )
        .also(&["p99", "max_latency"]),
        Key::new(
            "compare",
            Kind::Flag,
            Default::Flag(true),
            "Whether the two versions are held against each other, errors and latency, by a test \
             that may be looked at at any time.",
        ),
        Key::new(
            "false_alarm",
            Kind::Number { min: 0.0001, max: 0.5 },
            Default::Number(0.05),
            "How likely a candidate that is no worse may be found worse, over the whole rollout.",
        )
        .also(&["alpha", "significance"]),
        Key::new(
            "min_requests",
            Kind::Integer { min: 1, max: 1_000_000_000 },
            Default::Integer(200),
            "Requests that each version has answered in a step before the step may end.",
        )
        .also(&["min_samples"]),
        Key::new(
            "on_breach",
            Kind::Word(&["rollback", "freeze", "alert"]),
            Default::Text("rollback"),
            "What happens when the candidate is found worse: all users go back to stable and the \
             rollout is over; the share stays as it is until somebody decides; or people are told, \
             and the share stays while it lasts.",
        ),
        Key::new(
            "custom",
            Kind::List(&Kind::Table(&CUSTOM)),
            Default::Absent("none"),
            "Measures of your own, from Prometheus.",
        )
        .also(&["metrics", "metric"]),
    ],
};

static CUSTOM: Section = Section {
    doc: "A measure that a Prometheus server is asked for. It asks for `max`, `compare` or both.",
    keys: &[
        Key::new(
            "name",
            Kind::Text(&OBJECT),
            Default::Required,
            "Its name, unique in the rollout.",
        ),
        Key::new(
            "prometheus",
            Kind::Text(&PROMETHEUS),
            Default::Required,
            "The Prometheus server, `\"http://HOST:PORT\"`, with a path if need be.",
        )
        .also(&["url", "address", "server"]),
        Key::new(
            "query",
            Kind::Text(&PHRASE),
            Default::Required,
            "The query; its answer is one number. `{version}` in it is the name of the pool that \
             is asked about.",
        ),
        Key::new("every", Kind::Text(&WAIT), Default::Text("15s"), "How often it is asked for.")
            .also(&["interval", "period"]),
        Key::new(
            "max",
            Kind::Number { min: -1e15, max: 1e15 },
            Default::Absent("no bound of its own"),
            "What the candidate's number may not exceed.",
        ),
        Key::new(
            "compare",
            Kind::Flag,
            Default::Flag(false),
            "Whether the candidate's number is held against stable's.",
        ),
        Key::new(
            "worse_by",
            Kind::Number { min: 0.0, max: 1.0 },
            Default::Computed("`0.05` with `compare`", worse_by),
            "By how large a part of stable's number the candidate's may be worse.",
        ),
        Key::new(
            "worse",
            Kind::Word(&["higher", "lower"]),
            Default::Computed("`\"higher\"` with `compare`", worse),
            "Which way is worse when the two are compared: up, as errors go, or down, as orders \
             do.",
        )
        .also(&["direction"]),
        Key::new(
            "on_missing",
            Kind::Word(&["hold", "ignore", "breach"]),
            Default::Text("hold"),
            "What a number that cannot be had means: no step until it can, nothing, or a breach.",
        )
        .also(&["on_error", "no_data"]),
    ],
};

fn compared(known: &Known<'_>, default: Computed) -> Computed {
    match known.beside.flag("compare") {
        Some(true) => default,
        Some(false) => Computed::Absent,
        None => Computed::Unknown,
    }
}

fn worse_by(known: &Known<'_>) -> Computed {
    compared(known, Computed::Number(0.05))
}

fn worse(known: &Known<'_>) -> Computed {
    compared(known, Computed::Text("higher".to_owned()))
}
