//! Durations: a whole number and a unit, `500ms`, `5s`, `1m`, `1h`.

use super::fault::{Fault, Format};
use crate::time::Duration;

/// Longest duration: a year. Longer ones are slips of the unit, and sums of shorter ones cannot
/// overflow.
const DURATION_MAX: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// A duration that may be zero.
pub(crate) static DURATION: Format = Format {
    name: "a duration",
    expected: "a duration, such as \"500ms\", \"5s\", \"1m\" or \"1h\"",
    example: "5s",
    pattern: Some("^[0-9]+(ms|s|m|h)$"),
    unit: Some("s"),
    check: |text| duration(text).map(drop),
};

/// A duration of a millisecond or more.
pub(crate) static WAIT: Format = Format {
    name: "a duration above zero",
    expected: "a duration above zero, such as \"500ms\", \"5s\", \"1m\" or \"1h\"",
    example: "5s",
    pattern: Some("^[0-9]+(ms|s|m|h)$"),
    unit: Some("s"),
    check: |text| wait(text).map(drop),
};

/// A time that others are told to remember something for, in whole seconds.
pub(crate) static AGE: Format = Format {
    name: "a time to remember",
    expected: "a time in whole seconds, such as \"30s\", \"1h\", \"30d\" or \"2y\"",
    example: "1h",
    pattern: Some("^[0-9]+(s|m|h|d|y)$"),
    unit: Some("s"),
    check: |text| age(text).map(drop),
};

/// Longest time to remember.
const AGE_MAX: Duration = Duration::from_secs(10 * 365 * 24 * 60 * 60);

/// Reads a duration, as the configuration writes it; `None` if it is none or longer than a year.
#[must_use]
pub fn parse(text: &str) -> Option<Duration> {
    duration(text).ok()
}

/// Writes a duration in the largest unit that holds it exactly; below a millisecond it is cut off.
///
/// Reading the text gives the duration again, if it is whole milliseconds and at most a year.
#[must_use]
pub fn print(duration: Duration) -> String {
    let millis = duration.as_millis();
    match millis {
        0 => "0s".to_owned(),
        _ if millis.is_multiple_of(3_600_000) => format!("{}h", millis / 3_600_000),
        _ if millis.is_multiple_of(60_000) => format!("{}m", millis / 60_000),
        _ if millis.is_multiple_of(1000) => format!("{}s", millis / 1000),
        _ => format!("{millis}ms"),
    }
}

pub(crate) fn duration(text: &str) -> Result<Duration, Fault> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    if number.is_empty() {
        return Err(Fault::default());
    }
    let millis = match unit {
        "ms" => 1,
        "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        unit => return Err(Fault::default().nearest(respell(number, unit))),
    };
    let millis = number.parse::<u64>().ok().and_then(|number| number.checked_mul(millis));
    let duration = millis.map(Duration::from_millis).filter(|d| *d <= DURATION_MAX);
    duration.ok_or_else(|| Fault::because(format!("\"{text}\" is longer than a year")))
}

pub(crate) fn wait(text: &str) -> Result<Duration, Fault> {
    let duration = duration(text)?;
    if duration.is_zero() { Err(Fault::default()) } else { Ok(duration) }
}

/// A year is 365 days, as those who are told count seconds alone.
pub(crate) fn age(text: &str) -> Result<Duration, Fault> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 24 * 3600,
        "y" => 365 * 24 * 3600,
        _ => return Err(Fault::default()),
    };
    let number = number.parse::<u64>().map_err(|_| Fault::default())?;
    let age = number.checked_mul(seconds).map(Duration::from_secs).filter(|age| *age <= AGE_MAX);
    age.ok_or_else(|| Fault::because(format!("\"{text}\" is longer than ten years")))
}

/// The same duration with the unit spelled as here.
fn respell(number: &str, unit: &str) -> Option<String> {
    let unit = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "s" | "sec" | "secs" | "second" | "seconds" => "s",
        "ms" | "msec" | "millis" | "milliseconds" => "ms",
        "m" | "min" | "mins" | "minute" | "minutes" => "m",
        "h" | "hr" | "hour" | "hours" => "h",
        "d" | "day" | "days" => {
            return Some(format!("{}h", number.parse::<u16>().map(u32::from).ok()? * 24));
        }
        _ => return None,
    };
    Some(format!("{number}{unit}"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn durations_are_a_number_and_a_unit() {
        for (text, millis) in
            [("0s", 0), ("500ms", 500), ("5s", 5000), ("1m", 60_000), ("8760h", 31_536_000_000)]
        {
            assert_eq!(parse(text), Some(Duration::from_millis(millis)), "{text}");
        }
        for text in ["", "5", "s", "1.5s", "-1s", "5 s", "8761h", "99999999999999999999s", "1d"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_time_to_remember_may_be_years() {
        for (text, seconds) in [("0s", 0), ("1h", 3600), ("30d", 2_592_000), ("2y", 63_072_000)] {
            assert_eq!(age(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for text in ["", "2", "y", "1.5y", "500ms", "11y", "99999999999999999999y"] {
            assert!(age(text).is_err(), "{text}");
        }
    }

    #[test]
    fn units_of_other_programs_are_respelled() {
        for (text, nearest) in [("5", "5s"), ("5sec", "5s"), ("2 minutes", "2m"), ("1d", "24h")] {
            assert_eq!(duration(text).expect_err(text).nearest.as_deref(), Some(nearest));
        }
    }

    proptest! {
        #[test]
        fn what_is_printed_reads_back(millis in 0u64..=31_536_000_000) {
            let duration = Duration::from_millis(millis);
            prop_assert_eq!(parse(&print(duration)), Some(duration));
        }
    }
}
