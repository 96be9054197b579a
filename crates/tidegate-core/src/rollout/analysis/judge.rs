//! The judge of one rollout: takes in what was counted, and says what it means.

use super::coins::Coins;
use super::evidence::Evidence;
use super::limit::{BEYOND_P99, Recent, Tally};
use super::measure::{Reading, Said, Watched};
use super::record::{Record, Step};
use super::slowness::Past;
use super::verdict::{
    Answered, Breach, Found, Measured, Numbers, Outcome, Percent, Reason, Test, Verdict,
};
use super::window::Windows;
use crate::model::rollout::{Analysis, CustomMeasure, Share, Side};
use crate::telemetry::latency::LatencyTotals;
use crate::telemetry::version::VersionTotals;
use crate::time::{Duration, Instant};

/// Part of the way to a breach, in logarithms, from which a step is held.
const SUSPICION: f64 = 0.5;

/// What a look sees.
#[derive(Clone, Copy, Debug)]
pub struct Look<'a> {
    /// When it is.
    pub now: Instant,
    /// Everything counted of both versions, in the order of [`Side::ALL`]; only ever growing, but
    /// for a restart.
    pub totals: [VersionTotals; 2],
    /// What was last answered for each of the analysis' own measures, in their order; `None`:
    /// nothing yet.
    pub custom: &'a [Option<Reading>],
}

/// The judge of one rollout, from its start to its end.
#[derive(Clone, Debug)]
pub struct Judge {
    settings: Analysis,
    /// The logarithm of the evidence that is a breach.
    bar: f64,
    kept: Record,
    windows: Windows,
    past: Past,
    /// Latencies in the step, in the order of `Side::ALL`.
    latency: [LatencyTotals; 2],
    error_rate: Recent,
    beyond_p99: Recent,
    measures: Vec<Watched>,
}

impl Judge {
    /// A judge that has seen nothing.
    #[must_use]
    pub fn new(settings: &Analysis) -> Self {
        Self::restore(settings, Record::default())
    }

    /// A judge that goes on where another ended, perhaps by other settings.
    #[must_use]
    pub fn restore(settings: &Analysis, record: Record) -> Self {
        let mut kept = record.sound();
        let mut measures = std::mem::take(&mut kept.measures);
        let watch = |measure: &CustomMeasure| {
            Watched::new(measure, measures.remove(&measure.name).unwrap_or_default())
        };
        Self {
            bar: bar(settings),
            measures: settings.custom.iter().map(watch).collect(),
            settings: settings.clone(),
            kept,
            windows: Windows::default(),
            past: Past::default(),
            latency: Default::default(),
            error_rate: Recent::default(),
            beyond_p99: Recent::default(),
        }
    }

    /// What has to be kept, so that a restart forgets neither evidence nor a breach.
    #[must_use]
    pub fn record(&self) -> Record {
        let measures = self.measures.iter();
        let measures =
            measures.map(|watched| (watched.settings.name.clone(), watched.kept.clone()));
        Record { measures: measures.collect(), ..self.kept.clone() }
    }

    /// From now on the candidate has another share. What was counted since the last look is of
    /// neither step.
    pub fn begin_step(&mut self, share: Share) {
        self.kept.step = Step { whole: share == Share::ALL, ..Step::default() };
        self.latency = Default::default();
        self.windows.drop_open();
        for evidence in [
            &mut self.kept.errors,
            &mut self.kept.latency,
            &mut self.kept.max_error_rate,
            &mut self.kept.max_p99,
        ] {
            evidence.begin_step();
        }
    }

    /// Somebody decided to go on: breach and evidence are forgotten, and the step begins anew.
    pub fn pardon(&mut self) {
        let whole = self.kept.step.whole;
        *self = Self::new(&self.settings);
        self.kept.step.whole = whole;
    }

    /// Takes in what was counted, and says what it means.
    pub fn look(&mut self, look: &Look<'_>) -> Verdict {
        if let Some([stable, candidate]) = self.windows.close(&look.totals, look.now) {
            self.judge(&stable, &candidate);
        }
        let said = self.ask_measures(look);
        if self.kept.breach.is_none() {
            self.kept.breach = self.breach(&said);
        }
        let outcome = match (&self.kept.breach, self.reason(&said)) {
            (Some(breach), _) => Outcome::Breach(breach.clone()),
            (None, Some(reason)) => Outcome::Hold(reason),
            (None, None) => Outcome::Pass,
        };
        Verdict { outcome, numbers: self.numbers() }
    }

    fn judge(&mut self, stable: &VersionTotals, candidate: &VersionTotals) {
        for (side, window) in [stable, candidate].into_iter().enumerate() {
            let (requests, errors) = &mut self.kept.step.counted[side];
            *requests = requests.saturating_add(window.requests);
            *errors = errors.saturating_add(window.errors);
            self.latency[side].add(&window.latency);
        }
        if self.settings.compare {
            let coins = |of: fn(&VersionTotals) -> u64| Coins {
                candidate: of(candidate),
                stable: of(stable),
            };
            let requests = coins(|totals| totals.requests);
            self.kept.errors.add(coins(|totals| totals.errors).factors(requests), self.bar);
            let slowness = self.past.factors(&stable.latency, &candidate.latency);
            self.kept.latency.add(slowness, self.bar);
            self.past.learn(&stable.latency);
        }
        self.judge_limits(stable, candidate);
    }

    fn judge_limits(&mut self, stable: &VersionTotals, candidate: &VersionTotals) {
        if let Some(limit) = self.settings.max_error_rate {
            let tally = |side: &VersionTotals| Tally::new(side.requests, side.errors);
            let (stable, candidate) = (tally(stable), tally(candidate));
            let factors = self.error_rate.factors(limit.value(), stable, candidate);
            self.kept.max_error_rate.add(factors, self.bar);
        }
        if let Some(limit) = self.settings.max_p99 {
            let tally =
                |side: &VersionTotals| Tally::new(side.latency.count(), side.latency.beyond(limit));
            let (stable, candidate) = (tally(stable), tally(candidate));
            let factors = self.beyond_p99.factors(BEYOND_P99, stable, candidate);
            self.kept.max_p99.add(factors, self.bar);
        }
    }

    fn ask_measures(&mut self, look: &Look<'_>) -> Vec<Said> {
        let readings = look.custom.iter().copied().chain(std::iter::repeat(None));
        let (now, bar) = (look.now, self.bar);
        let measures = self.measures.iter_mut().zip(readings);
        measures.map(|(measure, reading)| measure.look(reading, now, bar)).collect()
    }

    /// What is in force, with its evidence.
    fn tests(&self) -> impl Iterator<Item = (Test, &Evidence)> {
        let settings = &self.settings;
        let measures = self.measures.iter().filter(|watched| watched.settings.worse_by.is_some());
        [
            (settings.compare, Test::Errors, &self.kept.errors),
            (settings.compare, Test::Latency, &self.kept.latency),
            (settings.max_error_rate.is_some(), Test::MaxErrorRate, &self.kept.max_error_rate),
            (settings.max_p99.is_some(), Test::MaxP99, &self.kept.max_p99),
        ]
        .into_iter()
        .filter_map(|(in_force, test, evidence)| in_force.then_some((test, evidence)))
        .chain(
            measures.map(|watched| {
                (Test::Measure(watched.settings.name.clone()), &watched.kept.evidence)
            }),
        )
    }

    /// What is a breach now.
    fn breach(&self, said: &[Said]) -> Option<Breach> {
        let found = self.tests().find(|(_, evidence)| evidence.ln() >= self.bar);
        let found = found.map(|(test, evidence)| {
            let because = self.because(&self.found(test.clone(), evidence));
            Breach { test, because }
        });
        found.or_else(|| {
            let mut measures = self.measures.iter().zip(said);
            measures.find_map(|(watched, said)| {
                let name = &watched.settings.name;
                let because = match said {
                    Said::Breach => format!(
                        "{name} is {} for the candidate, above its limit for long",
                        watched.usable.and_then(|reading| reading.candidate).unwrap_or_default(),
                    ),
                    Said::Missed => format!("{name} has had no number for long"),
                    Said::Well | Said::Exceeds | Said::Shared | Said::Missing => return None,
                };
                Some(Breach { test: Test::Measure(name.clone()), because })
            })
        })
    }

    /// What a test has seen, as a sentence.
    fn because(&self, found: &Found) -> String {
        let numbers = self.numbers();
        let (candidate, stable) = (numbers.candidate, numbers.stable);
        let millis = |p99: Option<_>| p99.map_or(0, |p99: Duration| p99.as_millis());
        match &found.test {
            Test::Errors => {
                format!("the candidate fails more: {candidate}; stable {stable}; {found}")
            }
            Test::Latency => format!(
                "the candidate is slower: p99 {} ms, and {} ms of stable; {found}",
                millis(candidate.p99),
                millis(stable.p99),
            ),
            Test::MaxErrorRate => {
                let limit = self.settings.max_error_rate.map_or(0.0, |limit| limit.value());
                format!("the candidate fails more than {}: {candidate}; {found}", Percent(limit))
            }
            Test::MaxP99 => format!(
                "more than one in a hundred answers of the candidate takes longer than {} ms: \
                 {candidate}; {found}",
                millis(self.settings.max_p99),
            ),
            Test::Measure(name) => {
                format!("{name} is worse for the candidate time after time; {found}")
            }
        }
    }

    /// What speaks against ending the step.
    fn reason(&self, said: &[Said]) -> Option<Reason> {
        self.shared(said)
            .or_else(|| self.suspicion())
            .or_else(|| self.doubtful_measure(said))
            .or_else(|| self.too_few())
    }

    fn shared(&self, said: &[Said]) -> Option<Reason> {
        let limit = self.settings.max_error_rate;
        if limit.is_some_and(|limit| self.error_rate.is_shared(limit.value())) {
            return Some(Reason::Shared(Test::MaxErrorRate));
        }
        if self.settings.max_p99.is_some() && self.beyond_p99.is_shared(BEYOND_P99) {
            return Some(Reason::Shared(Test::MaxP99));
        }
        let mut measures = self.measures.iter().zip(said);
        let shared = measures.find(|(_, said)| **said == Said::Shared);
        shared.map(|(watched, _)| Reason::Shared(Test::Measure(watched.settings.name.clone())))
    }

    fn suspicion(&self) -> Option<Reason> {
        let mut tests = self.tests();
        let test = tests.find(|(_, evidence)| evidence.ln() >= self.bar * SUSPICION);
        test.map(|(test, evidence)| Reason::Suspicion(self.found(test, evidence)))
    }

    fn doubtful_measure(&self, said: &[Said]) -> Option<Reason> {
        self.measures.iter().zip(said).find_map(|(watched, said)| {
            let measure = watched.settings.name.clone();
            match said {
                Said::Missing | Said::Missed => Some(Reason::Missing { measure }),
                Said::Exceeds | Said::Breach => {
                    let candidate = watched.usable.and_then(|reading| reading.candidate)?;
                    Some(Reason::Exceeds { measure, candidate })
                }
                Said::Well | Said::Shared => None,
            }
        })
    }

    /// Stable need not answer when it has no share.
    fn too_few(&self) -> Option<Reason> {
        let needed = self.settings.min_requests;
        let Step { whole, counted: [(stable, _), (candidate, _)] } = self.kept.step;
        let sides = [(Side::Candidate, candidate, true), (Side::Stable, stable, !whole)];
        sides
            .into_iter()
            .find(|(_, answered, must)| *must && *answered < needed)
            .map(|(side, answered, _)| Reason::TooFew { side, answered, needed })
    }

    fn numbers(&self) -> Numbers {
        let answered = |side: usize| {
            let (requests, errors) = self.kept.step.counted[side];
            let error_rate = (requests > 0).then(|| errors as f64 / requests as f64);
            Answered { requests, errors, error_rate, p99: self.latency[side].quantile(0.99) }
        };
        let measured = |watched: &Watched| Measured {
            name: watched.settings.name.clone(),
            candidate: watched.usable.and_then(|reading| reading.candidate),
            stable: watched.usable.and_then(|reading| reading.stable),
        };
        Numbers {
            stable: answered(0),
            candidate: answered(1),
            min_requests: self.settings.min_requests,
            evidence: self.tests().map(|(test, evidence)| self.found(test, evidence)).collect(),
            measures: self.measures.iter().map(measured).collect(),
        }
    }

    fn found(&self, test: Test, evidence: &Evidence) -> Found {
        Found { test, evidence: evidence.ln().exp(), bar: self.bar.exp() }
    }
}

/// The logarithm of the evidence that is a breach: each part that may find one has an equal part
/// of the false alarms.
fn bar(settings: &Analysis) -> f64 {
    let limits = [settings.max_error_rate.is_some(), settings.max_p99.is_some()].map(usize::from);
    let compared = if settings.compare { 2 } else { 0 };
    let measures = settings.custom.iter().filter(|measure| measure.worse_by.is_some()).count();
    let parts = compared + limits[0] + limits[1] + measures;
    (parts.max(1) as f64 / settings.false_alarm.value().clamp(ALARM_LEAST, ALARM_MOST)).ln()
}

/// Nobody can be surer than this, and less is a coin toss.
const ALARM_LEAST: f64 = 1e-9;
const ALARM_MOST: f64 = 0.5;
