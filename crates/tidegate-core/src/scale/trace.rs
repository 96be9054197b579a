//! Reads request counts from CSV, and makes ticks of them.
//!
//! One row is one step of time: a count, and perhaps when it was. A first line without a number in
//! the column of counts is a header. With a time column the rows are put where their times say, in
//! any order; what has no row is zero, because a log has no line for what did not happen. A step
//! longer than a tick is interpolated, a shorter one averaged.

use crate::time::{Duration, UnixTime};

/// What demand is told by, in seconds.
pub const TICK_SECONDS: u32 = 15;

/// Steps that a trace may have: ten years of minutes.
const STEPS_MAX: u64 = 5_300_000;
/// Ticks that become of them: ten years, with the leap days.
const TICKS_MAX: f64 = 21_100_000.0;
/// Requests that a step may have; more are no count.
const COUNT_MAX: f64 = 1e15;
/// Rows without a readable count that are told of.
const MISTAKES_MAX: usize = 10;

/// How to read a trace.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reading {
    /// The column of the counts, from 1; `None`: the last.
    pub column: Option<usize>,
    /// How long a step is; `None`: as the times say, or a minute.
    pub step: Option<Duration>,
}

/// Demand over time.
#[derive(Clone, Debug, PartialEq)]
pub struct Trace {
    /// When it begins; the epoch when it does not say.
    pub begins: UnixTime,
    /// Requests a second, tick by tick.
    pub demand: Vec<f64>,
}

/// What is wrong with a trace.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Mistake {
    /// A row has no such column.
    #[error("line {line}: there is no column {column}")]
    NoColumn {
        /// Of the text, from 1.
        line: usize,
        /// From 1.
        column: usize,
    },
    /// A count is none.
    #[error("line {line}: {text:?} is not a count of requests")]
    NoCount {
        /// Of the text, from 1.
        line: usize,
        /// What is there.
        text: String,
    },
    /// A time is none, where other rows have one.
    #[error("line {line}: {text:?} is not a time")]
    NoTime {
        /// Of the text, from 1.
        line: usize,
        /// What is there.
        text: String,
    },
    /// There is no row, or only one.
    #[error("there are fewer than two rows of counts")]
    Empty,
    /// The step is zero.
    #[error("a step of no time")]
    NoStep,
    /// It spans more steps, or more time, than fit.
    #[error("it spans more than {STEPS_MAX} steps or ten years; is the step right?")]
    TooLong,
}

impl Trace {
    /// Demand with its times, moved by whole weeks so that it ends just before `now`: what last
    /// year's log says of a Monday is said of a Monday.
    pub fn until(&self, now: UnixTime) -> impl Iterator<Item = (UnixTime, f64)> {
        const WEEK: u64 = 7 * 86_400_000;
        let tick = u64::from(TICK_SECONDS) * 1000;
        let begins = self.begins.as_millis();
        let ends = begins + tick * self.demand.len() as u64;
        let later = now.as_millis().saturating_sub(ends) / WEEK * WEEK;
        // One that ends after now is moved to the past.
        let earlier = ends.saturating_sub(now.as_millis()).div_ceil(WEEK) * WEEK;
        let demand = self.demand.iter().enumerate();
        demand.map(move |(place, rate)| {
            let at = (begins + tick * place as u64 + later).saturating_sub(earlier);
            (UnixTime::from_millis(at), *rate)
        })
    }
}

/// One row.
struct Row {
    line: usize,
    /// In milliseconds since the epoch.
    at: Option<u64>,
    count: f64,
}

/// Reads a trace.
///
/// # Errors
///
/// Everything that is wrong with its rows, up to a bound.
pub fn read(text: &str, reading: Reading) -> Result<Trace, Vec<Mistake>> {
    let rows = rows(text, reading)?;
    let step = match reading.step {
        Some(step) => step.as_millis() as u64,
        None => step_of(&rows).unwrap_or(60_000),
    };
    if step == 0 {
        return Err(vec![Mistake::NoStep]);
    }
    let begins = rows.iter().filter_map(|row| row.at).min().unwrap_or(0);
    let counts = place(&rows, begins, step).map_err(|mistake| vec![mistake])?;
    let step = step as f64 / 1000.0;
    if counts.len() as f64 * step > TICKS_MAX * f64::from(TICK_SECONDS) {
        return Err(vec![Mistake::TooLong]);
    }
    Ok(Trace { begins: UnixTime::from_millis(begins), demand: ticks(&counts, step) })
}

fn rows(text: &str, reading: Reading) -> Result<Vec<Row>, Vec<Mistake>> {
    let mut rows = Vec::new();
    let mut mistakes = Vec::new();
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    for (place, line) in text.lines().enumerate() {
        if line.trim().is_empty() {
            continue;
        }
        match row(line, place + 1, reading.column) {
            Ok(row) => rows.push(row),
            // The first line may be a header.
            Err(_) if place == 0 => {}
            Err(mistake) => mistakes.push(mistake),
        }
    }
    if rows.iter().any(|row| row.at.is_some()) {
        let untimed = rows.iter().filter(|row| row.at.is_none());
        mistakes.extend(untimed.take(MISTAKES_MAX).map(|row| {
            let text = text.lines().nth(row.line - 1).unwrap_or_default();
            Mistake::NoTime { line: row.line, text: first(text).to_owned() }
        }));
    }
    if mistakes.is_empty() && rows.len() < 2 {
        mistakes.push(Mistake::Empty);
    }
    mistakes.truncate(MISTAKES_MAX);
    if mistakes.is_empty() { Ok(rows) } else { Err(mistakes) }
}

fn row(line: &str, number: usize, column: Option<usize>) -> Result<Row, Mistake> {
    let cells: Vec<&str> = line.split([',', ';', '\t']).map(cell).collect();
    let column = column.unwrap_or(cells.len());
    let missing = Mistake::NoColumn { line: number, column };
    let place = column.checked_sub(1).ok_or_else(|| missing.clone())?;
    let text = cells.get(place).ok_or(missing)?;
    let count = text.parse::<f64>().ok().filter(|count| (0.0..=COUNT_MAX).contains(count));
    let count = count.ok_or_else(|| Mistake::NoCount { line: number, text: (*text).to_owned() })?;
    let at = if place == 0 { None } else { cells.first().and_then(|text| moment(text)) };
    Ok(Row { line: number, at, count })
}

fn first(line: &str) -> &str {
    line.split([',', ';', '\t']).map(cell).next().unwrap_or_default()
}

fn cell(text: &str) -> &str {
    text.trim().trim_matches('"')
}

/// The time between most rows: the median.
fn step_of(rows: &[Row]) -> Option<u64> {
    let mut times: Vec<u64> = rows.iter().filter_map(|row| row.at).collect();
    times.sort_unstable();
    let mut steps: Vec<u64> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    steps.retain(|step| *step > 0);
    let middle = steps.len().saturating_sub(1) / 2;
    (!steps.is_empty()).then(|| *steps.select_nth_unstable(middle).1)
}

/// The counts, step by step.
fn place(rows: &[Row], begins: u64, step: u64) -> Result<Vec<f64>, Mistake> {
    let mut counts: Vec<f64> = Vec::new();
    for (place, row) in rows.iter().enumerate() {
        let slot = row.at.map_or(place as u64, |at| (at - begins + step / 2) / step);
        if slot >= STEPS_MAX {
            return Err(Mistake::TooLong);
        }
        let slot = slot as usize;
        if counts.len() <= slot {
            counts.resize(slot + 1, 0.0);
        }
        counts[slot] += row.count;
    }
    Ok(counts)
}

/// Requests a second, tick by tick, from counts of steps of so many seconds.
fn ticks(counts: &[f64], step: f64) -> Vec<f64> {
    let tick = f64::from(TICK_SECONDS);
    let whole = (counts.len() as f64 * step / tick).floor() as usize;
    let rate = |slot: usize| counts[slot.min(counts.len() - 1)] / step;
    let at = |number: usize| {
        let seconds = number as f64 * tick;
        if step > tick {
            let slot = (seconds / step).floor();
            let part = seconds / step - slot;
            rate(slot as usize) * (1.0 - part) + rate(slot as usize + 1) * part
        } else {
            mean(counts, seconds / step, (seconds + tick) / step) / step
        }
    };
    (0..whole.max(1)).map(at).collect()
}

/// The mean of counts between two places, which may lie within a step.
fn mean(counts: &[f64], from: f64, to: f64) -> f64 {
    let mut sum = 0.0;
    let mut slot = from.floor() as usize;
    while (slot as f64) < to - 1e-9 && slot < counts.len() {
        let part = (to.min(slot as f64 + 1.0) - from.max(slot as f64)).max(0.0);
        sum += counts[slot] * part;
        slot += 1;
    }
    sum / (to - from)
}

/// A time, in milliseconds since the epoch: `2026-11-27 08:00:00`, with a `T`, a fraction, a `Z` or
/// an offset, or seconds or milliseconds since the epoch.
fn moment(text: &str) -> Option<u64> {
    if let Ok(number) = text.parse::<f64>() {
        let millis = if number < 1e11 { number * 1000.0 } else { number };
        return (1e11..1e14).contains(&millis).then_some(millis as u64);
    }
    let (date, rest) = text.split_at_checked(10)?;
    let days = days(date)?;
    let time = rest.strip_prefix([' ', 'T', 't'])?;
    let digits = |c: char| c.is_ascii_digit() || c == ':' || c == '.';
    let (clock, zone) = time.split_at(time.find(|c| !digits(c)).unwrap_or(time.len()));
    let mut parts = clock.split(':');
    let hour: u64 = parts.next()?.parse().ok().filter(|hour| *hour < 24)?;
    let minute: u64 = parts.next()?.parse().ok().filter(|minute| *minute < 60)?;
    let second = parts.next().map_or(Some(0.0), |text| text.parse::<f64>().ok())?;
    if parts.next().is_some() || !(0.0..61.0).contains(&second) {
        return None;
    }
    let local = days * 86_400_000 + (hour * 60 + minute) * 60_000 + (second * 1000.0) as u64;
    local.checked_add_signed(-offset(zone.trim())?)
}

/// Milliseconds by which a zone is ahead of UTC.
fn offset(zone: &str) -> Option<i64> {
    if zone.is_empty() || zone.eq_ignore_ascii_case("z") || zone == "UTC" {
        return Some(0);
    }
    let sign = if zone.starts_with('-') { -1 } else { 1 };
    let (hours, minutes) = zone.strip_prefix(['+', '-'])?.split_once(':')?;
    let (hours, minutes): (u8, u8) = (hours.parse().ok()?, minutes.parse().ok()?);
    let minutes = (minutes < 60).then_some(i64::from(hours) * 60 + i64::from(minutes))?;
    (hours < 24).then_some(sign * minutes * 60_000)
}

/// Days since the epoch of `YYYY-MM-DD` (Hinnant: "chrono-compatible low-level date algorithms").
fn days(date: &str) -> Option<u64> {
    let mut parts = date.split(['-', '/']);
    let year: i64 = parts.next()?.parse().ok()?;
    let month: i64 = parts.next()?.parse().ok().filter(|month| (1..=12).contains(month))?;
    let day: i64 = parts.next()?.parse().ok().filter(|day| (1..=31).contains(day))?;
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468;
    u64::try_from(days).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn demand(text: &str, reading: Reading) -> Vec<f64> {
        read(text, reading).expect("the trace is sound").demand
    }

    fn seconds(seconds: u64) -> Reading {
        Reading { step: Some(Duration::from_secs(seconds)), column: None }
    }

    #[test]
    fn a_long_step_is_interpolated_and_a_short_one_averaged() {
        assert_eq!(
            demand("requests\n60\n120\n", Reading::default()),
            [1.0, 1.25, 1.5, 1.75, 2.0, 2.0, 2.0, 2.0]
        );
        let short = format!("{}{}", "10\n".repeat(15), "20\n".repeat(15));
        assert_eq!(demand(&short, seconds(1)), [10.0, 20.0]);
        assert_eq!(demand("100\n200\n300\n", seconds(10)), [40.0 / 3.0, 80.0 / 3.0]);
    }

    #[test]
    fn rows_go_where_their_times_say_and_a_missing_one_is_zero() {
        let text = "minute,requests\n1998-04-30 21:30:00,60\n1998-04-30 21:31:00,60\n\
                    1998-04-30 21:33:00,60\n";
        let trace = read(text, Reading::default()).expect("the trace is sound");
        assert_eq!(trace.begins.as_secs(), 893_971_800);
        assert_eq!(trace.demand.len(), 16);
        assert!((trace.demand[8]).abs() < 1e-12, "the third minute is missing");
        let offset = read("t,n\n1998-04-30T23:30:00+02:00,1\n893971860,1\n", Reading::default());
        assert_eq!(offset.expect("the trace is sound").begins.as_secs(), 893_971_800);
    }

    #[test]
    fn a_column_can_be_named_by_its_number() {
        let reading = Reading { column: Some(2), ..seconds(15) };
        assert_eq!(demand("a,b,c\nx,15,7\nx,30,7\n", reading), [1.0, 2.0]);
    }

    #[test]
    fn a_past_year_ends_just_before_now_at_the_same_time_of_the_week() {
        const DAY: u64 = 86_400_000;
        let text = "t,n\n1998-04-30 21:30:00,60\n1998-04-30 21:31:00,60\n";
        let trace = read(text, Reading::default()).expect("the trace is sound");
        for (now, days) in [(893_971_800_000 + 365 * DAY, 364), (893_971_800_000 - DAY, 7)] {
            let times: Vec<u64> =
                trace.until(UnixTime::from_millis(now)).map(|(at, _)| at.as_millis()).collect();
            assert_eq!(times.len(), 8);
            assert!(times.iter().all(|at| *at < now), "{times:?}");
            assert_eq!(times[0].abs_diff(893_971_800_000), days * DAY);
        }
    }

    #[test]
    fn mistakes_are_located_all_of_them() {
        let text = "requests\n5\nmany\n7\n-1\n";
        let mistakes = read(text, Reading::default()).expect_err("two rows are wrong");
        assert_eq!(mistakes.len(), 2);
        assert_eq!(mistakes[0].to_string(), "line 3: \"many\" is not a count of requests");
        assert_eq!(read("n\n1\n", Reading::default()), Err(vec![Mistake::Empty]));
        let far = "t,n\n1998-04-30 21:30:00,1\n1998-04-30 21:30:01,1\n2020-01-01 00:00:00,1\n";
        assert_eq!(read(far, seconds(1)), Err(vec![Mistake::TooLong]));
        let farther = "t,n\n1975-01-01 00:00:00,1\n2995-01-01 00:00:00,1\n";
        assert_eq!(read(farther, Reading::default()), Err(vec![Mistake::TooLong]));
        let wrong = |rows: &str| {
            let text = format!("t,n\n1998-04-30 21:30:00,1\n{rows}\n");
            read(&text, Reading::default()).expect_err("a row is wrong")[0].to_string()
        };
        for count in ["inf", "NaN", "1e300"] {
            let said = format!("line 3: \"{count}\" is not a count of requests");
            assert_eq!(wrong(&format!("1998-04-30 21:31:00,{count}")), said);
        }
        let time = "1998-04-30 21:31:00+-9223372036854775807:00";
        assert_eq!(wrong(&format!("{time},1")), format!("line 3: \"{time}\" is not a time"));
        assert_eq!(wrong("soon,1"), "line 3: \"soon\" is not a time");
    }
}
