//! Why a request is taken by the route that takes it.
//!
//! The same search as [`RouteTable::find_with_body`], with a record of every bucket that had
//! entries to try. It allocates freely and is for people: `tidegate explain` prints its steps.

use std::fmt;

use super::body::{BodyView, Values};
use super::host::HostBucket;
use super::path::PathBucket;
use super::predicate::Entry;
use super::table::{Bucket, RouteRequest, RouteTable};
use crate::model::ids::{ListenerName, RouteIndex, RouteName};
use crate::model::route::{HostPattern, PathPattern};

/// One bucket of the search, and the routes that were tried there, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The listener that these routes name; `None`: they take requests of every listener.
    pub listener: Option<ListenerName>,
    /// The host that they ask for; `None`: any.
    pub host: Option<HostPattern>,
    /// The path that they ask for.
    pub path: PathStep,
    /// The routes tried: all failed but perhaps the last.
    pub trials: Vec<Trial>,
}

/// The path that the routes of a step ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PathStep {
    /// This path.
    Exact(String),
    /// This prefix, `/` for the root.
    Prefix(String),
    /// Each its own regex.
    Regex,
    /// Any path.
    Any,
}

/// One route that was tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trial {
    /// Its index.
    pub route: RouteIndex,
    /// Its name.
    pub name: RouteName,
    /// What came of it.
    pub verdict: Verdict,
}

/// What came of a trial.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The route takes the request; the search ends.
    Taken,
    /// A condition does not hold: this one, in words.
    Failed(String),
}

impl RouteTable {
    /// The search for a request's route, step by step. The last trial of the last step is the route
    /// that [`RouteTable::find_with_body`] returns, if any is taken at all.
    #[must_use]
    pub fn explain(&self, request: &RouteRequest<'_>, body: BodyView<'_>) -> Vec<Step> {
        let values = self.pointers.read(body);
        let mut steps = Vec::new();
        let taken = self.visit(request, &mut |bucket| {
            if bucket.entries.is_empty() {
                return None;
            }
            let step = self.step(bucket, request, values.as_ref());
            let taken = step.taken();
            steps.push(step);
            taken
        });
        debug_assert_eq!(taken, self.find_with_body(request, body));
        steps
    }

    fn step(
        &self,
        bucket: Bucket<'_>,
        request: &RouteRequest<'_>,
        values: Option<&Values>,
    ) -> Step {
        let mut trials = Vec::new();
        for entry in bucket.entries {
            let verdict = Verdict::of(entry, request, values);
            let taken = verdict == Verdict::Taken;
            trials.push(Trial {
                route: entry.route,
                name: self.name(entry.route).clone(),
                verdict,
            });
            if taken {
                break;
            }
        }
        Step {
            listener: bucket.listener.cloned(),
            host: bucket.host.pattern(),
            path: PathStep::of(bucket.path),
            trials,
        }
    }
}

impl Step {
    /// The route that takes the request, if it is one of this step.
    #[must_use]
    pub fn taken(&self) -> Option<RouteIndex> {
        self.trials.iter().find(|trial| trial.verdict == Verdict::Taken).map(|trial| trial.route)
    }
}

impl Verdict {
    fn of(entry: &Entry, request: &RouteRequest<'_>, values: Option<&Values>) -> Self {
        entry.failed(request, values).map_or(Self::Taken, Self::Failed)
    }
}

impl HostBucket<'_> {
    fn pattern(self) -> Option<HostPattern> {
        match self {
            Self::Exact(host) => Some(HostPattern::Exact(host.to_owned())),
            Self::Wildcard(suffix) => Some(HostPattern::Wildcard(suffix.to_owned())),
            Self::Any => None,
        }
    }
}

impl PathStep {
    fn of(bucket: PathBucket<'_>) -> Self {
        match bucket {
            PathBucket::Exact(path) => Self::Exact(path.to_owned()),
            PathBucket::Prefix("") => Self::Prefix("/".to_owned()),
            PathBucket::Prefix(prefix) => Self::Prefix(prefix.to_owned()),
            PathBucket::Regex => Self::Regex,
            PathBucket::Any => Self::Any,
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.listener {
            Some(listener) => write!(f, "listener {listener}, ")?,
            None => f.write_str("any listener, ")?,
        }
        match &self.host {
            Some(host) => write!(f, "host {host}, ")?,
            None => f.write_str("any host, ")?,
        }
        write!(f, "{}:", self.path)?;
        self.trials.iter().try_for_each(|trial| write!(f, "\n  {trial}"))
    }
}

impl fmt::Display for PathStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(path) => write!(f, "path {path}"),
            Self::Prefix(prefix) => write!(f, "path under {prefix}"),
            Self::Regex => f.write_str("path by regex"),
            Self::Any => f.write_str("any path"),
        }
    }
}

impl fmt::Display for Trial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.verdict {
            Verdict::Taken => write!(f, "{}: taken", self.name),
            Verdict::Failed(condition) => write!(f, "{}: does not hold: {condition}", self.name),
        }
    }
}

impl fmt::Display for HostPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(host) => f.write_str(host),
            Self::Wildcard(suffix) => write!(f, "*{suffix}"),
        }
    }
}

impl fmt::Display for PathPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(path) => f.write_str(path),
            Self::Prefix(prefix) => {
                write!(f, "under {}", if prefix.is_empty() { "/" } else { prefix })
            }
            Self::Regex(regex) => write!(f, "~ {regex}"),
        }
    }
}
