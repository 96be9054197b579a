//! `[pool.NAME]`: servers that do the same work.

use rapidhash::v3::rapidhash_v3;

use super::autoscale::AUTOSCALE;
use super::edit::ERROR_PAGE;
use super::health::{HEALTH, PASSIVE};
use super::key::{Computed, Default, Key, Kind, Known, Section};
use super::session::SESSION;
use super::tls::POOL_TLS;
use crate::config::text::address;
use crate::config::text::duration::{DURATION, WAIT};
use crate::config::text::hash_key::HASH_KEY;
use crate::config::text::name::{OBJECT, SERVER};

/// `[pool.NAME]`.
pub(crate) static POOL: Section = Section {
    doc: RULES,
    keys: &[
        Key::new(
            "balance",
            Kind::Word(&[
                "round-robin",
                "weighted-round-robin",
                "least-connections",
                "weighted-least-connections",
                "source-ip-hash",
                "ip-hash",
                "hash",
                "random",
                "p2c",
                "peak-ewma",
            ]),
            Default::Text("p2c"),
            "The rule by which a server is picked; see above.",
        )
        .also(&["algorithm", "lb_policy", "policy", "strategy"]),
        Key::new(
            "servers",
            Kind::List(&Kind::Shorthand(&MEMBER)),
            Default::Absent("none; a pool without `autoscale` needs some"),
            "Its listed members: `\"IP:PORT\"`, or tables.",
        )
        .also(&[
            "server",
            "endpoints",
            "targets",
            "backends",
            "upstreams",
            "nodes",
            "address",
        ]),
        Key::new(
            "protocol",
            Kind::Word(&["http/1.1", "h2"]),
            Default::Text("http/1.1"),
            "What is spoken to the servers: HTTP/1.1, or HTTP/2 from the first byte. gRPC needs \
             `\"h2\"`.",
        )
        .also(&["http_version", "proto"]),
        Key::new(
            "tls",
            Kind::Table(&POOL_TLS),
            Default::Absent("connections to the servers are plain"),
            "Encryption to the servers; `{}` will do.",
        )
        .also(&["ssl"]),
        Key::new("hash", Kind::Table(&HASH), Default::Table, "The table behind the hash policies.")
            .only("balance", &["source-ip-hash", "ip-hash", "hash"]),
        Key::new(
            "slow_start",
            Kind::Text(&DURATION),
            Default::Text("30s"),
            "How long a server that joins a running pool takes to reach its full weight; none at \
             the balancer's own start.",
        )
        .also(&["slowstart"]),
        Key::new(
            "drain_timeout",
            Kind::Text(&WAIT),
            Default::Text("5m"),
            "How long an instance that leaves may finish what it works on; `session.on_scale_in` \
             may grant it more.",
        )
        .also(&["drain", "drain_time", "termination_grace_period"]),
        Key::new(
            "backup_when",
            Kind::Word(&["short", "empty"]),
            Default::Text("short"),
            "When backups step in: one for each missing primary, or only when no primary is left.",
        ),
        Key::new(
            "when_all_down",
            Kind::Word(&["fail-open", "refuse"]),
            Default::Text("fail-open"),
            "When no server is available: traffic goes to all, or gets 503.",
        ),
        Key::new(
            "retry_budget",
            Kind::Table(&RETRY_BUDGET),
            Default::Table,
            "How many tries beyond the first the pool bears.",
        ),
        Key::new("timeouts", Kind::Table(&TIMEOUTS), Default::Table, "Waits.").also(&["timeout"]),
        Key::new(
            "send_proxy",
            Kind::Word(&["v1", "v2"]),
            Default::Absent("none"),
            "The PROXY header, of this version, that connections to servers begin with. Such a \
             connection serves one request; checks say that they speak for nobody.",
        )
        .only("protocol", &["http/1.1"])
        .also(&["send-proxy", "proxy_protocol"]),
        Key::new(
            "health",
            Kind::Table(&HEALTH),
            Default::Absent("off: servers count as healthy until traffic says otherwise"),
            "Active checks.",
        )
        .also(&["health_check", "healthcheck", "check"]),
        Key::new(
            "passive",
            Kind::Table(&PASSIVE),
            Default::Table,
            "Ejection by what traffic meets.",
        )
        .also(&["outlier_detection", "passive_health"]),
        ERROR_PAGE,
        Key::new(
            "session",
            Kind::Table(&SESSION),
            Default::Absent("each request goes where there is room"),
            "How users keep their server.",
        )
        .also(&[
            "sticky",
            "stickiness",
            "affinity",
            "session_affinity",
            "persistence",
            "cookie",
        ]),
        Key::new(
            "autoscale",
            Kind::Table(&AUTOSCALE),
            Default::Absent("its servers are those listed"),
            "How it grows and shrinks.",
        )
        .also(&["autoscaling", "scaling", "scale"]),
    ],
};

const RULES: &str = "\
Servers that do the same work.

| `balance` | rule |
|---|---|
| `round-robin` | in turn; weights ignored |
| `weighted-round-robin` | in turn by weight, smoothly interleaved |
| `least-connections` | fewest requests in flight; ties at random |
| `weighted-least-connections` | fewest in flight per weight; ties at random by weight |
| `source-ip-hash` | by the peer's address as the socket, or a PROXY header, shows it |
| `ip-hash` | by the network of the trusted client address |
| `hash` | by something that the request carries, `hash.key` |
| `random` | at random by weight |
| `p2c` | the less loaded of two drawn at random, by requests in flight per weight |
| `peak-ewma` | of two drawn, the lower peak-sensitive latency times load; failures are slow |";

static MEMBER: Section = Section {
    doc: "A member of a pool.",
    keys: &[
        Key::new("address", Kind::Text(&address::SERVER), Default::Required, "Where it listens.")
            .also(&["host", "url", "addr"]),
        Key::new(
            "weight",
            Kind::Integer { min: 0, max: 1000 },
            Default::Integer(1),
            "Its share of the traffic relative to the others; 0 takes none.",
        ),
        Key::new(
            "backup",
            Kind::Flag,
            Default::Flag(false),
            "Takes traffic only when primaries are missing.",
        ),
        Key::new(
            "name",
            Kind::Text(&SERVER),
            Default::Computed("its address", address_as_name),
            "Its name, unique in the pool.",
        )
        .also(&["id"]),
        Key::new(
            "zone",
            Kind::Text(&OBJECT),
            Default::Absent("none"),
            "A label for its failure domain.",
        ),
    ],
};

static HASH: Section = Section {
    doc: "The table behind the hash policies. It is consistent: adding or losing one of n \
          servers moves about 1/n of the keys. A request without the key is spread by p2c.",
    keys: &[
        Key::new(
            "key",
            Kind::Text(&HASH_KEY),
            Default::Required,
            "What is hashed: `\"header:NAME\"`, `\"cookie:NAME\"`, `\"query:NAME\"`, `\"path\"`, \
             `\"uri\"` or `\"host\"`.",
        )
        .only("balance", &["hash"]),
        Key::new(
            "table",
            Kind::Word(&["maglev", "ring"]),
            Default::Text("maglev"),
            "The table: the more even, or the less disturbed by many changes at once.",
        ),
        Key::new(
            "balance_factor",
            Kind::Number { min: 1.0, max: 1000.0 },
            Default::Number(1.25),
            "A server takes at most this many times its fair share of requests in flight.",
        ),
        Key::new(
            "seed",
            Kind::Integer { min: 0, max: i64::MAX as i128 },
            Default::Computed("from the pool's name", seed),
            "Two balancers place keys alike if it is the same.",
        ),
        Key::new(
            "prefix_v4",
            Kind::Integer { min: 0, max: 32 },
            Default::Integer(24),
            "Leading bits of an IPv4 address that count.",
        )
        .only("balance", &["ip-hash"]),
        Key::new(
            "prefix_v6",
            Kind::Integer { min: 0, max: 128 },
            Default::Integer(56),
            "Leading bits of an IPv6 address that count.",
        )
        .only("balance", &["ip-hash"]),
    ],
};

static RETRY_BUDGET: Section = Section {
    doc: "How many tries beyond the first a pool bears.",
    keys: &[
        Key::new(
            "ratio",
            Kind::Number { min: 0.0, max: 1.0 },
            Default::Number(0.2),
            "Of its requests.",
        ),
        Key::new(
            "min_per_second",
            Kind::Integer { min: 0, max: 1_000_000 },
            Default::Integer(3),
            "Per second, however few requests there are.",
        ),
    ],
};

static TIMEOUTS: Section = Section {
    doc: "A pool's waits.",
    keys: &[
        Key::new("connect", Kind::Text(&WAIT), Default::Text("3s"), "For a TCP connection."),
        Key::new(
            "keep_alive",
            Kind::Text(&WAIT),
            Default::Text("60s"),
            "How long an unused connection is kept; learned lower when servers close first.",
        )
        .also(&["idle", "keepalive"]),
    ],
};

fn address_as_name(known: &Known<'_>) -> Computed {
    match known.beside.parse("address", address::server) {
        Some(address) => Computed::Text(address.to_string()),
        None => Computed::Unknown,
    }
}

fn seed(known: &Known<'_>) -> Computed {
    Computed::Integer(seed_of(known.object).into())
}

/// Stable over releases and machines: all balancers of a fleet place a pool's keys alike.
pub(crate) fn seed_of(pool: &str) -> u64 {
    // TOML numbers are signed.
    rapidhash_v3(pool.as_bytes()) >> 1
}
