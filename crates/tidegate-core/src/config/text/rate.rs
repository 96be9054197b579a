//! Rates of requests: a number and `/s`, `/m` or `/h`.

use super::fault::{Fault, Format};

/// A rate above zero.
pub(crate) static RATE: Format = Format {
    name: "a rate",
    expected: "a rate above zero, such as \"60000/s\"",
    example: "60000/s",
    pattern: Some(r"^[0-9]+(\.[0-9]+)?/(s|m|h)$"),
    unit: Some("/s"),
    check: |text| rate(text).map(drop),
};

/// The largest rate, per second.
const RATE_MAX: f64 = 1e9;

/// Requests a second.
pub(crate) fn rate(text: &str) -> Result<f64, Fault> {
    let Some((number, unit)) = text.split_once('/') else {
        let bare = number(text).is_some();
        return Err(Fault::default().nearest(bare.then(|| format!("{text}/s"))));
    };
    let seconds = match unit {
        "s" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        _ => return Err(Fault::default()),
    };
    let rate = self::number(number).map(|number| number / seconds);
    rate.filter(|rate| (f64::MIN_POSITIVE..=RATE_MAX).contains(rate)).ok_or_else(Fault::default)
}

/// Digits, with a point between them if need be.
fn number(text: &str) -> Option<f64> {
    let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if digits(whole) && digits(part) { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_a_number_and_a_unit() {
        for (text, per_second) in [("60000/s", 60_000.0), ("90/m", 1.5), ("1.5/s", 1.5)] {
            assert_eq!(rate(text), Ok(per_second), "{text}");
        }
        for text in ["", "/s", "0/s", "-1/s", "1/d", "1e3/s", "inf/s", "1./s", "9999999999/s"] {
            assert!(rate(text).is_err(), "{text}");
        }
        assert_eq!(rate("60").expect_err("no unit").nearest.as_deref(), Some("60/s"));
    }
}
