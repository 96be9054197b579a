//! `[pool.NAME.autoscale]`: how a pool grows and shrinks.

use super::key::{Computed, Default, Key, Kind, Known, Section};
use super::levels::LEVELS;
use super::provider::{EXEC, PROCESS};
use super::schedule::SALE;
use crate::config::text::duration::{DURATION, WAIT};
use crate::config::text::name::{OBJECT, PHRASE};
use crate::config::text::origin::PROMETHEUS;
use crate::config::text::path::PROBE_TARGET;
use crate::config::text::place::FILE;

/// The most servers of a pool.
const SERVERS_MAX: i128 = 10_000;
/// Rates and counts per server, above zero.
const RATE: Kind = Kind::Number { min: 0.001, max: 1e9 };
/// A share that can be aimed at.
const SHARE: Kind = Kind::Number { min: 0.01, max: 1.0 };

/// `[pool.NAME.autoscale]`.
pub(crate) static AUTOSCALE: Section = Section {
    doc: "How a pool grows and shrinks. `min` and `max` count its healthy primaries: listed \
          servers, which are never stopped, and **instances**, which the provider starts and \
          stops. The highest wish wins: of the policy, the targets, the custom metrics, the \
          forecast and the schedule.",
    keys: &[
        Key::new(
            "provider",
            Kind::Word(&["process", "exec"]),
            Default::Required,
            "What starts and stops instances: the balancer itself, as its children, or three \
             commands.",
        ),
        Key::new(
            "min",
            Kind::Integer { min: 1, max: SERVERS_MAX },
            Default::Required,
            "The least servers.",
        )
        .also(&["min_size", "minReplicas", "min_replicas", "minimum"]),
        Key::new(
            "max",
            Kind::Integer { min: 1, max: SERVERS_MAX },
            Default::Required,
            "The most servers.",
        )
        .also(&["max_size", "maxReplicas", "max_replicas", "maximum"]),
        Key::new(
            "policy",
            Kind::Word(&["slo", "levels", "target"]),
            Default::Text("slo"),
            "What is decided by: the promise to users at the least cost, thresholds with steps, \
             or a share of each server's capacity in use, looked at every 15 s as Kubernetes' \
             autoscaler does.",
        ),
        Key::new("slo", Kind::Table(&SLO), Default::Table, "What users are promised.")
            .also(&["sla", "objective"]),
        Key::new(
            "startup",
            Kind::Text(&WAIT),
            Default::Text("30s"),
            "From the decision to a server that answers, until that has been measured.",
        )
        .also(&["startup_time", "warmup", "cooldown"]),
        Key::new(
            "capacity",
            Kind::Either(&[Kind::Word(&["learn"]), Kind::Table(&CAPACITY)]),
            Default::Text("learn"),
            "What a server of weight 1 can do: what it has been seen to do within the promise, \
             `{ requests = 800 }` per second, or `{ in_flight = 64 }`.",
        ),
        Key::new(
            "targets",
            Kind::Table(&TARGETS),
            Default::Table,
            "What holds under every policy.",
        ),
        Key::new(
            "custom",
            Kind::List(&Kind::Table(&CUSTOM)),
            Default::Absent("none"),
            "Measures of your own, from Prometheus; one that is missing holds the pool.",
        ),
        Key::new(
            "replace_after",
            Kind::Text(&WAIT),
            Default::Text("2m"),
            "How long an instance may be unhealthy before it is replaced: the new one starts \
             first, a tenth of the pool at a time, and none while more than three tenths are \
             unhealthy.",
        ),
        Key::new("dry_run", Kind::Flag, Default::Flag(false), "Decide and record, change nothing."),
        Key::new("guard", Kind::Table(&GUARD), Default::Table, "What slows every policy."),
        Key::new("levels", Kind::Table(&LEVELS), Default::Table, "Thresholds.")
            .only("policy", &["levels"]),
        Key::new(
            "warm",
            Kind::Table(&WARM),
            Default::Table,
            "Instances that run and are checked, out of rotation, to enter at once. They are \
             paid for.",
        )
        .also(&["warm_pool"]),
        Key::new(
            "forecast",
            Kind::Either(&[Kind::Word(&["off"]), Kind::Table(&FORECAST)]),
            Default::Table,
            "Demand that is foreseen from its own past; `\"off\"`: none is.",
        ),
        Key::new(
            "schedule",
            Kind::Tables(&SALE),
            Default::Absent("none"),
            "Demand that is known beforehand.",
        )
        .also(&["schedules", "sale", "sales"]),
        Key::new(
            "budget",
            Kind::Table(&BUDGET),
            Default::Absent("what `max` allows may be spent"),
            "What may be spent.",
        ),
        Key::new("process", Kind::Table(&PROCESS), Default::Required, "The children.")
            .only("provider", &["process"]),
        Key::new("exec", Kind::Table(&EXEC), Default::Required, "The commands.")
            .only("provider", &["exec"]),
    ],
};

static SLO: Section = Section {
    doc: "The promise: so large a share of requests is answered within so long.",
    keys: &[
        Key::new("latency", Kind::Text(&WAIT), Default::Text("500ms"), "How long."),
        Key::new(
            "ratio",
            Kind::Number { min: 0.5, max: 0.9999 },
            Default::Number(0.99),
            "How large a share.",
        ),
    ],
};

static CAPACITY: Section = Section {
    doc: "What a server of weight 1 can do; exactly one of the two.",
    keys: &[
        Key::new("requests", RATE, Default::Absent("not given"), "Requests per second.")
            .also(&["rps", "requests_per_second"]),
        Key::new("in_flight", RATE, Default::Absent("not given"), "Requests at once.")
            .also(&["concurrency"]),
    ],
};

static TARGETS: Section = Section {
    doc: "What holds under every policy; the highest wish wins.",
    keys: &[
        Key::new("cpu", SHARE, Default::Absent("none"), "The mean share of CPU in use."),
        Key::new("memory", SHARE, Default::Absent("none"), "The mean share of memory in use."),
        Key::new(
            "requests_per_server",
            RATE,
            Default::Absent("none"),
            "Requests per second for each server.",
        )
        .also(&["requests", "rps"]),
    ],
};

static CUSTOM: Section = Section {
    doc: "A measure that a Prometheus server is asked for.",
    keys: &[
        Key::new("name", Kind::Text(&OBJECT), Default::Required, "Its name, unique in the pool."),
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
            "The query; its answer is one number.",
        ),
        Key::new("target", RATE, Default::Required, "What is wanted of the number."),
        Key::new(
            "per",
            Kind::Word(&["server", "mean"]),
            Default::Text("server"),
            "What the number is of: the pool as a whole, so that it is divided by the servers \
             before it is compared, or the mean server already.",
        ),
        Key::new("every", Kind::Text(&WAIT), Default::Text("15s"), "How often it is asked for.")
            .also(&["interval", "period"]),
    ],
};

static GUARD: Section = Section {
    doc: "What slows every policy. A person and the schedule are not slowed.",
    keys: &[
        Key::new(
            "max_step",
            Kind::Number { min: 1.0, max: 1000.0 },
            Default::Number(2.0),
            "By how much what is paid for may be multiplied within one `startup`. A growth by 4 \
             is allowed in any case.",
        ),
        Key::new(
            "down_cooldown",
            Kind::Text(&DURATION),
            Default::Computed("`10m` with policy `levels`, else `5m`", down_cooldown),
            "For how long after the last growth nothing shrinks.",
        )
        .also(&["stabilization_window", "scale_in_cooldown"]),
        Key::new(
            "down_step",
            Kind::Either(&[Kind::Word(&["auto"]), Kind::Integer { min: 1, max: SERVERS_MAX }]),
            Default::Computed("`1` with policy `levels`, else `\"auto\"`", down_step),
            "How many may go at a time; `\"auto\"`: straight to what is recommended.",
        ),
        Key::new("down_every", Kind::Text(&WAIT), Default::Text("1m"), "Between times."),
    ],
};

static WARM: Section = Section {
    doc: "Instances that run and are checked, out of rotation, to enter at once.",
    keys: &[
        Key::new(
            "size",
            Kind::Integer { min: 0, max: SERVERS_MAX },
            Default::Integer(0),
            "How many.",
        ),
        Key::new(
            "requests",
            Kind::List(&Kind::Text(&PROBE_TARGET)),
            Default::Absent("none"),
            "Paths that are requested of every new instance to warm it.",
        )
        .also(&["paths"]),
    ],
};

static FORECAST: Section = Section {
    doc: "How demand is foreseen. Nothing is done by it before it has earned trust.",
    keys: &[
        Key::new("ahead", Kind::Text(&WAIT), Default::Text("30m"), "How far ahead launches begin."),
        Key::new(
            "history",
            Kind::Text(&FILE),
            Default::Absent("it begins with nothing"),
            "A file of past demand to begin with.",
        ),
    ],
};

static BUDGET: Section = Section {
    doc: "What may be spent. No serving instance is ever stopped for it.",
    keys: &[
        Key::new(
            "server_hour",
            Kind::Number { min: 0.000_001, max: 1e6 },
            Default::Required,
            "What one instance costs an hour.",
        ),
        Key::new(
            "per_day",
            Kind::Number { min: 0.000_001, max: 1e9 },
            Default::Required,
            "What may be spent on a day, UTC.",
        ),
        Key::new(
            "on_reach",
            Kind::Word(&["alert", "hold"]),
            Default::Text("alert"),
            "What happens when that is reached: it is told, or it is told and nothing grows.",
        ),
    ],
};

fn by_policy(known: &Known<'_>, levels: Computed, others: Computed) -> Computed {
    match known.around.and_then(|around| around.text("policy")) {
        Some("levels") => levels,
        Some(_) => others,
        None => Computed::Unknown,
    }
}

fn down_cooldown(known: &Known<'_>) -> Computed {
    by_policy(known, Computed::Text("10m".to_owned()), Computed::Text("5m".to_owned()))
}

fn down_step(known: &Known<'_>) -> Computed {
    by_policy(known, Computed::Integer(1), Computed::Text("auto".to_owned()))
}
