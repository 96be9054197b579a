//! The ratio seasonal-naive model: demand grows by as much as it did at the same time of earlier
//! periods.
//!
//! Of three periods and the bins around the same time in each, the median ratio counts, so that
//! what happened once does not echo.

use super::bins::Series;

/// Periods that are looked back.
const PERIODS: usize = 3;
/// Bins around the same time that are looked at: three, a minute apart.
const AROUND: [isize; 3] = [-4, 0, 4];

/// By what demand will have grown at most `horizon` bins from now, as a logarithm. `grown` holds
/// for each bin how it grew over the horizon before it. `None`: fewer than two periods are known.
#[must_use]
pub fn growth(grown: &Series, period: usize, horizon: usize) -> Option<f64> {
    let mut ratios = [0.0; PERIODS * AROUND.len()];
    let mut count = 0;
    let mut periods = 0;
    for back in 1..=PERIODS {
        // What followed the same time then: it was known a horizon later.
        let Some(ago) = (back * period).checked_sub(horizon) else { continue };
        let known = AROUND.iter().filter_map(|around| grown.back(ago.checked_add_signed(*around)?));
        let before = count;
        for ratio in known {
            ratios[count] = ratio.max(f64::MIN_POSITIVE).ln();
            count += 1;
        }
        periods += usize::from(count > before);
    }
    if periods < 2 {
        return None;
    }
    let known = &mut ratios[..count];
    known.sort_by(f64::total_cmp);
    known.get(count / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_so_in_most_periods_will_be_so_and_what_was_once_will_not() {
        let (period, horizon) = (240, 13);
        let mut grown = Series::default();
        for bin in 0..3 * period {
            let at = bin % period;
            let regular = (100..130).contains(&at);
            let once = bin / period == 1 && (10..60).contains(&at);
            grown.push(Some(if regular {
                2.0
            } else if once {
                8.0
            } else {
                1.0
            }));
        }
        let mut said = Vec::new();
        for _ in 0..period {
            said.push(growth(&grown, period, horizon).expect("three periods are known").exp());
            grown.push(Some(1.0));
        }
        // What is recorded at a bin is said a horizon before it.
        assert!((said[110 - horizon] - 2.0).abs() < 1e-6, "{}", said[110 - horizon]);
        assert!((said[30 - horizon] - 1.0).abs() < 1e-6, "one flash does not echo");
    }

    #[test]
    fn one_period_says_nothing() {
        let mut grown = Series::default();
        for _ in 0..300 {
            grown.push(Some(1.0));
        }
        assert_eq!(growth(&grown, 240, 4), None);
        assert_eq!(growth(&Series::default(), 240, 4), None);
    }
}
