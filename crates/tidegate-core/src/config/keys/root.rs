//! The file as a whole.

use super::audience::{AUDIENCE, GEO};
use super::key::{Default, Key, Kind, Section};
use super::listener::LISTENER;
use super::notify::NOTIFY;
use super::pool::POOL;
use super::process::{ADMIN, KEYS, LOG, METRICS, RUNTIME};
use super::rollout::ROLLOUT;
use super::route::ROUTE;
use crate::config::text::place::GLOB;

/// The file.
pub(crate) static ROOT: Section = Section {
    doc: "A request comes in at a **listener**, the most specific **route** takes it, and a \
          **pool** spreads it over its **servers**. A **rollout** lets the servers of another pool \
          take over, bit by bit or at once.",
    keys: &[
        Key::new(
            "version",
            Kind::Integer { min: 1, max: 1 },
            Default::Integer(1),
            "The version of the file's format.",
        ),
        Key::new(
            "include",
            Kind::List(&Kind::Text(&GLOB)),
            Default::Absent("no other files"),
            "More files, relative to this one. They add listeners, routes, pools and whole \
             tables; what is set twice is a mistake. Only the main file includes.",
        ),
        Key::new(
            "default",
            Kind::Table(&DEFAULT),
            Default::Absent("nothing is inherited"),
            "What listeners, routes and pools inherit: tables merge by key, all else is replaced.",
        )
        .also(&["defaults"]),
        Key::new("runtime", Kind::Table(&RUNTIME), Default::Table, "The process.")
            .also(&["global", "process"]),
        Key::new("admin", Kind::Table(&ADMIN), Default::Table, "The admin API.").also(&["api"]),
        Key::new(
            "metrics",
            Kind::Table(&METRICS),
            Default::Absent("the admin API serves them"),
            "A second address for `/metrics`, `/healthz` and `/readyz` alone.",
        ),
        Key::new("keys", Kind::Table(&KEYS), Default::Table, "Keys of the balancer's own."),
        Key::new("log", Kind::Table(&LOG), Default::Table, "Logs.").also(&["logging"]),
        Key::new(
            "listener",
            Kind::Objects(&LISTENER),
            Default::Absent("none"),
            "Addresses that take clients in; at least one.",
        )
        .also(&["frontend", "frontends", "server", "entrypoint", "entryPoints"]),
        Key::new(
            "route",
            Kind::Objects(&ROUTE),
            Default::Absent("every request gets 404"),
            "Which requests go where.",
        )
        .also(&["location", "router", "rule", "rules", "virtual_host"]),
        Key::new(
            "pool",
            Kind::Objects(&POOL),
            Default::Absent("none"),
            "Servers that do the same work.",
        )
        .also(&[
            "backend",
            "backends",
            "upstream",
            "upstreams",
            "cluster",
            "clusters",
            "service",
        ]),
        Key::new(
            "notify",
            Kind::Tables(&NOTIFY),
            Default::Absent("nobody is told"),
            "Webhooks that are told of what happens.",
        )
        .also(&["webhook", "webhooks", "alert", "alerts", "notification", "notifications"]),
        Key::new(
            "rollout",
            Kind::Objects(&ROLLOUT),
            Default::Absent("none"),
            "How the servers of one pool take over from those of another.",
        )
        .also(&["rollouts", "canary", "release", "releases", "deployment"]),
        Key::new(
            "audience",
            Kind::Objects(&AUDIENCE),
            Default::Absent("none"),
            "Users that have something in common, for rollouts to treat apart.",
        )
        .also(&["audiences", "segment", "segments"]),
        Key::new(
            "geo",
            Kind::Table(&GEO),
            Default::Absent("no address is known to be in a country"),
            "In which country addresses are.",
        )
        .also(&["geoip", "geoip2"]),
    ],
};

static DEFAULT: Section = Section {
    doc: "`[default.listener]`, `[default.route]` and `[default.pool]` hold any keys of the \
          objects they are named for. An object's own keys go before them.",
    keys: &[
        Key::new(
            "listener",
            Kind::Defaults(&LISTENER),
            Default::Absent("nothing"),
            "What every listener inherits.",
        ),
        Key::new(
            "route",
            Kind::Defaults(&ROUTE),
            Default::Absent("nothing"),
            "What every route inherits.",
        ),
        Key::new(
            "pool",
            Kind::Defaults(&POOL),
            Default::Absent("nothing"),
            "What every pool inherits.",
        ),
    ],
};
