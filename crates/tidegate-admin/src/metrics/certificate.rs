//! Certificates: how long those that listeners show hold, and how their renewals and orders went.

use std::collections::BTreeMap;
use std::fmt;

use tidegate_control::status::certificate::CertificateStatus;
use tidegate_control::status::listener::ListenerStatus;

use super::page::Facts;
use super::writer::{Writer, whole};

pub(super) fn write(writer: &mut Writer<'_>, facts: &Facts) -> fmt::Result {
    let ends = ends(&facts.listeners);
    writer.gauge(
        "tidegate_listener_certificate_expiry_timestamp_seconds",
        "When a certificate that a listener shows ceases to hold, in seconds since 1970.",
        ends.iter().map(|((listener, name, kind), end)| {
            ([("listener", *listener), ("name", *name), ("kind", *kind)], whole(*end))
        }),
    )?;
    let (applied, refused) = facts.control.renewals();
    writer.counter(
        "tidegate_config_certificate_renewals",
        "Changed files of TLS that were read while the process ran, by result.",
        [([("result", "applied")], applied), ([("result", "refused")], refused)],
    )?;
    writer.counter(
        "tidegate_acme_orders",
        "Certificates that authorities were asked for, by how that ended.",
        facts.control.orders().map(|(result, count)| ([("result", result)], count)),
    )
}

/// The end of each certificate by listener, name and kind; of several that these do not tell apart,
/// the first to come.
fn ends(listeners: &[ListenerStatus]) -> BTreeMap<(&str, &str, &str), u64> {
    let mut ends = BTreeMap::new();
    for listener in listeners {
        for one in listener.tls.iter().flat_map(|tls| &tls.certificates) {
            let end = one.not_after / 1000;
            let first = ends.entry((listener.name.as_str(), title(one), one.kind)).or_insert(end);
            *first = end.min(*first);
        }
    }
    ends
}

/// The first host that it is for, or whom it is of.
fn title(certificate: &CertificateStatus) -> &str {
    certificate.names.first().unwrap_or(&certificate.subject)
}
