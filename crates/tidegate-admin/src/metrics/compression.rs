//! Compression: bodies and bytes by content coding, the time it took, and what held it back.

use std::fmt;

use tidegate_core::telemetry::compression::CodingTotals;

use super::page::Facts;
use super::writer::Writer;

pub(super) fn write(writer: &mut Writer<'_>, facts: &Facts) -> fmt::Result {
    let totals = &facts.scrape.compression;
    for (name, help, number) in COUNTERS {
        let codings = totals.codings();
        let rows = codings.map(|(coding, row)| ([("coding", coding.as_str())], number(row)));
        writer.counter(name, help, rows)?;
    }
    writer.counter(
        "tidegate_compression_microseconds",
        "Time in encoders, in microseconds.",
        [([], totals.nanos / 1000)],
    )?;
    writer.counter(
        "tidegate_compression_limited",
        "Bodies that were encoded less, or not at all, and why.",
        [
            ([("effect", "lowered")], totals.lowered),
            ([("effect", "skipped")], totals.skipped),
            ([("effect", "failed")], totals.failed),
        ],
    )
}

/// A counter of codings: its name, what it says, where it stands.
type CodingCounter = (&'static str, &'static str, fn(&CodingTotals) -> u64);

const COUNTERS: [CodingCounter; 3] = [
    ("tidegate_compression_bodies", "Bodies that were encoded.", |row| row.bodies),
    ("tidegate_compression_input_bytes", "Bytes into encoders.", |row| row.bytes_in),
    ("tidegate_compression_output_bytes", "Bytes out of encoders.", |row| row.bytes_out),
];
