//! `[route.NAME]`: which requests it takes, and what happens to them.

use super::edit::{REDIRECT, REQUEST, RESPOND, RESPONSE};
use super::key::{Default, Key, Kind, Section};
use super::matching::MATCH;
use crate::config::text::duration::WAIT;
use crate::config::text::name::{POOL, UPGRADE};
use crate::config::text::size::SIZE;
use crate::config::text::status::STATUS;

/// `[route.NAME]`.
pub(crate) static ROUTE: Section = Section {
    doc: "Which requests are answered by whom. The most specific route wins, never the order in \
          the file: a named listener first; then an exact host, the longest wildcard host, any \
          host; an exact path, the longest prefix, a regular expression, any path; then a \
          method; then more header, cookie, query, client and body conditions. Two routes that \
          one request can match equally well are a mistake unless `priority` settles it.",
    keys: &[
        Key::new(
            "pool",
            Kind::Text(&POOL),
            Default::Absent("`redirect` or `respond` answers"),
            "The pool that serves it; or one of the next two.",
        )
        .also(&["backend", "upstream", "cluster", "service", "proxy_pass", "to"]),
        Key::new(
            "redirect",
            Kind::Table(&REDIRECT),
            Default::Absent("`pool` or `respond` answers"),
            "Another URL.",
        ),
        Key::new(
            "respond",
            Kind::Table(&RESPOND),
            Default::Absent("`pool` or `redirect` answers"),
            "A fixed answer.",
        )
        .also(&["return", "direct_response", "static_response"]),
        Key::new(
            "priority",
            Kind::Integer { min: i32::MIN as i128, max: i32::MAX as i128 },
            Default::Integer(0),
            "Settles a tie; the higher wins.",
        ),
        Key::new(
            "match",
            Kind::Tables(&MATCH),
            Default::Absent("every request on every listener"),
            "What it takes; with `[[route.NAME.match]]`, any of several.",
        )
        .also(&["matches", "rule", "when"]),
        Key::new(
            "request",
            Kind::Table(&REQUEST),
            Default::Table,
            "What changes in its requests, after routing.",
        ),
        Key::new(
            "response",
            Kind::Table(&RESPONSE),
            Default::Table,
            "What changes in its responses.",
        ),
        Key::new("path", Kind::Table(&PATH), Default::Table, "What it does with odd paths."),
        Key::new(
            "timeouts",
            Kind::Table(&TIMEOUTS),
            Default::Table,
            "How long exchanges may take.",
        )
        .also(&["timeout"]),
        Key::new("limits", Kind::Table(&LIMITS), Default::Table, "What it tolerates."),
        Key::new(
            "retry",
            Kind::Table(&RETRY),
            Default::Table,
            "When a failed try is followed by another.",
        )
        .also(&["retries", "retry_policy"]),
    ],
};

static PATH: Section = Section {
    doc: "What a route does with paths that servers might read differently.",
    keys: &[
        Key::new(
            "encoded_slash",
            Kind::Word(&["refuse", "keep"]),
            Default::Text("refuse"),
            "`%2F` and `%5C` in a path: answer 400, or forward it as it is.",
        ),
        Key::new(
            "merge_slashes",
            Kind::Flag,
            Default::Flag(true),
            "Whether `//` is forwarded as `/`. Routing always reads the merged path.",
        ),
    ],
};

static TIMEOUTS: Section = Section {
    doc: "How long a route's exchanges may take.",
    keys: &[
        Key::new(
            "response",
            Kind::Text(&WAIT),
            Default::Text("60s"),
            "From the end of the request to the response head. In gRPC the head of a call that \
             streams may come with its first message.",
        )
        .also(&["read", "server", "proxy_read_timeout"]),
        Key::new(
            "idle",
            Kind::Text(&WAIT),
            Default::Text("5m"),
            "Without a byte either way while bodies flow.",
        ),
        Key::new(
            "tunnel",
            Kind::Text(&WAIT),
            Default::Text("1h"),
            "Without a byte either way in a WebSocket or another upgrade, or in a gRPC call whose \
             client may go on or that has been answered in part.",
        ),
        Key::new(
            "total",
            Kind::Either(&[Kind::Word(&["unlimited"]), Kind::Text(&WAIT)]),
            Default::Text("unlimited"),
            "The whole exchange; for a gRPC call, the deadline of its client if that is earlier.",
        ),
    ],
};

static LIMITS: Section = Section {
    doc: "What a route tolerates.",
    keys: &[
        Key::new(
            "body_bytes",
            Kind::Either(&[Kind::Word(&["unlimited"]), Kind::Text(&SIZE)]),
            Default::Absent("as the listener says"),
            "The size of a request body.",
        )
        .also(&["client_max_body_size", "max_body_size"]),
        Key::new(
            "upgrade",
            Kind::List(&Kind::Text(&UPGRADE)),
            Default::Words(&["websocket"]),
            "Protocols that a connection may be upgraded to; `[]` refuses all.",
        ),
    ],
};

static RETRY: Section = Section {
    doc: "When a failed try is followed by another on another server. Beside these, always: a \
          failed connect sent nothing, so every other server is tried in turn; and a reused \
          connection that closed before a response byte is tried once more on a fresh one.",
    keys: &[
        Key::new(
            "retries",
            Kind::Integer { min: 0, max: 100 },
            Default::Integer(1),
            "Further tries, before a response byte, of idempotent requests (or `Idempotency-Key`).",
        )
        .also(&["attempts", "num_retries", "tries"]),
        Key::new(
            "on",
            Kind::List(&Kind::Either(&[
                Kind::Word(&["reset-before-response", "timeout"]),
                Kind::Text(&STATUS),
            ])),
            Default::Words(&["reset-before-response"]),
            "What is retried: a connection that ended too early, `\"timeout\"`, or status codes. A \
             gRPC call counts as what its own status means, `\"503\"` as `UNAVAILABLE`; idempotent \
             or not, it is retried when nothing but that status came.",
        )
        .also(&["retry_on", "conditions"]),
    ],
};
