//! What a demo came to, for people and for programs.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;
use tidegate_control::events;
use tidegate_control::scale::status;
use tidegate_core::time::{Duration, UnixTime};

use super::bill::Bill;
use super::script::{Phase, QUIET, RUSH, Script};
use super::stage::{RATE_EACH, SERVERS_MIN};
use super::tally::{PROMISE, Tally};

/// Something that happened during the demo.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Event {
    /// Seconds since the load began.
    pub(super) at: f64,
    /// What kind of thing: one of the balancer's own, `server-killed`
    /// or `server-replaced`.
    pub(super) kind: &'static str,
    /// What happened, and why.
    pub(super) message: String,
}

impl Event {
    /// An event of the balancer; `begin` is when the load began.
    pub(super) fn of_balancer(event: &events::Event, begin: UnixTime) -> Self {
        let parts = [event.message.as_str(), event.reason.as_str()];
        let told: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        Self { at: since(event.at, begin), kind: event.kind.as_str(), message: told.join(": ") }
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:>6.1} s  {:<16} {}", self.at, self.kind, self.message)
    }
}

/// A decision of the autoscaler.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Decision {
    /// Seconds since the load began.
    pub(super) at: f64,
    /// Servers before.
    from: u32,
    /// Servers from then on.
    to: u32,
    /// Why.
    reason: String,
}

impl Decision {
    /// A decision of the balancer; `begin` is when the load began.
    pub(super) fn of_balancer(decision: &status::Decision, begin: UnixTime) -> Self {
        let status::Decision { at, from, to, ref reason } = *decision;
        Self { at: since(at, begin), from, to, reason: reason.clone() }
    }
}

/// Seconds from `begin` to a time in milliseconds since 1970.
fn since(at: u64, begin: UnixTime) -> f64 {
    seconds(Duration::from_millis(at.saturating_sub(begin.as_millis())))
}

/// What was asked for, in requests a second.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Demand {
    quiet: u32,
    rush: u32,
}

/// What customers were promised, and what was held of it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Held {
    latency_ms: u64,
    /// The share of requests that is to be answered within that.
    ratio: f64,
    /// Whether it was held in every phase but that of the start.
    pub(super) held: bool,
    phases: Vec<PhaseHeld>,
}

/// One phase of the demo.
#[derive(Clone, Debug, Serialize)]
struct PhaseHeld {
    name: &'static str,
    from: f64,
    to: f64,
    requests: u64,
    p50_ms: f64,
    p99_ms: f64,
    /// The share of requests that were answered within the promised time.
    ratio: f64,
    /// Whether the promise is for this phase.
    judged: bool,
    held: bool,
}

impl Held {
    /// What was held of the promise so far.
    pub(super) fn of(tally: &Tally, script: &Script) -> Self {
        let phases: Vec<PhaseHeld> =
            Phase::ALL.iter().map(|phase| PhaseHeld::of(*phase, tally, script)).collect();
        Self {
            latency_ms: u64::try_from(PROMISE.latency.as_millis()).unwrap_or(u64::MAX),
            ratio: PROMISE.ratio,
            held: phases.iter().all(|phase| phase.held || !phase.judged),
            phases,
        }
    }
}

impl PhaseHeld {
    fn of(phase: Phase, tally: &Tally, script: &Script) -> Self {
        let (from, to) = script.span(phase);
        let latencies = tally.phase(phase);
        let ratio = latencies.kept();
        Self {
            name: phase.as_str(),
            from: seconds(from),
            to: seconds(to),
            requests: latencies.requests(),
            p50_ms: latencies.quantile_ms(0.5),
            p99_ms: latencies.quantile_ms(0.99),
            ratio,
            judged: phase != Phase::Startup,
            held: ratio >= PROMISE.ratio,
        }
    }
}

impl fmt::Display for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { latency_ms, ratio, .. } = self;
        write!(f, "promised   {} % within {latency_ms} ms", ratio * 100.0)?;
        for PhaseHeld { name, from, to, p50_ms, p99_ms, ratio, judged, held, .. } in &self.phases {
            let verdict = match (judged, held) {
                (false, _) => "servers start",
                (true, true) => "held",
                (true, false) => "BROKEN",
            };
            let kept = ratio * 100.0;
            write!(
                f,
                "\n  {name:<8} {from:>5.1}-{to:<5.1} s  {kept:>6.2} %  p50 {p50_ms:>6.1} ms  \
                 p99 {p99_ms:>6.1} ms  {verdict}"
            )?;
        }
        Ok(())
    }
}

/// A stretch of the demo, in seconds.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Window {
    pub(super) from: f64,
    pub(super) to: f64,
}

impl Window {
    /// The time in which servers are started for the promotion.
    pub(super) fn of_startup(script: &Script) -> Self {
        let (from, to) = script.span(Phase::Startup);
        Self { from: seconds(from), to: seconds(to) }
    }
}

/// What a demo came to.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Summary {
    pub(super) requests: u64,
    pub(super) failed: u64,
    /// Why requests failed, and how many for each reason.
    pub(super) failures: BTreeMap<String, u64>,
    /// Further tries that the balancer made, of either kind: on a server that broke off, and on one
    /// that could not be connected to.
    pub(super) retries: u64,
    pub(super) p50_ms: f64,
    pub(super) p99_ms: f64,
    /// The fewest servers that were available at once.
    pub(super) servers_min: usize,
    /// The most.
    pub(super) servers_max: usize,
    /// Those that were left at the end.
    pub(super) servers_end: usize,
    pub(super) demand: Demand,
    /// Requests a second that a server can do.
    pub(super) capacity_each: u32,
    pub(super) promise: Held,
    /// When the promise did not hold, in seconds.
    pub(super) startup_window: Window,
    pub(super) decisions: Vec<Decision>,
    pub(super) bill: Bill,
    /// How many times as fast as the clock the day passed.
    pub(super) time_factor: u32,
    pub(super) checkouts: u64,
    pub(super) checkouts_failed: u64,
    /// Orders in the book at the end: one for each checkout, if none was lost and none counted
    /// twice.
    pub(super) orders: u64,
    /// From the first request to the end of the last.
    pub(super) duration_s: f64,
    /// Whether somebody stopped it before its time.
    pub(super) interrupted: bool,
    pub(super) events: Vec<Event>,
}

impl Demand {
    /// What every demo asks for.
    pub(super) const SCRIPTED: Self = Self { quiet: QUIET, rush: RUSH };
}

impl Summary {
    /// Whether all was served as promised, by as many servers as it took and no more.
    pub(crate) fn is_good(&self) -> bool {
        self.complaints().is_empty()
    }

    /// What was not as it should be.
    fn complaints(&self) -> Vec<&'static str> {
        let checks = [
            (self.interrupted, "it was interrupted"),
            (self.failed > 0, "requests failed"),
            (self.orders != self.checkouts, "orders are not those that customers made"),
            (!self.promise.held, "the promise was broken"),
            (self.servers_max <= SERVERS_MIN, "the shop did not grow"),
            (self.servers_end != SERVERS_MIN, "the shop did not shrink back"),
        ];
        checks.into_iter().filter(|(is_so, _)| *is_so).map(|(_, text)| text).collect()
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { requests, failed, retries, checkouts, orders, bill, .. } = self;
        let Self { servers_max, servers_end, time_factor, .. } = self;
        let (from, to) = (self.duration_s, self.demand);
        writeln!(f, "requests   {requests} in {from:.1} s, {failed} failed, {retries} retries")?;
        for (reason, count) in &self.failures {
            writeln!(f, "           {count} failed: {reason}")?;
        }
        writeln!(f, "orders     {checkouts} checkouts, {orders} orders in the book")?;
        writeln!(f, "demand     {} requests/s, {} in the rush", to.quiet, to.rush)?;
        writeln!(
            f,
            "servers    {SERVERS_MIN}, then {servers_max}, then {servers_end}; each can do \
             {RATE_EACH} requests/s"
        )?;
        writeln!(f, "latency    p50 {:.1} ms, p99 {:.1} ms", self.p50_ms, self.p99_ms)?;
        writeln!(f, "{}", self.promise)?;
        writeln!(
            f,
            "the bill   {:.2} server-hours; {} servers all the time: {:.2}; {:.0} % saved",
            bill.server_hours,
            bill.servers,
            bill.server_hours_fixed,
            bill.saved_percent()
        )?;
        writeln!(
            f,
            "time       1 s was {time_factor} s of the day that is shown, and of its bill"
        )?;
        match self.complaints().as_slice() {
            [] => write!(f, "verdict    good: nothing was dropped, and the promise was held"),
            complaints => write!(f, "verdict    BAD: {}", complaints.join(", ")),
        }
    }
}

/// Seconds, to the millisecond.
pub(super) fn seconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1000.0).round() / 1000.0
}

#[cfg(test)]
mod tests {
    use super::super::bill::Meter;
    use super::super::tally::{Done, Errand};
    use super::*;

    fn summary() -> Summary {
        let script = Script::new(Duration::from_secs(20));
        Summary {
            requests: 100,
            failed: 0,
            failures: BTreeMap::new(),
            retries: 1,
            p50_ms: 20.5,
            p99_ms: 30.0,
            servers_min: 5,
            servers_max: 17,
            servers_end: 6,
            demand: Demand::SCRIPTED,
            capacity_each: RATE_EACH,
            promise: Held::of(&Tally::new(), &script),
            startup_window: Window::of_startup(&script),
            decisions: Vec::new(),
            bill: Meter::default().bill(60.0),
            time_factor: 60,
            checkouts: 15,
            checkouts_failed: 0,
            orders: 15,
            duration_s: 20.0,
            interrupted: false,
            events: Vec::new(),
        }
    }

    #[test]
    fn only_a_run_that_went_up_and_down_without_loss_is_good() {
        assert!(summary().is_good());
        let broken = Held { held: false, ..summary().promise };
        for (bad, why) in [
            (Summary { failed: 1, ..summary() }, "requests failed"),
            (Summary { orders: 14, ..summary() }, "orders are not"),
            (Summary { orders: 16, ..summary() }, "orders are not"),
            (Summary { interrupted: true, ..summary() }, "interrupted"),
            (Summary { servers_max: 6, ..summary() }, "did not grow"),
            (Summary { servers_end: 7, ..summary() }, "did not shrink back"),
            (Summary { promise: broken, ..summary() }, "promise was broken"),
        ] {
            assert!(!bad.is_good(), "{why}");
            assert!(bad.to_string().contains(why), "{bad}");
        }
    }

    #[test]
    fn the_promise_is_not_for_the_time_in_which_servers_start() {
        let script = Script::new(Duration::from_secs(20));
        for (phase, held) in Phase::ALL.into_iter().zip([false, true, false, false]) {
            let mut tally = Tally::new();
            let (errand, latency) = (Errand::Browse, PROMISE.latency * 2);
            tally.count(Done { errand, phase, latency, outcome: Ok(()) });
            assert_eq!(Held::of(&tally, &script).held, held, "{phase:?}");
        }
    }
}
