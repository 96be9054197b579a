//! What the servers cost: how long each one ran, in the time of the day that is shown.

use serde::Serialize;
use tidegate_core::time::Duration;

/// What has run so far.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Meter {
    server_seconds: f64,
    seconds: f64,
    most: usize,
}

/// The bill, beside that of a fleet that is always as large as this one was at its largest.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Bill {
    /// Hours that servers ran, all together.
    pub(super) server_hours: f64,
    /// The most that ran at once.
    pub(super) servers: usize,
    /// The hours of as many that always run.
    pub(super) server_hours_fixed: f64,
}

impl Meter {
    /// So many servers ran for so long.
    pub(super) fn count(&mut self, servers: usize, during: Duration) {
        self.server_seconds += servers as f64 * during.as_secs_f64();
        self.seconds += during.as_secs_f64();
        self.most = self.most.max(servers);
    }

    /// The bill in a time that passes `haste` times as fast.
    pub(super) fn bill(&self, haste: f64) -> Bill {
        let hours = |seconds: f64| (seconds * haste / 36.0).round() / 100.0;
        Bill {
            server_hours: hours(self.server_seconds),
            servers: self.most,
            server_hours_fixed: hours(self.seconds * self.most as f64),
        }
    }
}

impl Bill {
    /// What is saved, in percent.
    pub(super) fn saved_percent(&self) -> f64 {
        if self.server_hours_fixed > 0.0 {
            100.0 * (1.0 - self.server_hours / self.server_hours_fixed)
        } else {
            0.0
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fleet_that_was_large_for_half_of_the_time_costs_less() {
        let mut meter = Meter::default();
        meter.count(6, Duration::from_secs(30));
        meter.count(18, Duration::from_secs(30));
        let bill = meter.bill(20.0);
        let expected = Bill { server_hours: 4.0, servers: 18, server_hours_fixed: 6.0 };
        assert_eq!(bill, expected);
        assert!((bill.saved_percent() - 33.333).abs() < 0.01);
        assert!(Meter::default().bill(1.0).saved_percent().abs() < 1e-9);
    }
}
