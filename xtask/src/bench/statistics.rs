//! Medians, and ratios taken round by round.

use serde::Serialize;

/// The middle of `values`; between the two middle ones when their number is even.
pub(super) fn median(values: impl IntoIterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    let upper = *values.get(middle)?;
    if values.len() % 2 == 1 {
        return Some(upper);
    }
    Some(f64::midpoint(values[middle - 1], upper))
}

/// How one candidate compares with another, round by round.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Ratio {
    /// With whom.
    pub(super) to: String,
    pub(super) median: f64,
    pub(super) min: f64,
    pub(super) max: f64,
}

impl Ratio {
    /// Of `own` to `others`, values of the same rounds; `None` without a round to compare.
    pub(super) fn of(to: &str, own: &[f64], others: &[f64]) -> Option<Self> {
        let pairs = own.iter().zip(others).filter(|(_, other)| **other > 0.0);
        let ratios: Vec<f64> = pairs.map(|(own, other)| own / other).collect();
        Some(Self {
            to: to.to_owned(),
            median: median(ratios.iter().copied())?,
            min: ratios.iter().copied().reduce(f64::min)?,
            max: ratios.iter().copied().reduce(f64::max)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle() {
        for (values, expected) in [
            (vec![3.0, 1.0, 2.0], Some(2.0)),
            (vec![4.0, 1.0, 2.0, 3.0], Some(2.5)),
            (vec![7.0], Some(7.0)),
            (vec![], None),
        ] {
            assert_eq!(median(values.iter().copied()), expected, "{values:?}");
        }
    }

    #[test]
    fn a_ratio_compares_within_rounds() {
        // The second round was slow for both, which must not show.
        let ratio = Ratio::of("x", &[1.0, 20.0, 3.0], &[2.0, 40.0, 2.0]).expect("three rounds");
        assert_eq!((ratio.median, ratio.min, ratio.max), (0.5, 0.5, 1.5));
        assert_eq!(Ratio::of("x", &[1.0], &[0.0]), None);
    }
}
