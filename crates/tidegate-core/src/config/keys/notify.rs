//! `[[notify]]`: who is told of what happens.

use super::key::{Default, Key, Kind, Section};
use crate::config::text::duration::WAIT;
use crate::config::text::place::{FILE, SECRET};

/// `[[notify]]`.
pub(crate) static NOTIFY: Section = Section {
    doc: "A webhook that is told of events: each is sent as a JSON object by POST, and again for \
          two minutes if nobody is there or the answer is 429 or 500 and above. Events that a slow \
          webhook is behind with are bounded; those beyond are dropped and counted.",
    keys: &[
        Key::new(
            "webhook",
            Kind::Text(&SECRET),
            Default::Required,
            "Where its URL is, `http://` or `https://`: `\"env:NAME\"` or `\"file:PATH\"`. It is \
             read at the start and at each reload, and shown nowhere.",
        )
        .also(&["url", "endpoint", "target"]),
        Key::new(
            "on",
            Kind::Some(&Kind::Word(&[
                "rollout",
                "autoscale-limited",
                "pool-down",
                "server-down",
                "certificate",
                "provider-failed",
                "config",
            ])),
            Default::Words(&["rollout", "autoscale-limited", "pool-down", "certificate"]),
            "What it is told of: the events of each word, bad news and the good that ends it.",
        )
        .also(&["events", "topics"]),
        Key::new(
            "timeout",
            Kind::Text(&WAIT),
            Default::Text("10s"),
            "How long it may take to answer, each time.",
        ),
        Key::new(
            "ca",
            Kind::Text(&FILE),
            Default::Absent("the system's"),
            "The authorities that vouch for an `https://` webhook, in PEM.",
        )
        .also(&["ca_file", "cacert"]),
    ],
};
