//! What `tidegate rollout status` says of copies of requests: how many, how many differ, how long
//! both sides took, and the newest differences.

use serde_json::Value;
use tidegate_core::time::{Duration, UnixTime};

use crate::cli::events::age;
use crate::table::list;

/// Differences that are shown; the newest.
const SHOWN: usize = 8;

/// The lines of a report; none where nothing is copied.
pub(super) fn lines(mirror: &Value, now: UnixTime) -> Vec<String> {
    let Some(copies) = mirror["copies"].as_u64() else { return Vec::new() };
    let count = |value: &Value| value.as_u64().unwrap_or_default();
    let [answered, failed] = ["answered", "failed"].map(|key| count(&mirror[key]));
    let mut lines =
        vec![format!("mirror    {copies} copies, {answered} answered, {failed} failed")];
    if let Some(percent) = mirror["differing_percent"].as_f64() {
        let differing = count(&mirror["differing"]);
        lines.push(format!(
            "          {differing} differ in status, {percent:.2} % of the answered"
        ));
        let sides = ["stable", "candidate"].map(|side| latency(side, &mirror[side]));
        lines.push(format!("          first byte: {}", sides.join("; ")));
    }
    let [busy, body] = ["busy", "body"].map(|reason| count(&mirror["left_out"][reason]));
    if busy + body > 0 {
        let why = format!("{busy} with too many under way, {body} for their body");
        lines.push(format!("          not copied: {why}"));
    }
    let recent = list(&mirror["recent"]);
    lines.extend(recent.iter().rev().take(SHOWN).map(|one| difference(one, now)));
    lines
}

fn latency(side: &str, of: &Value) -> String {
    let [p50, p99] = ["p50_ms", "p99_ms"].map(|key| of[key].as_f64().unwrap_or_default());
    format!("{side} p50 {p50:.1} ms, p99 {p99:.1} ms")
}

fn difference(one: &Value, now: UnixTime) -> String {
    let at = one["at_ms"].as_u64().unwrap_or_default();
    let ago = age(Duration::from_millis(now.as_millis().saturating_sub(at)));
    // A client chose these words.
    let text = |key: &str| one[key].as_str().unwrap_or_default().replace(char::is_control, " ");
    let answer = |side: &str| {
        let latency = one[side]["latency_ms"].as_f64().unwrap_or_default();
        format!("{} after {latency:.1} ms", one[side]["status"])
    };
    let (method, path) = (text("method"), text("path"));
    format!("          {ago} ago: {method} {path}: {}, {}", answer("stable"), answer("candidate"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_report_has_the_newest_difference_first() {
        let side = |status: u16| json!({"status": status, "latency_ms": 1.5});
        let difference = |at_ms: u64, path: &str| {
            json!({"at_ms": at_ms, "method": "GET", "path": path, "stable": side(200),
                   "candidate": side(500)})
        };
        let report = json!({
            "copies": 12, "answered": 10, "failed": 1, "differing": 2, "differing_percent": 20.0,
            "left_out": {"busy": 3, "body": 0},
            "stable": {"p50_ms": 2.0, "p99_ms": 9.04}, "candidate": {"p50_ms": 3.0, "p99_ms": 8.0},
            "recent": [difference(1000, "/old"), difference(61_000, "/\u{1b}new")],
        });
        let expected = [
            "mirror    12 copies, 10 answered, 1 failed",
            "          2 differ in status, 20.00 % of the answered",
            "          first byte: stable p50 2.0 ms, p99 9.0 ms; candidate p50 3.0 ms, p99 8.0 ms",
            "          not copied: 3 with too many under way, 0 for their body",
            "          1s ago: GET / new: 200 after 1.5 ms, 500 after 1.5 ms",
            "          1m 1s ago: GET /old: 200 after 1.5 ms, 500 after 1.5 ms",
        ];
        assert_eq!(lines(&report, UnixTime::from_millis(62_000)), expected);
    }

    #[test]
    fn without_copies_little_is_said() {
        assert_eq!(lines(&Value::Null, UnixTime::default()), [""; 0]);
        let idle = json!({"copies": 0, "answered": 0, "failed": 0, "differing_percent": null});
        let said = lines(&idle, UnixTime::default());
        assert_eq!(said, ["mirror    0 copies, 0 answered, 0 failed"]);
    }
}
