//! Traces that were written somehow, read again.

use proptest::prelude::*;

use super::super::trace::{Reading, TICK_SECONDS, read};
use crate::time::Duration;

/// A file of counts, and how it is written.
#[derive(Clone, Debug)]
struct Written {
    counts: Vec<u32>,
    /// In seconds.
    step: u64,
    times: Times,
    separator: char,
    /// Whether every fourth row is missing because nothing came.
    has_gaps: bool,
    is_reversed: bool,
    has_header: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Times {
    Without,
    Seconds,
    Millis,
}

impl Written {
    /// What came, step by step: nothing at first, and for a tick at the end.
    fn counts(&self) -> Vec<u32> {
        let quiet = usize::try_from(u64::from(TICK_SECONDS).div_ceil(self.step));
        let mut counts = vec![0];
        let is_gap = |place: usize| self.has_gaps && place % 4 == 2;
        let known = self.counts.iter().enumerate();
        counts.extend(known.map(|(place, count)| if is_gap(place) { 0 } else { *count }));
        counts.extend(vec![0; quiet.expect("15 at most")]);
        counts
    }

    fn text(&self) -> String {
        let counts = self.counts();
        let last = counts.len() - 1;
        let is_written = |place: usize| {
            self.times == Times::Without || !self.has_gaps || place % 4 != 3 || place == last
        };
        let row = |(place, count): (usize, u32)| {
            let at = 900_000_000 + place as u64 * self.step;
            let separator = self.separator;
            match self.times {
                Times::Without => format!("{count}\n"),
                Times::Seconds => format!("{at}{separator}{count}\n"),
                Times::Millis => format!("{}{separator}\"{count}\"\r\n", at * 1000),
            }
        };
        let rows = counts.into_iter().enumerate().filter(|(place, _)| is_written(*place));
        let mut rows: Vec<String> = rows.map(row).collect();
        if self.is_reversed && self.times != Times::Without {
            rows.reverse();
        }
        if self.has_header {
            rows.insert(0, format!("time{}requests\n", self.separator));
        }
        rows.concat()
    }

    /// How much of the total may be lost where a line between two steps is told of at each tick:
    /// by the trapezoidal rule, where steps do not begin with a tick.
    fn tolerance(&self) -> f64 {
        let (step, tick) = (self.step as f64, f64::from(TICK_SECONDS));
        let is_even = self.step <= u64::from(TICK_SECONDS) || step % tick == 0.0;
        if is_even { 1e-9 } else { 1e-9 + tick * tick / (2.0 * step * step) }
    }
}

fn written() -> impl Strategy<Value = Written> {
    let times = prop_oneof![Just(Times::Without), Just(Times::Seconds), Just(Times::Millis)];
    let step = prop_oneof![1_u64..=60, 1_u64..=3600, Just(60), Just(3600)];
    let separator = prop_oneof![Just(','), Just(';'), Just('\t')];
    let counts = prop::collection::vec(0_u32..100_000, 8..120);
    let flags = (any::<bool>(), any::<bool>(), any::<bool>());
    (counts, step, times, separator, flags).prop_map(|(counts, step, times, separator, flags)| {
        let (has_gaps, is_reversed, has_header) = flags;
        Written { counts, step, times, separator, has_gaps, is_reversed, has_header }
    })
}

/// Lines as they may stand in a file, and such as may not.
fn lines() -> impl Strategy<Value = String> {
    let cell = prop_oneof![
        "[0-9]{1,4}-[0-9]{1,2}-[0-9]{1,2}[ T][0-9:.]{0,12}(Z|[+-][0-9]{1,3}:[0-9]{1,3})?",
        "-?[0-9]{1,20}(\\.[0-9]{1,3})?(e[0-9]{1,3})?",
        "[\"a-z \u{e9}]{0,6}",
    ];
    let line = prop::collection::vec(cell, 0..4).prop_map(|cells| cells.join(","));
    prop::collection::vec(line, 0..12).prop_map(|lines| lines.join("\n"))
}

fn reading() -> impl Strategy<Value = Reading> {
    let step = prop_oneof![0_u64..10_000, any::<u64>()].prop_map(Duration::from_millis);
    (prop::option::of(0_usize..5), prop::option::of(step))
        .prop_map(|(column, step)| Reading { column, step })
}

proptest! {
    #[test]
    fn whatever_a_file_says_is_demand_or_a_mistake(
        text in prop_oneof![lines(), any::<String>()], reading in reading(),
    ) {
        match read(&text, reading) {
            Ok(trace) => {
                prop_assert!(!trace.demand.is_empty());
                prop_assert!(trace.demand.iter().all(|rate| rate.is_finite() && *rate >= 0.0));
            }
            Err(mistakes) => prop_assert!((1..=10).contains(&mistakes.len())),
        }
    }

    #[test]
    fn what_was_counted_comes_back_however_it_is_written(written in written()) {
        // Times say how long a step is; without them it has to be said.
        let step = (written.times == Times::Without).then(|| Duration::from_secs(written.step));
        let trace = read(&written.text(), Reading { column: None, step }).expect("it is sound");
        let total: f64 = trace.demand.iter().sum::<f64>() * f64::from(TICK_SECONDS);
        let counted: f64 = written.counts().into_iter().map(f64::from).sum();
        let lost = (total - counted).abs();
        prop_assert!(lost <= counted * written.tolerance() + 1e-6, "{total} of {counted}");
        let begins = if written.times == Times::Without { 0 } else { 900_000_000 };
        prop_assert_eq!(trace.begins.as_secs(), begins);
    }
}
