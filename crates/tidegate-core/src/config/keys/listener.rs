//! `[listener.NAME]`: an address that takes clients in.

use super::key::{Default, Key, Kind, Section};
use super::tls::LISTENER_TLS;
use crate::config::text::address::{LISTEN, NETWORK};
use crate::config::text::duration::WAIT;
use crate::config::text::name::HEADER;
use crate::config::text::size::{HEAD_SIZE, PROGRESS, SIZE};

/// `[listener.NAME]`.
pub(crate) static LISTENER: Section = Section {
    doc: "An address that takes clients in.",
    keys: &[
        Key::new(
            "address",
            Kind::Some(&Kind::Text(&LISTEN)),
            Default::Required,
            "Where it listens.",
        )
        .also(&["listen", "bind", "addresses", "port"]),
        Key::new(
            "protocol",
            Kind::Word(&["http"]),
            Default::Text("http"),
            "What it speaks: HTTP/1.1.",
        )
        .also(&["mode"]),
        Key::new(
            "trusted_proxies",
            Kind::List(&Kind::Text(&NETWORK)),
            Default::Absent("nobody"),
            "Peers whose forwarding headers are believed.",
        )
        .also(&["set_real_ip_from", "trusted_ips"]),
        Key::new(
            "client_header",
            Kind::Text(&HEADER),
            Default::Absent("`X-Forwarded-For`"),
            "The header in which `trusted_proxies` name the client.",
        )
        .also(&["real_ip_header"]),
        Key::new(
            "redirect",
            Kind::Word(&["https"]),
            Default::Absent("requests are routed"),
            "Answers every request with 308 to the same URL over https; on port 443, or on that \
             of the listener with `tls` if there is just one.",
        )
        .also(&["redirect_scheme", "https_redirect"]),
        Key::new(
            "tls",
            Kind::Table(&LISTENER_TLS),
            Default::Absent("it is plain"),
            "Encryption, and who may connect.",
        )
        .also(&["ssl", "https"]),
        Key::new("limits", Kind::Table(&LIMITS), Default::Table, "What it tolerates."),
    ],
};

static LIMITS: Section = Section {
    doc: "What a listener tolerates from a client connection.",
    keys: &[
        Key::new(
            "handshake_timeout",
            Kind::Text(&WAIT),
            Default::Text("10s"),
            "From the start of a TLS connection to the end of its handshake.",
        ),
        Key::new(
            "header_timeout",
            Kind::Text(&WAIT),
            Default::Text("10s"),
            "From the first byte of a request head to its end.",
        ),
        Key::new(
            "header_bytes",
            Kind::Text(&HEAD_SIZE),
            Default::Text("32KiB"),
            "The size of a request or response head, line ends included.",
        ),
        Key::new(
            "header_fields",
            Kind::Integer { min: 1, max: 512 },
            Default::Integer(128),
            "Header fields of a request or response.",
        ),
        Key::new(
            "body_bytes",
            Kind::Either(&[Kind::Word(&["unlimited"]), Kind::Text(&SIZE)]),
            Default::Text("16MiB"),
            "The size of a request body; a route may say otherwise.",
        )
        .also(&["client_max_body_size", "max_body_size"]),
        Key::new(
            "idle_timeout",
            Kind::Text(&WAIT),
            Default::Text("75s"),
            "How long a connection may wait for its next request.",
        )
        .also(&["keepalive_timeout", "keep_alive"]),
        Key::new(
            "body_progress",
            Kind::Text(&PROGRESS),
            Default::Text("256B/s over 30s"),
            "The slowest a body may come or go, on average over each window.",
        ),
        Key::new(
            "max_age",
            Kind::Text(&WAIT),
            Default::Text("1h"),
            "How long a connection may live before it is asked to go; jittered by a tenth.",
        ),
        Key::new(
            "connections",
            Kind::Either(&[
                Kind::Word(&["unlimited"]),
                Kind::Integer { min: 1, max: u32::MAX as i128 },
            ]),
            Default::Text("unlimited"),
            "Connections at once; `\"unlimited\"`: the descriptor limit less a reserve.",
        )
        .also(&["max_connections", "maxconn", "worker_connections"]),
        Key::new(
            "connections_per_client",
            Kind::Either(&[
                Kind::Word(&["unlimited"]),
                Kind::Integer { min: 1, max: u32::MAX as i128 },
            ]),
            Default::Text("unlimited"),
            "Connections at once of one client address (of one /64, for IPv6).",
        ),
    ],
};
