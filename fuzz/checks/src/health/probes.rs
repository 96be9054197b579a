//! Active health against a plain reading of its rules: runs of results, and when the next probe is
//! due.

use arbitrary::Arbitrary;
use tidegate_core::health::active::{ActiveHealth, Output};
use tidegate_core::health::probe::{Grade, History, ProbeResult};
use tidegate_core::health::verdict::Verdict;
use tidegate_core::model::pool::{HealthCheck, InitialHealth, Probe};
use tidegate_core::model::server::Availability;
use tidegate_core::time::{Duration, Instant};

use super::OPS_MAX;

#[derive(Arbitrary, Debug)]
pub(super) struct Case {
    check: Thresholds,
    initial: u8,
    seed: u64,
    ops: Vec<Op>,
}

/// What a configuration can say, in milliseconds.
#[derive(Arbitrary, Clone, Copy, Debug)]
struct Thresholds {
    interval: u32,
    interval_changing: u16,
    runs: [u8; 2],
    slow_after: u16,
    fail_after: u16,
}

#[derive(Arbitrary, Debug)]
enum Op {
    Wait(u32),
    WaitUntilDue,
    Timeout,
    Result(Found),
    Update(Thresholds),
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Found {
    Success(u16),
    Refused,
    Timeout,
    BadStatus(u16),
    Local,
}

/// The machine, and what is known of it from outside.
struct Watch {
    health: ActiveHealth,
    check: HealthCheck,
    now: Instant,
    /// When the probe that is out began.
    started: Option<Instant>,
    /// Results in a row that speak against the state, no fewer than the machine counts.
    contrary: u32,
    results: usize,
}

pub(super) fn run(case: &Case) {
    let check = case.check.with(case.initial);
    let health = ActiveHealth::new(&check, case.seed);
    let now = Instant::ZERO;
    let mut watch = Watch { health, check, now, started: None, contrary: 0, results: 0 };
    for op in case.ops.iter().take(OPS_MAX) {
        watch.perform(op);
        watch.look();
    }
}

impl Watch {
    fn perform(&mut self, op: &Op) {
        match op {
            Op::Wait(millis) => self.now = self.now + Duration::from_millis((*millis).into()),
            Op::WaitUntilDue => {
                self.now = self.now.max(self.health.poll_timeout().unwrap_or(self.now));
            }
            Op::Timeout => self.time_out(),
            Op::Result(found) => self.report(found.result()),
            Op::Update(thresholds) => {
                let due = self.health.poll_timeout();
                self.check = thresholds.with(0);
                self.health.update(&self.check);
                assert!(self.health.poll_timeout() <= due, "a reload delays no probe");
                // A run that would be full under the new thresholds waits for one more result.
                let threshold = self.threshold(self.health.availability());
                self.contrary = self.contrary.min(threshold - 1);
            }
        }
    }

    fn time_out(&mut self) {
        let due = self.health.poll_timeout().is_some_and(|at| at <= self.now);
        let output = self.health.handle_timeout(self.now);
        assert_eq!(output, due.then_some(Output::Probe), "a probe goes out when it is due");
        if due {
            self.started = Some(self.now);
        }
    }

    fn report(&mut self, result: ProbeResult) {
        let (before, reason) = (self.health.availability(), self.health.reason());
        let output = self.health.handle_result(result, self.now);
        let Some(started) = self.started.take() else {
            assert_eq!((output, self.health.reason()), (None, reason), "nobody asked for it");
            return;
        };
        self.results += 1;
        let last = self.health.history().newest_first().next().expect("it was noted");
        assert_eq!((last.result, last.at), (result, self.now));
        self.check_grade(result, last.grade);
        self.check_verdict(before, last.grade, output);
        self.check_next(started);
    }

    fn check_grade(&self, result: ProbeResult, grade: Grade) {
        let expected = match result {
            ProbeResult::Local(_) => Grade::Void,
            ProbeResult::Success { latency, .. } if latency > self.check.fail_after => {
                Grade::Failed
            }
            ProbeResult::Success { latency, .. } if latency > self.check.slow_after => {
                Grade::Degraded
            }
            ProbeResult::Success { .. } => Grade::Ok,
            _ => Grade::Failed,
        };
        assert_eq!(grade, expected);
        assert_eq!(self.health.is_degraded(), grade == Grade::Degraded);
    }

    fn check_verdict(&mut self, before: Availability, grade: Grade, output: Option<Output>) {
        let after = self.health.availability();
        let speaks_for = match grade {
            Grade::Void => {
                assert_eq!(
                    (output, after),
                    (None, before),
                    "a probe that was not sent says nothing"
                );
                return;
            }
            Grade::Failed => Availability::Unhealthy,
            Grade::Ok | Grade::Degraded => Availability::Healthy,
        };
        self.contrary = if speaks_for == before { 0 } else { self.contrary + 1 };
        let Some(Output::Became { availability, .. }) = output else {
            assert_eq!((output, after), (None, before), "no change goes unsaid");
            assert!(self.contrary < self.threshold(before), "a full run changes the state");
            return;
        };
        assert_eq!((availability, after), (speaks_for, speaks_for), "results say what it becomes");
        assert_ne!(before, after, "a change changes something");
        assert!(self.contrary >= self.threshold(before), "only a full run changes the state");
        self.contrary = 0;
    }

    fn threshold(&self, state: Availability) -> u32 {
        match state {
            Availability::Healthy => self.check.unhealthy_after,
            Availability::Unhealthy => self.check.healthy_after,
            _ => 1,
        }
    }

    /// The next probe comes an interval after the last began, a tenth more or less, and not in the
    /// past.
    fn check_next(&self, started: Instant) {
        let changing = self.contrary > 0 || self.health.availability() == Availability::Starting;
        let interval = if changing { self.check.interval_changing } else { self.check.interval };
        let due = self.health.poll_timeout().expect("another probe is due");
        let (least, most) = (interval * 9 / 10, interval * 11 / 10 + Duration::from_nanos(2));
        assert!(due >= self.now && due >= started + least, "not too early");
        assert!(due <= self.now.max(started + most), "not too late");
    }

    fn look(&self) {
        assert_ne!(self.health.availability(), Availability::Ejected, "only traffic ejects");
        assert_eq!(self.health.poll_timeout().is_none(), self.started.is_some());
        let noted = self.health.history().newest_first().count();
        assert_eq!(noted, self.results.min(History::LENGTH));
        let verdict = Verdict::new(Some(&self.health), None);
        assert_eq!(verdict.availability, self.health.availability());
        assert!(!verdict.reason.to_string().is_empty());
    }
}

impl Thresholds {
    fn with(self, initial: u8) -> HealthCheck {
        let millis = |millis: u32| Duration::from_millis(u64::from(millis).max(1));
        HealthCheck {
            probe: Probe::Tcp,
            interval: millis(self.interval),
            interval_changing: millis(self.interval_changing.into()),
            timeout: millis(self.fail_after.into()),
            unhealthy_after: u32::from(self.runs[0]).max(1),
            healthy_after: u32::from(self.runs[1]).max(1),
            slow_after: millis(self.slow_after.into()),
            fail_after: millis(self.fail_after.into()),
            initial: match initial % 3 {
                0 => InitialHealth::FirstProbe,
                1 => InitialHealth::Healthy,
                _ => InitialHealth::Unhealthy,
            },
            port: None,
        }
    }
}

impl Found {
    fn result(self) -> ProbeResult {
        match self {
            Self::Success(millis) => {
                ProbeResult::Success { latency: Duration::from_millis(millis.into()), status: None }
            }
            Self::Refused => ProbeResult::Refused,
            Self::Timeout => ProbeResult::Timeout,
            Self::BadStatus(status) => ProbeResult::BadStatus(status),
            Self::Local => ProbeResult::Local("descriptors"),
        }
    }
}
