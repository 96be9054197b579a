//! `[rollout.NAME]`: how the servers of one pool take over from those of another.

use super::analysis::ANALYSIS;
use super::key::{Default, Key, Kind, Section};
use crate::config::text::duration::{DURATION, WAIT};
use crate::config::text::name::{METHOD, OBJECT};
use crate::config::text::path::PROBE_TARGET;
use crate::config::text::size::COPY_SIZE;
use crate::config::text::status::STATUS_RANGE;
use crate::config::text::user_key::USER_KEY;

const CANARY: &[&str] = &["canary"];

/// `[rollout.NAME]`.
pub(crate) static ROLLOUT: Section = Section {
    doc: "How the servers of one pool, the **candidate**, take over from those of another, \
          **stable**. This is a definition: it runs when `tidegate rollout start` says so, once \
          for each candidate, and one that was aborted never starts again by itself. Of rollouts \
          that have a pool in common, one runs at a time.",
    keys: &[
        Key::new("pool", Kind::Text(&OBJECT), Default::Required, "The pool that serves now.")
            .also(&["stable", "from"]),
        Key::new(
            "candidate",
            Kind::Text(&OBJECT),
            Default::Required,
            "The pool that is to take over.",
        )
        .also(&["canary", "to", "next"]),
        Key::new(
            "strategy",
            Kind::Word(&["canary", "blue-green"]),
            Default::Required,
            "A growing share of users, or all at once.",
        )
        .also(&["type", "mode"]),
        Key::new(
            "routes",
            Kind::Some(ROUTE_ITEM),
            Default::Absent("every route to `pool`"),
            "Routes to `pool` that take part. All requests of a user meet the same version, \
             whatever their route.",
        )
        .also(&["route"]),
        Key::new(
            "steps",
            Kind::Some(&Kind::Number { min: 0.0001, max: 100.0 }),
            Default::Integers(&[1, 5, 10, 25, 50, 100]),
            "The candidate's shares of users, in percent: each larger than the one before, the \
             last 100.",
        )
        .only("strategy", CANARY)
        .also(&["weights", "shares"]),
        Key::new(
            "hold",
            Kind::Text(&DURATION),
            Default::Text("15m"),
            "How long each step but the last is held, at least.",
        )
        .only("strategy", CANARY)
        .also(&["interval", "step_duration", "pause"]),
        Key::new(
            "user",
            Kind::Some(&Kind::Text(&USER_KEY)),
            Default::Words(&["assign"]),
            "What tells users apart; the first that a request carries. `\"client\"`: the network \
             of its trusted address. `\"assign\"`: a signed cookie that is set at first sight; who \
             has one keeps it, so that nobody changes versions by logging in. Who carries none of \
             them stays with stable until all go over.",
        )
        .also(&["users", "key", "sticky"]),
        Key::new(
            "always",
            Kind::List(AUDIENCE_ITEM),
            Default::Absent("nobody"),
            "Audiences that meet the candidate as long as anybody does.",
        )
        .only("strategy", CANARY),
        Key::new(
            "only",
            Kind::List(AUDIENCE_ITEM),
            Default::Absent("everybody takes part"),
            "Audiences whose users take part; all others meet the candidate when everybody does.",
        )
        .only("strategy", CANARY),
        Key::new(
            "never",
            Kind::List(AUDIENCE_ITEM),
            Default::Absent("nobody is left out"),
            "Audiences that meet the candidate only when everybody does. It goes before `always`.",
        )
        .only("strategy", CANARY),
        Key::new(
            "smoke",
            Kind::Table(&SMOKE),
            Default::Absent("being healthy is enough"),
            "What every server of the candidate has to answer before users meet it.",
        )
        .also(&["smoke_test", "smoke_check"]),
        Key::new(
            "bake",
            Kind::Text(&DURATION),
            Default::Text("1h"),
            "How long stable keeps capacity for all traffic after the candidate has it.",
        )
        .also(&["soak"]),
        Key::new(
            "keep_old",
            Kind::Text(&DURATION),
            Default::Text("24h"),
            "How long `keep_size` servers of stable stay after that.",
        )
        .also(&["scale_down_delay"]),
        Key::new(
            "keep_size",
            Kind::Integer { min: 0, max: 10_000 },
            Default::Integer(2),
            "How many those are. Listed servers always stay.",
        ),
        Key::new(
            "max_total",
            Kind::Either(&[Kind::Word(&["unlimited"]), Kind::Integer { min: 1, max: 20_000 }]),
            Default::Text("unlimited"),
            "Instances of both pools together. At this bound the rollout waits, and stable never.",
        )
        .also(&["max_instances", "max_surge"]),
        Key::new(
            "freeze_during",
            Kind::List(&Kind::Text(&OBJECT)),
            Default::Absent("no sale holds it up"),
            "Sales, by the names in the `schedule` of either pool, during which no step is taken.",
        )
        .also(&["freeze", "blackout"]),
        Key::new(
            "mirror",
            Kind::Table(&MIRROR),
            Default::Absent("nothing is copied"),
            "Copies of requests to stable, for the candidate; their responses go nowhere.",
        )
        .also(&["shadow", "mirroring"]),
        Key::new(
            "analysis",
            Kind::Either(&[Kind::Word(&["off"]), Kind::Table(&ANALYSIS)]),
            Default::Table,
            "What is watched meanwhile; `\"off\"`: nothing, and time alone takes the steps.",
        )
        .also(&["analyze", "judge"]),
    ],
};

// A reference inside a constant needs a constant of its own.
const ROUTE_ITEM: &Kind = &Kind::Text(&OBJECT);
const AUDIENCE_ITEM: &Kind = &Kind::Text(&OBJECT);

static SMOKE: Section = Section {
    doc: "A request that every server of the candidate has to answer before users meet it. It is \
          made as the pool's own traffic is, with TLS if the pool has it.",
    keys: &[
        Key::new("path", Kind::Text(&PROBE_TARGET), Default::Text("/"), "What is requested.")
            .also(&["uri", "url", "endpoint"]),
        Key::new(
            "status",
            Kind::Some(&Kind::Text(&STATUS_RANGE)),
            Default::Words(&["200-299"]),
            "Status codes that count as success.",
        )
        .also(&["expect"]),
        Key::new("timeout", Kind::Text(&WAIT), Default::Text("3s"), "For one answer."),
        Key::new(
            "times",
            Kind::Integer { min: 1, max: 1000 },
            Default::Integer(1),
            "How many times in a row each server has to succeed.",
        )
        .also(&["count"]),
    ],
};

static MIRROR: Section = Section {
    doc: "Copies of requests that stable answers, sent to the candidate after the original's \
          response is on its way. A copy never holds up anything: what does not fit the bounds is \
          not copied, and counted.",
    keys: &[
        Key::new(
            "share",
            Kind::Number { min: 0.000_001, max: 1.0 },
            Default::Required,
            "The share of users whose requests are copied.",
        )
        .also(&["ratio", "percent", "fraction"]),
        Key::new(
            "methods",
            Kind::Some(&Kind::Text(&METHOD)),
            Default::Words(&["GET", "HEAD"]),
            "Methods that are copied. A copy of one that changes things changes them twice.",
        )
        .also(&["method"]),
        Key::new(
            "at_once",
            Kind::Integer { min: 1, max: 100_000 },
            Default::Integer(100),
            "Copies under way on each core; what comes beyond is not copied.",
        )
        .also(&["concurrency"]),
        Key::new("timeout", Kind::Text(&WAIT), Default::Text("10s"), "For one copy."),
        Key::new(
            "body_bytes",
            Kind::Text(&COPY_SIZE),
            Default::Text("64KiB"),
            "Bytes of a request body that are kept for its copy; larger requests are not copied.",
        )
        .also(&["max_body_size"]),
    ],
};
