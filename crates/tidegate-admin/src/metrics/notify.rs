//! Webhooks that are told of events, by where their URLs are kept.

use std::fmt;

use tidegate_control::act::notify::counts::NotifyCounts;

use super::page::Facts;
use super::writer::Writer;

pub(super) fn write(writer: &mut Writer<'_>, facts: &Facts) -> fmt::Result {
    let notices = facts.control.notices();
    for (name, help, number) in COUNTERS {
        let rows = notices.iter().map(|one| ([("webhook", one.webhook.as_str())], number(one)));
        writer.counter(name, help, rows)?;
    }
    Ok(())
}

/// A counter of webhooks: its name, what it says, where it stands.
type NotifyCounter = (&'static str, &'static str, fn(&NotifyCounts) -> u64);

const COUNTERS: [NotifyCounter; 4] = [
    ("tidegate_notify_sent", "Events that a webhook took.", |n| n.sent),
    ("tidegate_notify_retried", "Tries after the first.", |n| n.retried),
    ("tidegate_notify_failed", "Events that a webhook did not take.", |n| n.failed),
    ("tidegate_notify_dropped", "Events not sent to a webhook that was far behind.", |n| n.dropped),
];
