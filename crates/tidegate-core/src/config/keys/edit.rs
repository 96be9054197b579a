//! `[route.NAME.request]` and `[route.NAME.response]`: edits of messages, and the answers that need
//! no server.

use super::compression::COMPRESSION;
use super::key::{Default, Key, Kind, Section};
use crate::config::text::duration::AGE;
use crate::config::text::host::AUTHORITY;
use crate::config::text::name::{BODY, EDITED_HEADER, HEADER, MEDIA_TYPE, METHOD};
use crate::config::text::origin::ORIGIN;
use crate::config::text::path::PREFIX;
use crate::config::text::pattern::PATH_REGEX;
use crate::config::text::place::PAGE;
use crate::config::text::rewrite::REWRITE as TARGET;
use crate::config::text::status::ERROR_STATUS;
use crate::config::text::template::{LOCATION, REPLY_VALUE, REQUEST_VALUE};

/// `[route.NAME.redirect]`.
pub(crate) static REDIRECT: Section = Section {
    doc: "Sends clients to another URL. `to` may hold the variables of `[route.NAME.request]`; \
          `{path}` is the path after `strip_prefix` and `rewrite`.",
    keys: &[
        Key::new(
            "to",
            Kind::Text(&LOCATION),
            Default::Required,
            "The URL, or a path on the same host. The request's query is put behind it, unless \
             it has a `?` of its own.",
        )
        .also(&["url", "location", "target"]),
        Key::new(
            "status",
            Kind::Either(&[
                Kind::Integer { min: 301, max: 303 },
                Kind::Integer { min: 307, max: 308 },
            ]),
            Default::Integer(308),
            "301 and 308 are kept by browsers; 307 and 308 keep the method.",
        )
        .also(&["code"]),
    ],
};

/// `[route.NAME.respond]`.
pub(crate) static RESPOND: Section = Section {
    doc: "Answers without a server.",
    keys: &[
        Key::new(
            "status",
            Kind::Integer { min: 200, max: 599 },
            Default::Integer(200),
            "The status.",
        )
        .also(&["code"]),
        Key::new(
            "body",
            Kind::Text(&BODY),
            Default::Text(""),
            "The body, as it stands: braces are no variables here.",
        )
        .also(&["text"]),
        Key::new(
            "type",
            Kind::Text(&MEDIA_TYPE),
            Default::Text("text/plain"),
            "The Content-Type of a body.",
        )
        .also(&["content_type", "media_type"]),
    ],
};

/// `[route.NAME.request]`.
pub(crate) static REQUEST: Section = Section {
    doc: "What changes in a request before a server sees it. Values may hold variables, which say \
          what the client asked for, whatever was edited: `{host}` (without port), `{path}`, \
          `{query}`, `{scheme}`, `{method}`, `{client}` (the trusted address), `{request_id}`, \
          `{listener}`, `{route}`, `{port}` (of the listener), `{header:NAME}`, `{cookie:NAME}` \
          and `{query:NAME}`; `{{` and `}}` stand for braces. What a request does not have is \
          empty. A rendered value with a control byte, or beyond 16 KiB, is never sent: the \
          request gets 400 (`bad_edit`).",
    keys: &[
        Key::new(
            "set_header",
            Kind::Map { key: &EDITED_HEADER, value: &Kind::Text(&REQUEST_VALUE) },
            Default::Absent("none"),
            "Fields to set, in place of any of the same name; a value that comes out empty \
             removes them.",
        )
        .also(&["set_headers", "add_header", "proxy_set_header", "headers"]),
        REMOVE_HEADER,
        Key::new(
            "strip_prefix",
            Kind::Text(&PREFIX),
            Default::Absent("none"),
            "Leading segments to take off the path, where it has them.",
        )
        .also(&["strip_path_prefix"]),
        Key::new(
            "rewrite",
            Kind::Table(&REWRITE),
            Default::Absent("none"),
            "Another path, after `strip_prefix`.",
        ),
        Key::new(
            "host",
            Kind::Either(&[Kind::Word(&["pass", "server"]), Kind::Text(&AUTHORITY)]),
            Default::Text("pass"),
            "The Host that the server sees: the client's, the server's own address, or this one.",
        )
        .also(&["host_rewrite"]),
    ],
};

static REWRITE: Section = Section {
    doc: "Rewrites the path; the query stays. What comes out has to be canonical, repeated \
          slashes aside: a request whose path becomes anything else gets 400 (`bad_edit`).",
    keys: &[
        Key::new(
            "regex",
            Kind::Text(&PATH_REGEX),
            Default::Required,
            "A regular expression for the whole path, matched in linear time; other paths stay.",
        )
        .also(&["pattern", "match"]),
        Key::new(
            "to",
            Kind::Text(&TARGET),
            Default::Required,
            "The path, with `$1` or `${name}` for what a group took, and `$$` for a dollar sign.",
        )
        .also(&["replacement", "substitution"]),
    ],
};

/// `[route.NAME.response]`.
pub(crate) static RESPONSE: Section = Section {
    doc: "What changes in a response, be it a server's or the balancer's own for this route. \
          Values may hold the variables of `[route.NAME.request]` but `{header:NAME}`, \
          `{cookie:NAME}` and `{query:NAME}`, and `{status}`.",
    keys: &[
        Key::new(
            "set_header",
            Kind::Map { key: &EDITED_HEADER, value: &Kind::Text(&REPLY_VALUE) },
            Default::Absent("none"),
            "Fields to set, in place of any of the same name; a value that comes out empty \
             removes them.",
        )
        .also(&["set_headers", "add_header", "headers"]),
        REMOVE_HEADER,
        Key::new(
            "cors",
            Kind::Table(&CORS),
            Default::Absent("the servers decide"),
            "Which pages of other origins may read it.",
        ),
        Key::new(
            "hsts",
            Kind::Shorthand(&HSTS),
            Default::Absent("not sent"),
            "Strict-Transport-Security, over https only.",
        ),
        Key::new(
            "compress",
            Kind::Shorthand(&COMPRESSION),
            Default::Absent("off"),
            "Compresses them for clients that take it.",
        )
        .also(&["compression", "gzip", "encode"]),
        ERROR_PAGE,
    ],
};

// A reference inside a constant needs a constant of its own.
const NAME_ITEM: &Kind = &Kind::Text(&EDITED_HEADER);
const PAGE_ITEM: &Kind = &Kind::Text(&PAGE);

const REMOVE_HEADER: Key =
    Key::new("remove_header", Kind::List(NAME_ITEM), Default::Absent("none"), "Fields to remove.")
        .also(&["remove_headers", "hide_header", "proxy_hide_header"]);

/// `error_page`, of a route or a pool.
pub(crate) const ERROR_PAGE: Key = Key::new(
    "error_page",
    Kind::Map { key: &ERROR_STATUS, value: PAGE_ITEM },
    Default::Absent("plain text"),
    "Bodies for errors that the balancer answers itself, by status; the route's go before the \
     pool's. Files are read with the configuration, 256 KiB each at most; the ending of the name \
     tells the type.",
)
.also(&["error_pages", "errorfile"]);

static CORS: Section = Section {
    doc: "Cross-origin sharing. Preflights are answered here with 204, so a route with \
          `match.method` has to take `OPTIONS` for them; what the servers say of it is removed.",
    keys: &[
        Key::new(
            "origins",
            Kind::Some(&Kind::Text(&ORIGIN)),
            Default::Required,
            "Origins that are let in; others, and `null`, get no word of it.",
        )
        .also(&["origin", "allow_origins", "allowed_origins"]),
        Key::new(
            "methods",
            Kind::Some(&Kind::Text(&METHOD)),
            Default::Words(&["GET", "HEAD", "POST"]),
            "Methods that pages may use.",
        )
        .also(&["allow_methods", "allowed_methods"]),
        Key::new(
            "headers",
            Kind::List(&Kind::Text(&HEADER)),
            Default::Words(&[]),
            "Fields that pages may send beyond the harmless ones.",
        )
        .also(&["allow_headers", "allowed_headers"]),
        Key::new(
            "expose",
            Kind::List(&Kind::Text(&HEADER)),
            Default::Words(&[]),
            "Fields that pages may read beyond the harmless ones.",
        )
        .also(&["expose_headers", "exposed_headers"]),
        Key::new(
            "credentials",
            Kind::Flag,
            Default::Flag(false),
            "Whether cookies may come along; then nothing here may be `\"*\"`.",
        )
        .also(&["allow_credentials"]),
        Key::new(
            "max_age",
            Kind::Text(&AGE),
            Default::Absent("as browsers do by themselves"),
            "How long a browser may keep the answer to a preflight.",
        ),
    ],
};

static HSTS: Section = Section {
    doc: "Strict-Transport-Security (RFC 6797).",
    keys: &[
        Key::new(
            "max_age",
            Kind::Text(&AGE),
            Default::Required,
            "How long browsers use https alone; `\"0s\"` makes them forget.",
        ),
        Key::new(
            "include_subdomains",
            Kind::Flag,
            Default::Flag(false),
            "Whether names below the host are meant too.",
        )
        .also(&["includeSubDomains"]),
        Key::new("preload", Kind::Flag, Default::Flag(false), "Whether browsers may build it in."),
    ],
};
