//! Rollouts, and what their two versions answer.

use std::fmt;

use tidegate_core::model::rollout::Share;
use tidegate_core::rollout::phase::Phase;
use tidegate_core::telemetry::version::{VersionKey, VersionTotals};

use super::page::Facts;
use super::writer::Writer;

pub(super) fn write(writer: &mut Writer<'_>, facts: &Facts) -> fmt::Result {
    state(writer, facts)?;
    verdicts(writer, facts)?;
    versions(writer, facts)
}

/// Every phase there is; the share of a step has a metric of its own.
const PHASES: [Phase; 8] = [
    Phase::Idle,
    Phase::Preparing,
    Phase::Stepping(Share::NONE),
    Phase::Baking,
    Phase::Keeping,
    Phase::Returning,
    Phase::Done,
    Phase::Aborted,
];

fn state(writer: &mut Writer<'_>, facts: &Facts) -> fmt::Result {
    let views = || facts.rollouts.iter().map(|status| &status.view);
    writer.number(
        "tidegate_rollout_candidate_percent",
        "The share of users that meets the candidate.",
        views().map(|view| ([("rollout", view.rollout.as_str())], view.percent)),
    )?;
    let phases = views().flat_map(|view| {
        PHASES.map(|phase| {
            let word = phase.as_str();
            let labels = [("rollout", view.rollout.as_str()), ("phase", word)];
            (labels, i64::from(view.phase == word))
        })
    });
    writer.gauge("tidegate_rollout_phase", "1 for the phase that a rollout is in.", phases)
}

fn verdicts(writer: &mut Writer<'_>, facts: &Facts) -> fmt::Result {
    let rows = facts.rollouts.iter().flat_map(|status| {
        let (name, counts) = (status.view.rollout.as_str(), status.verdicts);
        [("pass", counts.pass), ("hold", counts.hold), ("breach", counts.breach)]
            .map(|(outcome, count)| ([("rollout", name), ("outcome", outcome)], count))
    });
    writer.counter("tidegate_rollout_verdicts", "What the judge said, look by look.", rows)?;
    let evidence = facts.rollouts.iter().flat_map(|status| {
        let name = status.view.rollout.as_str();
        let found = status.evidence.iter();
        found.map(move |one| ([("rollout", name), ("test", one.test.as_str())], one.part))
    });
    writer.number(
        "tidegate_rollout_evidence",
        "How much evidence there is against the candidate; 1 is a breach.",
        evidence,
    )
}

fn versions(writer: &mut Writer<'_>, facts: &Facts) -> fmt::Result {
    let versions = || facts.scrape.versions.iter().map(|(key, totals)| (labels(key), totals));
    for (name, help, number) in COUNTERS {
        writer.counter(name, help, versions().map(|(labels, totals)| (labels, number(totals))))?;
    }
    writer.histogram(
        "tidegate_rollout_duration",
        "From the first byte of a request that a version was given to that of its response.",
        versions().map(|(labels, totals)| (labels, totals.duration)),
    )
}

fn labels((rollout, side): &VersionKey) -> [(&'static str, &str); 2] {
    [("rollout", rollout.as_str()), ("version", side.as_str())]
}

/// A counter of versions: its name, what it says, where it stands.
type VersionCounter = (&'static str, &'static str, fn(&VersionTotals) -> u64);

const COUNTERS: [VersionCounter; 2] = [
    ("tidegate_rollout_requests", "Requests that a version was given.", |n| n.requests),
    ("tidegate_rollout_errors", "Those among them that the rollout counts as errors.", |n| {
        n.errors
    }),
];
