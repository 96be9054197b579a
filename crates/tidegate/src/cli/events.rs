//! `tidegate events`: what happened to a running balancer lately.

use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use serde_json::Value;
use tidegate_core::time::{Duration, UnixTime};
use tidegate_net::clock;

use super::remote::Look;
use crate::table::{Sheet, Tone, cell, list};
use crate::{admin, output};

/// Show what happened lately
#[derive(Debug, Args)]
pub(super) struct Events {
    /// Only what came after the event with this number
    #[arg(long, value_name = "ID", default_value_t = 0)]
    since: u64,
    #[command(flatten)]
    look: Look,
}

impl Events {
    pub(super) fn run(self) -> Result<ExitCode> {
        let path = format!("/api/v1/events?since={}", self.since);
        let page = admin::look(&self.look.remote.admin, &path)?;
        if self.look.json {
            output::json(&page)?;
            return Ok(ExitCode::SUCCESS);
        }
        if let Some(missed) = page["missed"].as_u64().filter(|missed| *missed > 0) {
            output::complain(&format!("{missed} older events are remembered no more"));
        }
        output::line(&event_table(&page, clock::unix_time()).to_string())?;
        Ok(ExitCode::SUCCESS)
    }
}

fn event_table(page: &Value, now: UnixTime) -> Sheet {
    let mut sheet = Sheet::new(&["ID", "AGO", "KIND", "WHAT", "WHY"]);
    for event in list(&page["events"]) {
        let at = event["at"].as_u64().unwrap_or_default();
        let ago = Duration::from_millis(now.as_millis().saturating_sub(at));
        sheet.row(
            Tone::Well,
            [
                cell(&event["id"]),
                cell(&age(ago).into()),
                cell(&event["kind"]),
                cell(&event["message"]),
                cell(&event["reason"]),
            ],
        );
    }
    sheet
}

/// How long ago, to two units.
pub(super) fn age(ago: Duration) -> String {
    let seconds = ago.as_secs();
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds}s"),
        (0, 0, minutes) => format!("{minutes}m {}s", seconds % 60),
        (0, hours, minutes) => format!("{hours}h {minutes}m"),
        (days, hours, _) => format!("{days}d {hours}h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_have_two_units_at_most() {
        for (seconds, expected) in [
            (0, "0s"),
            (59, "59s"),
            (61, "1m 1s"),
            (3600, "1h 0m"),
            (86_399, "23h 59m"),
            (90_000, "1d 1h"),
        ] {
            assert_eq!(age(Duration::from_secs(seconds)), expected);
        }
    }
}
