//! `[pool.NAME.session]`: how users keep their server.

use super::key::{Computed, Default, Key, Kind, Known, Section};
use crate::config::text::cookie::{COOKIE_PATH, SESSION_KEY};
use crate::config::text::duration::WAIT;
use crate::config::text::host::COOKIE_DOMAIN;
use crate::config::text::name::COOKIE;

const IN_COOKIE: &[&str] = &["cookie"];
const IN_TABLE: &[&str] = &["table"];
const REMEMBERED: &[&str] = &["cookie", "table"];

/// `[pool.NAME.session]`.
pub(crate) static SESSION: Section = Section {
    doc: RULES,
    keys: &[
        Key::new(
            "mode",
            Kind::Word(&["cookie", "ip-hash", "table"]),
            Default::Required,
            "What remembers the server; see above.",
        )
        .also(&["type", "method"]),
        Key::new(
            "cookie",
            Kind::Text(&COOKIE),
            Default::Computed("`tidegate_` and the pool's name", named_after_pool),
            "The name of the cookie.",
        )
        .only("mode", IN_COOKIE)
        .also(&["name", "cookie_name"]),
        Key::new(
            "path",
            Kind::Text(&COOKIE_PATH),
            Default::Text("/"),
            "The paths that the cookie is for.",
        )
        .only("mode", IN_COOKIE),
        Key::new(
            "domain",
            Kind::Text(&COOKIE_DOMAIN),
            Default::Absent("the host that set it, and no other"),
            "The domain that the cookie is for, with all hosts below it.",
        )
        .only("mode", IN_COOKIE),
        Key::new(
            "same_site",
            Kind::Word(&["lax", "strict", "none"]),
            Default::Text("lax"),
            "Which requests that another site caused carry the cookie. `\"none\"` works over TLS \
             alone.",
        )
        .only("mode", IN_COOKIE)
        .also(&["samesite"]),
        Key::new(
            "key",
            Kind::Text(&SESSION_KEY),
            Default::Required,
            "What the application sends to tell sessions apart: `\"cookie:NAME\"` or \
             `\"header:NAME\"`.",
        )
        .only("mode", IN_TABLE),
        Key::new(
            "entries",
            Kind::Integer { min: 1, max: 100_000_000 },
            Default::Integer(100_000),
            "Sessions that are remembered at once; beyond it, the ones that were not used for \
             longest are forgotten.",
        )
        .only("mode", IN_TABLE)
        .also(&["size", "max"]),
        Key::new(
            "ttl",
            Kind::Text(&WAIT),
            Default::Text("1h"),
            "How long a session holds after its last request.",
        )
        .only("mode", REMEMBERED)
        .also(&["timeout", "expire", "expires", "max_age"]),
        Key::new(
            "strength",
            Kind::Word(&["soft", "hard"]),
            Default::Text("soft"),
            "Whether a session moves when its server has far more to do than the others, or more \
             than servers that joined, or waits on it.",
        ),
        Key::new(
            "on_scale_in",
            Kind::Either(&[Kind::Word(&["move"]), Kind::Table(&SCALE_IN)]),
            Default::Text("move"),
            "What becomes of a session whose server drains: it moves with its next request, or \
             stays until it ends.",
        )
        .only("mode", REMEMBERED),
    ],
};

static SCALE_IN: Section = Section {
    doc: "Sessions stay on a server that drains.",
    keys: &[Key::new(
        "wait",
        Kind::Text(&WAIT),
        Default::Required,
        "How long the server waits for its sessions to end; those that are left move.",
    )],
};

const RULES: &str = "\
How users keep their server.

| `mode` | the server is remembered |
|---|---|
| `cookie` | by the user, in a sealed cookie that says nothing to anybody else |
| `ip-hash` | by nobody: the network of the trusted client address decides, /24 for IPv4 and /56 \
for IPv6, and the pool balances by it |
| `table` | by the balancer, for each value of something that the application sends |

A session whose server is gone moves to another and stays there when the first returns. So \
does one whose request another server took because the first failed it. A server that drains gets \
no new sessions; one of weight 0 loses those it has. Cookies are `HttpOnly`, and `Secure` on \
listeners with `tls`.";

fn named_after_pool(known: &Known<'_>) -> Computed {
    Computed::Text(format!("tidegate_{}", known.object))
}
