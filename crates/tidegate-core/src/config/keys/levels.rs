//! `[pool.NAME.autoscale.levels]`: thresholds, a ladder for each metric.

use super::key::{Computed, Default, Key, Kind, Known, Section};
use crate::config::text::duration::{DURATION, WAIT};
use crate::config::text::name::OBJECT;

const OFF: Kind = Kind::Word(&["off"]);
const SHARE: Kind = Kind::Number { min: 0.0, max: 1.0 };
const SHARE_OR_OFF: Kind = Kind::Either(&[OFF, SHARE]);
const RATE: Kind = Kind::Number { min: 0.0, max: 1e9 };
const RATE_OR_OFF: Kind = Kind::Either(&[OFF, RATE]);
const NONE: Default = Default::Absent("none");

/// `[pool.NAME.autoscale.levels]`.
pub(crate) static LEVELS: Section = Section {
    doc: "Thresholds, a ladder for each metric; the highest wish wins. A metric that is `\"off\"` \
          is not looked at, and one that is missing never shrinks the pool. A pool shrinks when \
          all metrics are below their `down`.",
    keys: &[
        Key::new(
            "cpu",
            Kind::Either(&[OFF, Kind::Table(&CPU)]),
            Default::Table,
            "The mean share of CPU in use.",
        ),
        Key::new(
            "memory",
            Kind::Either(&[OFF, Kind::Table(&MEMORY)]),
            Default::Table,
            "The mean share of memory in use.",
        ),
        Key::new(
            "requests",
            Kind::Either(&[OFF, Kind::Table(&REQUESTS)]),
            Default::Table,
            "Requests per second for each server.",
        )
        .also(&["rps", "qps"]),
        Key::new(
            "connections",
            Kind::Either(&[OFF, Kind::Table(&CONNECTIONS)]),
            Default::Table,
            "Connections for each server, or requests in flight if those are more.",
        ),
        Key::new(
            "custom",
            Kind::Map { key: &OBJECT, value: &Kind::Table(&CUSTOM) },
            NONE,
            "Ladders of custom metrics, by name.",
        ),
        Key::new(
            "periods",
            Kind::Integer { min: 1, max: 1000 },
            Default::Integer(3),
            "For how many periods in a row a threshold must be passed before it counts.",
        ),
        Key::new("period", Kind::Text(&WAIT), Default::Text("15s"), "How often is looked."),
        Key::new(
            "up_cooldown",
            Kind::Text(&DURATION),
            Default::Text("5m"),
            "How long after a growth before the next; an emergency does not wait.",
        )
        .also(&["cooldown", "scale_out_cooldown"]),
    ],
};

static CPU: Section = Section {
    doc: "Thresholds of the mean share of CPU in use.",
    keys: &ladder(
        (SHARE, SHARE_OR_OFF),
        Default::Number(0.7),
        Default::Computed("`0.6`, or `scale` if that is less", cpu_warn),
        Default::Computed("`0.8`, or `scale` if that is more", cpu_emergency),
        (NONE_TARGET, Default::Number(0.3)),
    ),
};

static MEMORY: Section = Section {
    doc: "Thresholds of the mean share of memory in use.",
    keys: &ladder(
        (SHARE, SHARE_OR_OFF),
        Default::Number(0.75),
        NONE,
        NONE,
        (NONE_TARGET, Default::Number(0.4)),
    ),
};

static REQUESTS: Section = Section {
    doc: "Thresholds of requests per second for each server.",
    keys: &ladder(
        (RATE, RATE_OR_OFF),
        Default::Number(1000.0),
        NONE,
        NONE,
        (
            Default::Computed("`800`, or `scale` if that is less", requests_target),
            Default::Number(400.0),
        ),
    ),
};

static CONNECTIONS: Section = Section {
    doc: "Thresholds of connections for each server.",
    keys: &ladder(
        (RATE, RATE_OR_OFF),
        Default::Number(5000.0),
        NONE,
        NONE,
        (NONE_TARGET, Default::Number(1000.0)),
    ),
};

static CUSTOM: Section = Section {
    doc: "Thresholds of a custom metric.",
    keys: &ladder(
        (RATE, RATE_OR_OFF),
        Default::Required,
        NONE,
        NONE,
        (NONE_TARGET, Default::Required),
    ),
};

const NONE_TARGET: Default = Default::Absent("a step by share of the pool");

/// The rungs of a ladder, given what a level is (and what one is that may be off) and the defaults
/// in the order of the rungs, those of `target` and `down` together.
const fn ladder(
    (level, or_off): (Kind, Kind),
    scale: Default,
    warn: Default,
    emergency: Default,
    (target, down): (Default, Default),
) -> [Key; 5] {
    [
        Key::new("scale", level, scale, "From here the pool grows."),
        Key::new("warn", or_off, warn, "From here instances are started and kept warm."),
        Key::new("emergency", or_off, emergency, "From here it grows at once, by one `max_step`."),
        Key::new("target", or_off, target, "What a growth aims at."),
        Key::new("down", level, down, "Below here the pool shrinks."),
    ]
}

fn scale(known: &Known<'_>) -> Option<f64> {
    known.beside.number("scale")
}

fn cpu_warn(known: &Known<'_>) -> Computed {
    scale(known).map_or(Computed::Unknown, |scale| Computed::Number(scale.min(0.6)))
}

fn cpu_emergency(known: &Known<'_>) -> Computed {
    scale(known).map_or(Computed::Unknown, |scale| Computed::Number(scale.max(0.8)))
}

fn requests_target(known: &Known<'_>) -> Computed {
    scale(known).map_or(Computed::Unknown, |scale| Computed::Number(scale.min(800.0)))
}
