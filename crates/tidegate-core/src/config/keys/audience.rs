//! `[audience.NAME]` and `[geo]`: users that have something in common.

use super::key::{Default, Key, Kind, Section};
use crate::config::text::address::NETWORK;
use crate::config::text::country::COUNTRY;
use crate::config::text::name::{COOKIE, HEADER};
use crate::config::text::pattern::VALUE;
use crate::config::text::place::FILE;

/// `[audience.NAME]`.
pub(crate) static AUDIENCE: Section = Section {
    doc: "Users that have something in common. A rollout can have an audience meet the candidate \
          first, or never.",
    keys: &[Key::new(
        "any",
        Kind::Tables(&MATCH),
        Default::Required,
        "Who is in it: whoever one of these tables holds for.",
    )
    .also(&["match", "matches", "is"])],
};

/// `[geo]`.
pub(crate) static GEO: Section = Section {
    doc: "In which country addresses are. A changed file is followed without a reload.",
    keys: &[Key::new(
        "database",
        Kind::Text(&FILE),
        Default::Required,
        "A MaxMind database with countries, such as `GeoLite2-Country.mmdb`.",
    )
    .also(&["file", "path", "mmdb"])],
};

const NETWORK_ITEM: &Kind = &Kind::Text(&NETWORK);
const COUNTRY_ITEM: &Kind = &Kind::Text(&COUNTRY);
const DEVICES: &[&str] = &["ios", "android", "mobile", "tablet", "desktop", "bot"];
const VALUES: &Kind = &Kind::Either(&[Kind::Text(&VALUE), Kind::Flag]);

static MATCH: Section = Section {
    doc: "All keys that are given have to hold; of a list, one item has to. `client`, \
          `signed_cookie`, `country` and `header` are signed, or come from where they are trusted. \
          `device` is what anybody says of themselves, and `percent` a draw: they choose between \
          versions, and are nothing to let somebody in by.",
    keys: &[
        Key::new(
            "client",
            Kind::Some(NETWORK_ITEM),
            Default::Absent("any"),
            "Networks of the trusted client address.",
        )
        .also(&["clients", "src", "client_ip", "network", "networks"]),
        Key::new(
            "signed_cookie",
            Kind::Text(&COOKIE),
            Default::Absent("none is needed"),
            "The name of a cookie that the balancer has signed: `tidegate pass NAME` prints one.",
        )
        .also(&["cookie"]),
        Key::new(
            "country",
            Kind::Some(COUNTRY_ITEM),
            Default::Absent("any"),
            "Countries of the trusted client address, by their two letters (ISO 3166-1). An \
             address that `geo.database` does not know is in none.",
        )
        .also(&["countries"]),
        Key::new(
            "device",
            Kind::Some(&Kind::Word(DEVICES)),
            Default::Absent("any"),
            "What the user agent says it runs on, in its client hints or its User-Agent.",
        )
        .also(&["devices", "platform", "user_agent"]),
        Key::new(
            "header",
            Kind::Map { key: &HEADER, value: VALUES },
            Default::Absent("any"),
            "Header fields, as in `route.match`, of requests that come from one of the listener's \
             `trusted_proxies`; of others they are not believed. `trusted = true` has to say so.",
        )
        .also(&["headers"]),
        Key::new(
            "trusted",
            Kind::Flag,
            Default::Flag(false),
            "That `header` is believed because trusted proxies set it, or take it out.",
        ),
        Key::new(
            "percent",
            Kind::Number { min: 0.0001, max: 100.0 },
            Default::Absent("all"),
            "A share of all users, always the same ones, and others than in any other audience.",
        )
        .also(&["percentage", "share"]),
    ],
};
