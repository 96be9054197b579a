//! `[route.NAME.match]`: the conditions of a route.

use super::key::{Computed, Default, Key, Kind, Known, Section};
use crate::config::text::address::NETWORK;
use crate::config::text::fault::Format;
use crate::config::text::host::HOST;
use crate::config::text::name::{COOKIE, HEADER, LISTENER, METHOD, QUERY};
use crate::config::text::path::{PATH, PREFIX};
use crate::config::text::pattern::{PATH_REGEX, VALUE};
use crate::config::text::pointer::POINTER;
use crate::config::text::size::PREFIX_SIZE;

/// `[route.NAME.match]`.
pub(crate) static MATCH: Section = Section {
    doc: "All conditions that are given have to hold. Of a list, one item has to; of a table, \
          every key. `path`, `path_prefix` and `path_regex` are alternatives of one another.",
    keys: &[
        LISTENERS,
        HOSTS,
        PATHS,
        PREFIXES,
        REGEXES,
        METHODS,
        HEADERS,
        COOKIES,
        QUERIES,
        CLIENTS,
        Key::new(
            "body_json",
            Kind::Map { key: &POINTER, value: BODY_VALUES },
            Default::Absent("any"),
            "Values of a JSON body by pointer (RFC 6901). The body has to be JSON, not encoded, \
             whole within `body_prefix` and nested at most 128 deep; a value below a key that \
             stands twice does not count. Else these do not hold, and the next route is tried.",
        )
        .also(&["body", "json"]),
        Key::new(
            "body_prefix",
            Kind::Text(&PREFIX_SIZE),
            Default::Computed("`\"16KiB\"` with `body_json`", body_prefix),
            "Bytes that a body may have to be looked at.",
        ),
        Key::new(
            "not",
            Kind::Table(&NOT),
            Default::Absent("nothing is excluded"),
            "Conditions that must not all hold.",
        )
        .also(&["except", "unless"]),
    ],
};

static NOT: Section = Section {
    doc: "Excludes requests for which all of these hold.",
    keys: &[
        LISTENERS, HOSTS, PATHS, PREFIXES, REGEXES, METHODS, HEADERS, COOKIES, QUERIES, CLIENTS,
    ],
};

// A reference inside a constant needs a constant of its own.
const NAME_ITEM: &Kind = &Kind::Text(&LISTENER);
const HOST_ITEM: &Kind = &Kind::Text(&HOST);
const PATH_ITEM: &Kind = &Kind::Text(&PATH);
const PREFIX_ITEM: &Kind = &Kind::Text(&PREFIX);
const REGEX_ITEM: &Kind = &Kind::Text(&PATH_REGEX);
const METHOD_ITEM: &Kind = &Kind::Text(&METHOD);
const NETWORK_ITEM: &Kind = &Kind::Text(&NETWORK);

const LISTENERS: Key = texts("listener", NAME_ITEM, "any", "Listeners, by name.");

const HOSTS: Key = texts(
    "host",
    HOST_ITEM,
    "any",
    "Hosts; `*.example.com` takes one or more labels before the suffix.",
)
.also(&["hosts", "server_name", "domain", "domains"]);

const PATHS: Key = texts("path", PATH_ITEM, "any", "Whole paths.").also(&["paths", "exact"]);

const PREFIXES: Key = texts(
    "path_prefix",
    PREFIX_ITEM,
    "any",
    "Leading segments: `/api` takes `/api` and `/api/x`, never `/apix`.",
)
.also(&["prefix", "path_beg"]);

const REGEXES: Key = texts(
    "path_regex",
    REGEX_ITEM,
    "any",
    "Regular expressions for the whole path, matched in linear time.",
)
.also(&["regex", "path_reg"]);

const METHODS: Key = texts("method", METHOD_ITEM, "any", "Methods.").also(&["methods", "verb"]);

const HEADERS: Key =
    values("header", &HEADER, "Header fields; every value of a field has to match.")
        .also(&["headers", "hdr"]);

const COOKIES: Key = values("cookie", &COOKIE, "Cookies.").also(&["cookies"]);

const QUERIES: Key =
    values("query", &QUERY, "Query keys; of a repeated key, the first value.").also(&["params"]);

const CLIENTS: Key = texts("client", NETWORK_ITEM, "any", "The trusted client address.").also(&[
    "clients",
    "src",
    "client_ip",
    "source",
]);

fn body_prefix(known: &Known<'_>) -> Computed {
    match known.beside.value("body_json") {
        Some(_) => Computed::Text("16KiB".to_owned()),
        None => Computed::Absent,
    }
}

const fn texts(
    name: &'static str,
    kind: &'static Kind,
    absent: &'static str,
    doc: &'static str,
) -> Key {
    Key::new(name, Kind::Some(kind), Default::Absent(absent), doc)
}

/// A value to match is a text, a regular expression after `~`, or whether there is one at all.
const VALUES: &Kind = &Kind::Either(&[Kind::Text(&VALUE), Kind::Flag]);

/// A value in a body is a text, a regular expression after `~`, a number or a flag. Beyond 2^53 two
/// numbers may be one to whoever reads them.
const BODY_VALUES: &Kind = &Kind::Either(&[
    Kind::Text(&VALUE),
    Kind::Flag,
    Kind::Number { min: -9_007_199_254_740_991.0, max: 9_007_199_254_740_991.0 },
]);

const fn values(name: &'static str, key: &'static Format, doc: &'static str) -> Key {
    Key::new(name, Kind::Map { key, value: VALUES }, Default::Absent("any"), doc)
}
