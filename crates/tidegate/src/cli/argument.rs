//! Values on the command line that are written as in the configuration.

use tidegate_core::config::text::duration;
use tidegate_core::time::Duration;

/// A duration, such as `500ms` or `60s`.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let expected = "expected a number and a unit, such as \"500ms\", \"60s\", \"5m\" or \"1h\"";
    duration::parse(text).ok_or_else(|| expected.to_owned())
}
