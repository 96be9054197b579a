//! Where access-log lines go: the data plane writes them into memory, a sink takes them from there.

use tidegate_core::model::node::{LogFormat, Redaction};
use tidegate_core::telemetry::access_log::Record;

/// Takes finished lines. Shared by all cores; nothing in it may block.
pub trait Sink: Send + Sync {
    /// How lines look.
    fn format(&self) -> LogFormat;
    /// What is blotted out of them.
    fn redact(&self) -> &[Redaction];
    /// Whether this request gets a line.
    fn wants(&self, record: &Record<'_>) -> bool;
    /// Takes one or more whole lines. A sink that cannot keep up drops and counts them.
    fn write(&self, lines: Vec<u8>);
}
