//! Finds a period in past demand: by autocorrelation at what people live by, and at the strongest
//! wave between half an hour and two days.
//!
//! It works on the logarithm of demand in steps of five minutes with the slow part taken away, so
//! that growth over weeks is no period.

use super::bins::{DAY, HOUR, Series, WEEK};

/// Bins of a step.
const STEP: usize = 20;
/// Steps that are looked at: four days, for waves.
const STEPS: usize = 4 * DAY / STEP;
/// A correlation below this is none.
const CORRELATION_MIN: f64 = 0.3;
/// A sum of squares below this is a flat line and the noise of the arithmetic.
const FLAT: f64 = 1e-6;
/// Waves that are tried, as waves in the whole.
const WAVES: std::ops::Range<usize> = 2..192;

/// A period, in bins, that demand has besides the hour, the day and the week; `None`: no other is
/// strong.
#[must_use]
pub fn find(past: &Series) -> Option<usize> {
    let steps = steps(past)?;
    let power = |wave: usize| {
        let turn = std::f64::consts::TAU * wave as f64 / steps.len() as f64;
        // Goertzel's recurrence.
        let twice = 2.0 * turn.cos();
        let (mut one, mut two) = (0.0, 0.0);
        for value in &steps {
            (one, two) = (value + twice * one - two, one);
        }
        one * one + two * two - twice * one * two
    };
    let powers = WAVES.map(|wave| (wave, power(wave)));
    let (wave, _) = powers.max_by(|one, other| one.1.total_cmp(&other.1))?;
    let period = (steps.len() as f64 / wave as f64).round() as usize;
    let known = [HOUR, DAY, WEEK].map(|bins| bins / STEP);
    let is_new = period > 0 && !known.contains(&period);
    (is_new && correlation(&steps, period) >= CORRELATION_MIN).then_some(period * STEP)
}

/// How alike demand is to itself so many bins before: −1 to 1; 0 where too little is known.
#[must_use]
pub fn likeness(past: &Series, period: usize) -> f64 {
    steps(past).map_or(0.0, |steps| correlation(&steps, period / STEP))
}

/// The last four days in steps, as logarithms around their own mean; `None`: they are not known.
fn steps(past: &Series) -> Option<Vec<f64>> {
    if past.len() < STEPS * STEP {
        return None;
    }
    let mut last = 1.0;
    let mut steps = Vec::with_capacity(STEPS);
    for step in (0..STEPS).rev() {
        let known = (0..STEP).filter_map(|bin| past.back(step * STEP + bin));
        let (sum, count) = known.fold((0.0, 0.0), |(sum, n), value| (sum + value, n + 1.0));
        if count > 0.0 {
            last = (sum / count).max(1e-6);
        }
        steps.push(f64::ln(last));
    }
    let mean = steps.iter().sum::<f64>() / steps.len() as f64;
    for step in &mut steps {
        *step -= mean;
    }
    Some(steps)
}

fn correlation(steps: &[f64], lag: usize) -> f64 {
    let all: f64 = steps.iter().map(|value| value * value).sum();
    if lag == 0 || lag * 2 > steps.len() || all <= FLAT {
        return 0.0;
    }
    let pairs = steps.iter().zip(&steps[lag..]);
    let both: f64 = pairs.map(|(one, other)| one * other).sum();
    both / all * steps.len() as f64 / (steps.len() - lag) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wave(period: usize) -> Series {
        let mut past = Series::default();
        for bin in 0..5 * DAY {
            let turn = std::f64::consts::TAU * bin as f64 / period as f64;
            past.push(Some(100.0 + 50.0 * turn.sin()));
        }
        past
    }

    #[test]
    fn a_period_of_its_own_is_found_and_a_day_is_known_anyway() {
        let found = find(&wave(480)).expect("two hours");
        assert!(found.abs_diff(480) <= 20, "{found}");
        assert_eq!(find(&wave(DAY)), None);
        assert!(likeness(&wave(DAY), DAY) > 0.9 && likeness(&wave(DAY), DAY / 2) < 0.0);
    }

    #[test]
    fn short_or_flat_or_empty_has_none() {
        let mut flat = Series::default();
        assert_eq!(find(&flat), None);
        for _ in 0..5 * DAY {
            flat.push(Some(0.0));
        }
        assert_eq!(find(&flat), None);
        assert!(likeness(&flat, DAY).abs() < 1e-9);
    }
}
