//! `[runtime]`, `[admin]`, `[metrics]` and `[log]`: the process and how it is watched.

use super::key::{Default, Key, Kind, Section};
use crate::config::text::address;
use crate::config::text::duration::DURATION;
use crate::config::text::name;
use crate::config::text::place::{DIRECTORY, LOG_FILE, SECRET};

/// `[runtime]`.
pub(crate) static RUNTIME: Section = Section {
    doc: "The process. Changing `workers` or `state` needs a restart.",
    keys: &[
        Key::new(
            "workers",
            Kind::Either(&[Kind::Word(&["auto"]), Kind::Integer { min: 1, max: 1024 }]),
            Default::Text("auto"),
            "Threads that forward traffic; `\"auto\"`: one a core.",
        )
        .also(&["threads", "worker_processes", "nbthread"]),
        Key::new(
            "state",
            Kind::Text(&DIRECTORY),
            Default::Absent("`/var/lib/tidegate` when writable, else the user's state directory"),
            "The directory for what outlives the process, made with mode 0700. A relative path \
             starts at the main file.",
        ),
        Key::new(
            "shutdown_delay",
            Kind::Text(&DURATION),
            Default::Text("0s"),
            "On a graceful stop: how long listeners go on accepting after readiness has failed.",
        ),
        Key::new(
            "shutdown_grace",
            Kind::Text(&DURATION),
            Default::Text("30s"),
            "On a graceful stop: how long work in flight may take.",
        )
        .also(&["shutdown_timeout", "grace"]),
        Key::new(
            "watch",
            Kind::Flag,
            Default::Flag(false),
            "Whether a changed file is a reload, once it is settled, whole and valid.",
        ),
    ],
};

/// `[admin]`.
pub(crate) static ADMIN: Section = Section {
    doc: "The admin API. Reading from loopback needs no token; any change needs one. Changing \
          `address` needs a restart.",
    keys: &[
        Key::new(
            "address",
            Kind::Text(&address::ADMIN),
            Default::Text("127.0.0.1:9900"),
            "Where it listens: a loopback address, `\"unix:PATH\"`, or `\"off\"`.",
        )
        .also(&["listen", "bind"]),
        Key::new(
            "tokens",
            Kind::List(&Kind::Table(&TOKEN)),
            Default::Absent("a fresh one is printed at start and kept in the state directory"),
            "Who may do what.",
        ),
    ],
};

static TOKEN: Section = Section {
    doc: "A token of the admin API.",
    keys: &[
        Key::new(
            "name",
            Kind::Text(&name::OBJECT),
            Default::Required,
            "The name that events and the audit show.",
        ),
        Key::new(
            "token",
            Kind::Text(&SECRET),
            Default::Required,
            "Where the secret is: `\"env:NAME\"` or `\"file:PATH\"`.",
        ),
        Key::new(
            "role",
            Kind::Word(&["read", "operate", "admin"]),
            Default::Required,
            "What it may do; each role may do what the ones before it may.",
        ),
    ],
};

/// `[metrics]`.
pub(crate) static METRICS: Section = Section {
    doc: "A second address that serves `/metrics`, `/healthz` and `/readyz`, and nothing else. \
          Changing it needs a restart.",
    keys: &[Key::new(
        "address",
        Kind::Text(&address::LISTEN),
        Default::Required,
        "Where it listens, without a token.",
    )
    .also(&["listen", "bind"])],
};

/// `[keys]`.
pub(crate) static KEYS: Section = Section {
    doc: "Keys of the balancer's own.",
    keys: &[Key::new(
        "signing",
        Kind::List(&Kind::Text(&SECRET)),
        Default::Absent("one that is made in the state directory when it is first needed"),
        "What cookies are sealed with: `\"file:PATH\"` or `\"env:NAME\"`, each 32 to 1024 bytes \
         that nobody can guess, as `openssl rand -hex 32` gives. The first seals, all open: a new \
         one goes in front, and the old one is taken out once the cookies that it sealed are \
         over. Balancers that serve the same users need the same keys. A changed file is \
         followed at once.",
    )
    .also(&["cookie", "secret", "secrets", "key"])],
};

/// `[log]`.
pub(crate) static LOG: Section = Section {
    doc: "Logs.",
    keys: &[
        Key::new(
            "level",
            Kind::Word(&["error", "warn", "info", "debug", "trace"]),
            Default::Text("info"),
            "The least severe level that is logged.",
        ),
        Key::new(
            "access",
            Kind::Either(&[
                Kind::Word(&["off", "errors", "stdout", "stderr"]),
                Kind::Text(&LOG_FILE),
            ]),
            Default::Text("off"),
            "Where the access log goes; `\"errors\"`: standard output, failed requests alone. A \
             file is reopened on SIGUSR1; a relative path starts at the main file.",
        )
        .also(&["access_log"]),
        Key::new(
            "format",
            Kind::Word(&["json", "text", "combined"]),
            Default::Text("json"),
            "How a line of the access log looks.",
        ),
        Key::new(
            "redact",
            Kind::List(&Kind::Text(&name::REDACTION)),
            Default::Absent("nothing"),
            "What is blotted out of the access log: `\"query:KEY\"`, the value of a query key.",
        ),
    ],
};
