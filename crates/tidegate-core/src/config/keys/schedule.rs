//! `[[pool.NAME.autoscale.schedule]]`: demand that is known beforehand.

use super::key::{Default, Key, Kind, Section};
use crate::config::text::name::OBJECT;
use crate::config::text::time::{TIME, ZONE};

/// `[[pool.NAME.autoscale.schedule]]`.
pub(crate) static SALE: Section = Section {
    doc: "A sale: demand that is known beforehand. Its capacity serves from its first moment, so \
          launches happen earlier. It asks for exactly one of `min`, `demand` and `factor`.",
    keys: &[
        Key::new("name", Kind::Text(&OBJECT), Default::Required, "Its name, unique in the pool."),
        Key::new(
            "from",
            Kind::Time(&TIME),
            Default::Required,
            "When its capacity serves; of the first one, if it is repeated. With an offset, or \
             without one by the clock of `timezone`.",
        )
        .also(&["start", "begin"]),
        Key::new("to", Kind::Time(&TIME), Default::Required, "When it is over.")
            .also(&["end", "until"]),
        Key::new(
            "min",
            Kind::Integer { min: 1, max: 10_000 },
            Default::Absent("not asked for"),
            "At least this many servers.",
        ),
        Key::new(
            "demand",
            Kind::Text(&crate::config::text::rate::RATE),
            Default::Absent("not asked for"),
            "Servers for this many requests, such as `\"60000/s\"`.",
        ),
        Key::new(
            "factor",
            Kind::Number { min: 1.0, max: 10_000.0 },
            Default::Absent("not asked for"),
            "This many times what demand would need otherwise.",
        ),
        Key::new(
            "repeat",
            Kind::Word(&["daily", "weekly"]),
            Default::Absent("it is held once"),
            "It comes again at the same time of the clock of `timezone`.",
        )
        .also(&["every"]),
        Key::new(
            "timezone",
            Kind::Text(&ZONE),
            Default::Absent("UTC"),
            "The IANA name of the time zone whose clock it follows. A time that the clock skips \
             or shows twice counts from the earlier reading to the later.",
        )
        .also(&["time_zone", "tz", "zone"]),
    ],
};
