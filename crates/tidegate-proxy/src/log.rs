//! Where access-log lines go: the data plane writes them into memory, a sink takes them from there.

use tidegate_core::telemetry::access_log::Record;

/// Says which requests get a line and how it looks, and takes finished lines. Shared by all cores;
/// nothing in it may block. What it says may change from one request to the next, as a reload may
/// change the log.
pub trait Sink: Send + Sync {
    /// Whether any request gets a line. Asked for each request, so it is to cost next to nothing.
    fn is_on(&self) -> bool;
    /// Whether this request gets a line.
    fn wants(&self, record: &Record<'_>) -> bool;
    /// Appends the line of a request to `out`.
    fn append(&self, record: &Record<'_>, out: &mut Vec<u8>);
    /// Takes one or more whole lines. A sink that cannot keep up drops and counts them.
    fn write(&self, lines: Vec<u8>);
}
