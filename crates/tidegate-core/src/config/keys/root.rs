//! The file as a whole.

use super::key::{Default, Key, Kind, Section};
use super::listener::LISTENER;
use super::pool::POOL;
use super::process::{ADMIN, KEYS, LOG, METRICS, RUNTIME};
use super::route::ROUTE;
use crate::config::text::place::GLOB;

/// The file.
pub(crate) static ROOT: Section = Section {
    doc: "A request comes in at a **listener**, the most specific **route** takes it, and a \
          **pool** spreads it over its **servers**.",
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
