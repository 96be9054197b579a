//! `tidegate simulate`: what a scaling policy would have made of last year's traffic.
//!
//! The trace is a CSV file of request counts, plain or gzipped. Every policy is replayed through
//! the same fluid model ([`tidegate_sim::fluid`]); `slo`, `levels` and `target` are the planner
//! that runs in production. With one policy `--json` writes an object, with several a list of them,
//! and `--series` and `--plot` write a file for each: `out.csv` becomes `out.slo.csv`.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use clap::Args;
use comfy_table::{Cell, CellAlignment};
use flate2::read::MultiGzDecoder;
use serde_json::{Value, json};
use tidegate_control::observe::config_file::Origin;
use tidegate_core::model::autoscale::{Autoscale, Bounds, Capacity, Policy};
use tidegate_core::time::Duration;
use tidegate_sim::fluid::policy::{Choice, simulate};
use tidegate_sim::fluid::replay::{Outcome, Scenario};
use tidegate_sim::fluid::trace::{self, Reading, Trace};
use tidegate_sim::fluid::{picture, planned};

use super::argument;
use crate::table::{Sheet, Tone};
use crate::{output, serve};

/// The most that is read of a trace, unpacked: a day of a busy log has nothing on this.
const TRACE_BYTES_MAX: u64 = 1 << 30;
/// How long a server takes to start where nothing is said.
const STARTUP: &str = "30s";
/// The most servers where nothing is said.
const MAX: u32 = 1000;

/// Replay past traffic through scaling policies
#[derive(Debug, Args)]
pub(super) struct Simulate {
    /// Request counts as CSV, plain or gzipped, with or without a header and a time column
    #[arg(long, value_name = "FILE")]
    trace: PathBuf,
    /// The column that holds the counts, from 1; else the last
    #[arg(long, value_name = "N")]
    column: Option<usize>,
    /// The time from row to row; else as the time column says, or 60s
    #[arg(long, value_name = "DURATION", value_parser = argument::duration)]
    step: Option<Duration>,
    /// slo, levels, target, hpa, oracle or fixed:N, one or several; else as configured, or slo
    #[arg(long = "policy", value_name = "POLICY")]
    policies: Vec<Choice>,
    /// Take the pool's settings from this configuration
    #[arg(short, long, value_name = "FILE", requires = "pool")]
    config: Option<PathBuf>,
    /// Its pool
    #[arg(long, value_name = "NAME", requires = "config")]
    pool: Option<String>,
    /// Requests per second that one server can do; else as configured
    #[arg(long, value_name = "R", value_parser = capacity)]
    capacity: Option<f64>,
    /// From a launch to a server that serves; else as configured, or 30s
    #[arg(long, value_name = "DURATION", value_parser = argument::duration)]
    startup: Option<Duration>,
    /// The least servers; else as configured, or 1
    #[arg(long, value_name = "N")]
    min: Option<u32>,
    /// The most servers; else as configured, or 1000
    #[arg(long, value_name = "N")]
    max: Option<u32>,
    /// Write the figures here as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Write every tick here as CSV
    #[arg(long, value_name = "FILE")]
    series: Option<PathBuf>,
    /// Draw demand and capacity here
    #[arg(long, value_name = "FILE")]
    plot: Option<PathBuf>,
}

impl Simulate {
    pub(super) fn run(self) -> Result<ExitCode> {
        let Some(trace) = self.trace()? else { return Ok(ExitCode::FAILURE) };
        let configured = match &self.config {
            Some(file) => match self.configured(file)? {
                Some(settings) => Some(settings),
                None => return Ok(ExitCode::FAILURE),
            },
            None => None,
        };
        let scenario = self.scenario(&trace, configured.as_ref())?;
        let outcomes = self.policies(configured.as_ref()).into_iter().map(|policy| {
            let settings = settings(policy, &scenario, configured.as_ref());
            (policy, simulate(policy, &scenario, settings))
        });
        let outcomes: Vec<_> = outcomes.collect();
        self.write(&scenario, &outcomes)?;
        output::line(&table(&outcomes).to_string())?;
        Ok(ExitCode::SUCCESS)
    }

    /// The trace; `None`: its mistakes have been told.
    fn trace(&self) -> Result<Option<Trace>> {
        let text = read(&self.trace)?;
        let reading = Reading { column: self.column, step: self.step };
        match trace::read(&text, reading) {
            Ok(trace) => Ok(Some(trace)),
            Err(mistakes) => {
                for mistake in mistakes {
                    output::complain(&format!("{}: {mistake}", self.trace.display()));
                }
                Ok(None)
            }
        }
    }

    /// The settings of the pool; `None`: the mistakes of the configuration have been told.
    fn configured(&self, file: &Path) -> Result<Option<Autoscale>> {
        let config = match Origin::File(file.to_owned()).read() {
            Ok(sound) => sound.config,
            Err(refused) => {
                serve::list(&refused.diagnostics);
                return Ok(None);
            }
        };
        let name = self.pool.as_deref().unwrap_or_default();
        let pool = config.pools.iter().find(|pool| pool.name.to_string() == name);
        let pool = pool.with_context(|| format!("there is no pool {name:?}"))?;
        let settings = pool.autoscale.as_deref().cloned();
        settings.map(Some).with_context(|| format!("pool {name:?} has no autoscale"))
    }

    fn policies(&self, configured: Option<&Autoscale>) -> Vec<Choice> {
        let policy = configured.map_or(Policy::Slo, |settings| settings.policy);
        match &self.policies[..] {
            [] => vec![Choice::Planner(policy)],
            policies => policies.to_vec(),
        }
    }

    fn scenario<'a>(
        &self,
        trace: &'a Trace,
        configured: Option<&Autoscale>,
    ) -> Result<Scenario<'a>> {
        let known = match configured.map(|settings| settings.capacity) {
            Some(Capacity::Requests(rate)) => Some(rate),
            _ => None,
        };
        let Some(capacity) = self.capacity.or(known) else {
            bail!("what can a server do? give --capacity, in requests per second");
        };
        let bounds = configured.map_or(Bounds { min: 1, max: MAX }, |settings| settings.bounds);
        let min = self.min.unwrap_or(bounds.min);
        let max = self.max.unwrap_or_else(|| bounds.max.max(min));
        if min > max {
            bail!("--min {min} is above the most servers, {max}");
        }
        let startup = self.startup.or_else(|| configured.map(|settings| settings.startup));
        let startup = match startup {
            Some(startup) => startup,
            None => argument::duration(STARTUP).map_err(anyhow::Error::msg)?,
        };
        let bounds = Bounds { min, max };
        let (demand, begins) = (trace.demand.as_slice(), trace.begins);
        Ok(Scenario { demand, begins, capacity, startup, bounds })
    }

    fn write(&self, scenario: &Scenario<'_>, outcomes: &[(Choice, Outcome)]) -> Result<()> {
        let is_one = outcomes.len() == 1;
        if let Some(path) = &self.json {
            let figures: Vec<Value> = outcomes.iter().map(figures).collect();
            let value = if is_one { figures[0].clone() } else { Value::Array(figures) };
            put(path, &format!("{value:#}\n"))?;
        }
        for (policy, outcome) in outcomes {
            let name = |path: &Path| if is_one { path.to_owned() } else { beside(path, *policy) };
            if let Some(path) = &self.series {
                put(&name(path), &series(outcome))?;
            }
            if let Some(path) = &self.plot {
                let drawn = picture::draw(&policy.to_string(), outcome, scenario.capacity);
                put(&name(path), &drawn)?;
            }
        }
        Ok(())
    }
}

/// What the planner is set to: as configured, with what the command line says.
fn settings(policy: Choice, scenario: &Scenario<'_>, configured: Option<&Autoscale>) -> Autoscale {
    let policy = if let Choice::Planner(policy) = policy { policy } else { Policy::Slo };
    let Some(configured) = configured else { return planned::settings(policy, scenario) };
    Autoscale {
        policy,
        bounds: scenario.bounds,
        startup: scenario.startup,
        capacity: Capacity::Requests(scenario.capacity),
        ..configured.clone()
    }
}

/// The text of a trace.
fn read(path: &Path) -> Result<String> {
    let name = path.display();
    let bytes = fs::read(path).with_context(|| format!("cannot read {name}"))?;
    let mut text = Vec::new();
    let read = if bytes.starts_with(&[0x1f, 0x8b]) {
        MultiGzDecoder::new(bytes.as_slice()).take(TRACE_BYTES_MAX).read_to_end(&mut text)
    } else {
        text = bytes;
        Ok(text.len())
    };
    read.with_context(|| format!("cannot unpack {name}"))?;
    if text.len() as u64 >= TRACE_BYTES_MAX {
        bail!("{name} holds more than {TRACE_BYTES_MAX} bytes");
    }
    String::from_utf8(text).with_context(|| format!("{name} is not UTF-8"))
}

fn put(path: &Path, text: &str) -> Result<()> {
    let name = path.display();
    let mut file = File::create(path).with_context(|| format!("cannot write {name}"))?;
    std::io::Write::write_all(&mut file, text.as_bytes())
        .with_context(|| format!("cannot write {name}"))
}

/// `out.csv` for a policy: `out.slo.csv`.
fn beside(path: &Path, policy: Choice) -> PathBuf {
    let policy = policy.to_string().replace(':', "-");
    match path.extension() {
        Some(extension) => path.with_extension(format!("{policy}.{}", extension.display())),
        None => path.with_extension(policy),
    }
}

fn figures((policy, outcome): &(Choice, Outcome)) -> Value {
    json!({
        "policy": policy.to_string(),
        "requests": outcome.requests.round(),
        "violations_percent": outcome.violations_percent(),
        "shed_percent": outcome.shed_percent(),
        "server_hours": outcome.server_hours,
        "direction_changes": outcome.direction_changes,
        "peak_instances": outcome.peak,
        "ticks": outcome.rows.len(),
    })
}

fn series(outcome: &Outcome) -> String {
    let mut text = String::from(
        "seconds,demand_per_second,instances_paid,instances_serving,waiting_seconds\n",
    );
    for row in &outcome.rows {
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "{},{:.6},{},{},{:.6}",
            row.seconds, row.demand, row.paid, row.serving, row.waiting
        );
    }
    text
}

fn table(outcomes: &[(Choice, Outcome)]) -> Sheet {
    let mut sheet = Sheet::new(&[
        "POLICY",
        "REQUESTS",
        "VIOLATIONS",
        "SHED",
        "SERVER-HOURS",
        "CHANGES",
        "PEAK",
    ]);
    for (policy, outcome) in outcomes {
        let right = |text: String| Cell::new(text).set_alignment(CellAlignment::Right);
        let cells = [
            Cell::new(policy),
            right(format!("{:.0}", outcome.requests)),
            right(format!("{:.4} %", outcome.violations_percent())),
            right(format!("{:.4} %", outcome.shed_percent())),
            right(format!("{:.1}", outcome.server_hours)),
            right(outcome.direction_changes.to_string()),
            right(outcome.peak.to_string()),
        ];
        sheet.row(Tone::Well, cells);
    }
    sheet
}

fn capacity(text: &str) -> Result<f64, String> {
    let capacity = text.parse::<f64>().ok().filter(|rate| rate.is_finite() && *rate > 0.0);
    capacity.ok_or_else(|| "expected requests per second, above 0".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn with_several_policies_each_has_a_file_of_its_own() {
        let slo = Choice::Planner(Policy::Slo);
        assert_eq!(beside(Path::new("a/out.csv"), slo), Path::new("a/out.slo.csv"));
        assert_eq!(beside(Path::new("out"), Choice::Fixed(6)), Path::new("out.fixed-6"));
    }
}
