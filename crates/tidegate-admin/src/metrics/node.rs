//! The balancer itself: its configuration, its process, what it lost.

use std::fmt;

use tidegate_net::task;

use super::page::Facts;
use super::writer::{Writer, whole};

pub(super) fn write(writer: &mut Writer<'_>, facts: &Facts) -> fmt::Result {
    config(writer, facts)?;
    process(writer, facts)?;
    losses(writer, facts)
}

fn config(writer: &mut Writer<'_>, facts: &Facts) -> fmt::Result {
    let (applied, refused) = facts.control.reloads();
    writer.gauge(
        "tidegate_config_last_apply_success",
        "Whether the last configuration that was tried took effect.",
        [([], i64::from(facts.control.last_reload_applied()))],
    )?;
    writer.gauge(
        "tidegate_config_revision",
        "The number of the configuration that serves; counts up from 1.",
        [([], whole(facts.snapshot.revision))],
    )?;
    writer.counter(
        "tidegate_config_reloads",
        "Reloads by result.",
        [([("result", "applied")], applied), ([("result", "refused")], refused)],
    )?;
    let version = [("version", env!("CARGO_PKG_VERSION"))];
    writer.info("tidegate_build", "The version of the program.", version)
}

fn process(writer: &mut Writer<'_>, facts: &Facts) -> fmt::Result {
    let process = &facts.process;
    writer.gauge(
        "tidegate_process_start_time_seconds",
        "When the process started, in seconds since 1970.",
        [([], whole(facts.control.started_at().as_secs()))],
    )?;
    let rows = |value: Option<u64>| value.map(|value| ([], whole(value)));
    writer.gauge(
        "tidegate_process_resident_memory_bytes",
        "Resident memory.",
        rows(process.resident_bytes),
    )?;
    writer.gauge("tidegate_process_open_fds", "Open file descriptors.", rows(process.open_fds))?;
    writer.gauge(
        "tidegate_process_max_fds",
        "File descriptors that may be open.",
        rows(process.max_fds),
    )
}

fn losses(writer: &mut Writer<'_>, facts: &Facts) -> fmt::Result {
    let rows = [
        ("task_panics", "Panics caught in tasks.", task::panics()),
        ("signals_dropped", "Signals of the data plane that were dropped.", facts.signals_dropped),
        ("events_dropped", "Events that are remembered no more.", facts.control.events_dropped()),
        ("access_log_dropped", "Access log lines that were dropped.", facts.access_log_dropped),
        ("labels_folded", "Names that were counted under the row `other`.", facts.scrape.folds),
    ];
    rows.into_iter().try_for_each(|(name, help, value)| {
        writer.counter(&format!("tidegate_process_{name}"), help, [([], value)])
    })
}
