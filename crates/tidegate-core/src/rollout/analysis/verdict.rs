//! What the analysis says of a candidate, for a machine, for the API and for people.

use std::fmt;

use serde::ser::SerializeStruct;
use serde::{Deserialize, Serialize, Serializer};

use crate::model::rollout::Side;
use crate::time::Duration;

/// What the analysis says, with the numbers it rests on.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Verdict {
    /// What it says.
    pub outcome: Outcome,
    /// Why one may believe it.
    pub numbers: Numbers,
}

/// What the analysis says.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// Nothing speaks against ending the step.
    Pass,
    /// The step must not end yet.
    Hold(Reason),
    /// The candidate is worse than it may be. Once found it is said again at every look.
    Breach(Breach),
}

/// Why a step must not end yet.
#[derive(Clone, Debug, PartialEq)]
pub enum Reason {
    /// A version has answered too few requests in the step.
    TooFew {
        /// Which one.
        side: Side,
        /// So many it has.
        answered: u64,
        /// So many it must.
        needed: u64,
    },
    /// Both versions exceed a limit, which is no fault of the candidate's.
    Shared(Test),
    /// There is evidence against the candidate, and not enough of it.
    Suspicion(Found),
    /// A measure exceeds its limit, and has not done so for long.
    Exceeds {
        /// Which one.
        measure: String,
        /// The candidate's number.
        candidate: f64,
    },
    /// A measure has no number.
    Missing {
        /// Which one.
        measure: String,
    },
}

/// A breach that was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Breach {
    /// What found it.
    pub test: Test,
    /// What it saw, as a sentence.
    pub because: String,
}

/// What may find a breach.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Test {
    /// The candidate's errors against stable's.
    Errors,
    /// The candidate's latency against stable's.
    Latency,
    /// The candidate's errors against the limit.
    MaxErrorRate,
    /// The candidate's latency against the limit.
    MaxP99,
    /// A measure of the user's own.
    Measure(String),
}

/// What a verdict rests on.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Numbers {
    /// What stable answered in the step.
    pub stable: Answered,
    /// What the candidate answered in the step.
    pub candidate: Answered,
    /// What each must have answered before the step may end.
    pub min_requests: u64,
    /// The evidence of every test, over the whole rollout.
    pub evidence: Vec<Found>,
    /// The measures of the user's own.
    pub measures: Vec<Measured>,
}

/// What a version answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Answered {
    /// Requests.
    pub requests: u64,
    /// Errors among them.
    pub errors: u64,
    /// The share of errors; `None` without requests.
    pub error_rate: Option<f64>,
    /// The 99th percentile of latency, of what was seen since the process started.
    #[serde(rename = "p99_seconds", serialize_with = "seconds")]
    pub p99: Option<Duration>,
}

/// The evidence of a test, and how much is a breach.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Found {
    /// Which test.
    pub test: Test,
    /// How many times as likely what was seen is if the candidate is at fault.
    pub evidence: f64,
    /// How many times are a breach.
    pub bar: f64,
}

/// A measure of the user's own.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Measured {
    /// Its name.
    pub name: String,
    /// The candidate's number; `None`: there is none.
    pub candidate: Option<f64>,
    /// Stable's.
    pub stable: Option<f64>,
}

impl Outcome {
    /// The word for it.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Hold(_) => "hold",
            Self::Breach(_) => "breach",
        }
    }

    /// Why, as a sentence; `None`: there is nothing to say.
    #[must_use]
    pub fn because(&self) -> Option<String> {
        match self {
            Self::Pass => None,
            Self::Hold(reason) => Some(reason.to_string()),
            Self::Breach(breach) => Some(breach.because.clone()),
        }
    }
}

/// `{"is": "hold", "because": "the candidate answered 12 of 200 requests"}`.
impl Serialize for Outcome {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("Outcome", 2)?;
        fields.serialize_field("is", self.as_str())?;
        fields.serialize_field("because", &self.because())?;
        fields.end()
    }
}

impl Test {
    /// The word for it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Errors => "errors",
            Self::Latency => "latency",
            Self::MaxErrorRate => "max_error_rate",
            Self::MaxP99 => "max_p99",
            Self::Measure(name) => name,
        }
    }
}

/// `hold: the candidate answered 12 of 200 requests; candidate …, stable …; evidence …`.
impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.outcome.as_str())?;
        if let Some(because) = self.outcome.because() {
            write!(f, ": {because}")?;
        }
        write!(f, "; {}", self.numbers)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooFew { side, answered, needed } => {
                write!(f, "{} answered {answered} of {needed} requests", the(*side))
            }
            Self::Shared(test) => {
                write!(f, "both versions exceed {}: not the candidate's fault", test.as_str())
            }
            Self::Suspicion(found) => write!(f, "not sure yet: {found}"),
            Self::Exceeds { measure, candidate } => {
                write!(f, "{measure} is {candidate} for the candidate, above its limit")
            }
            Self::Missing { measure } => write!(f, "{measure} has no number"),
        }
    }
}

impl fmt::Display for Numbers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "candidate {}, stable {}", self.candidate, self.stable)?;
        self.evidence.iter().try_for_each(|found| write!(f, ", {found}"))?;
        self.measures.iter().try_for_each(|measured| write!(f, ", {measured}"))
    }
}

/// `12 errors of 240 requests (5 %), p99 210 ms`.
impl fmt::Display for Answered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} errors of {} requests", self.errors, self.requests)?;
        if let Some(rate) = self.error_rate {
            write!(f, " ({})", Percent(rate))?;
        }
        match self.p99 {
            Some(p99) => write!(f, ", p99 {} ms", p99.as_millis()),
            None => Ok(()),
        }
    }
}

/// `evidence by errors 12.5 of 40`.
impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { test, evidence, bar } = self;
        match *evidence > 1e6 {
            true => write!(f, "evidence by {} {evidence:.0e} of {bar:.0}", test.as_str()),
            false => write!(f, "evidence by {} {evidence:.1} of {bar:.0}", test.as_str()),
        }
    }
}

impl fmt::Display for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = |number: Option<f64>| match number {
            Some(number) => number.to_string(),
            None => "no number".to_owned(),
        };
        let (candidate, stable) = (number(self.candidate), number(self.stable));
        write!(f, "{} {candidate} and {stable} of stable", self.name)
    }
}

/// A rate, so that people see it.
pub(super) struct Percent(pub(super) f64);

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} %", (self.0 * 10_000.0).round() / 100.0)
    }
}

const fn the(side: Side) -> &'static str {
    match side {
        Side::Stable => "stable",
        Side::Candidate => "the candidate",
    }
}

#[expect(clippy::ref_option, reason = "serde asks for it")]
fn seconds<S: Serializer>(duration: &Option<Duration>, to: S) -> Result<S::Ok, S::Error> {
    duration.map(|duration| duration.as_secs_f64()).serialize(to)
}
