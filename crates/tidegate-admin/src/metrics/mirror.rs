//! Copies of requests to the candidates of rollouts, and how they were answered.

use std::fmt;

use tidegate_core::model::rollout::Side;
use tidegate_core::telemetry::mirror::MirrorTotals;

use super::page::Facts;
use super::writer::Writer;

pub(super) fn write(writer: &mut Writer<'_>, facts: &Facts) -> fmt::Result {
    let rows = || facts.scrape.mirrors.iter().map(|(name, totals)| (name.as_str(), totals));
    for (name, help, number) in COUNTERS {
        let rows = rows().map(|(rollout, totals)| ([("rollout", rollout)], number(totals)));
        writer.counter(name, help, rows)?;
    }
    let left_out = rows().flat_map(|(rollout, totals)| {
        let labels = move |reason| [("rollout", rollout), ("reason", reason)];
        totals.uncopied().map(move |(reason, count)| (labels(reason.as_str()), count))
    });
    writer.counter(
        "tidegate_mirror_left_out",
        "Requests that were to be copied and were not, by reason.",
        left_out,
    )?;
    let durations = rows().flat_map(|(rollout, totals)| {
        let labels = |side: Side| [("rollout", rollout), ("version", side.as_str())];
        [(labels(Side::Stable), totals.original), (labels(Side::Candidate), totals.copy)]
    });
    writer.histogram(
        "tidegate_mirror_first_byte",
        "Of answered copies (candidate) and their originals (stable): to the first byte of the \
         response.",
        durations,
    )?;
    forgotten(writer, facts)
}

fn forgotten(writer: &mut Writer<'_>, facts: &Facts) -> fmt::Result {
    let rows = facts.rollouts.iter().filter_map(|status| {
        let mirror = status.mirror.as_ref()?;
        Some(([("rollout", status.view.rollout.as_str())], mirror.forgotten))
    });
    writer.counter(
        "tidegate_mirror_differences_forgotten",
        "Differences of the run that the report had no more room for.",
        rows,
    )
}

/// A counter of copies: its name, what it says, where it stands.
type MirrorCounter = (&'static str, &'static str, fn(&MirrorTotals) -> u64);

const COUNTERS: [MirrorCounter; 3] = [
    ("tidegate_mirror_copies", "Copies that were sent, or tried to.", |n| n.copies),
    ("tidegate_mirror_failed", "Copies that got no whole response.", |n| n.failed),
    ("tidegate_mirror_differing", "Copies answered with another status than the original.", |n| {
        n.differing
    }),
];
