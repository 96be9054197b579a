//! Demand as a curve: how many requests a second are due at any time, and when each one is.
//!
//! The curve is made of straight pieces. Within one, the requests due after `t` seconds are
//! `from·t + slope·t²/2`; that is solved for `t` to tell when a request is due.

use tidegate_core::time::Duration;

use super::script::{QUIET, RUSH, Script};

/// Demand over the time of the demo.
#[derive(Clone, Debug)]
pub(super) struct Traffic(Vec<Piece>);

/// A stretch in which the rate changes evenly.
#[derive(Clone, Copy, Debug)]
struct Piece {
    /// In seconds.
    begin: f64,
    length: f64,
    /// Requests a second when it begins, and when it ends.
    from: f64,
    to: f64,
    /// Requests that were due before.
    before: f64,
}

impl Traffic {
    /// Few customers, ten times as many during the promotion, and few again.
    pub(super) fn new(script: &Script) -> Self {
        let Script { duration, surge, calm, change, .. } = *script;
        let (quiet, rush) = (f64::from(QUIET), f64::from(RUSH));
        Self::through(&[
            (Duration::ZERO, quiet),
            (surge, quiet),
            (surge + change, rush),
            (calm, rush),
            (calm + change, quiet),
            (duration, quiet),
        ])
    }

    /// The curve through these points, in the order of time.
    fn through(points: &[(Duration, f64)]) -> Self {
        let mut before = 0.0;
        let pieces = points.windows(2).filter_map(|ends| {
            let [(begin, from), (end, to)] = *ends else { return None };
            let length = (end - begin).as_secs_f64();
            let piece = Piece { begin: begin.as_secs_f64(), length, from, to, before };
            before += length * (from + to) / 2.0;
            Some(piece)
        });
        Self(pieces.collect())
    }

    /// Requests of the whole curve.
    pub(super) fn total(&self) -> u64 {
        // The sum of a demo is far below what a float holds exactly; a cast saturates.
        self.0.last().map_or(0, |last| (last.before + last.count()).round() as u64)
    }

    /// When a request is due; `None`: it is beyond the end.
    pub(super) fn due(&self, number: u64) -> Option<Duration> {
        let number = number as f64;
        let later = self.0.iter().find(|piece| number < piece.before + piece.count())?;
        Some(Duration::from_secs_f64(later.begin + later.after(number - later.before)))
    }

    /// Requests a second at a time; none after the end.
    pub(super) fn rate(&self, at: Duration) -> f64 {
        let at = at.as_secs_f64();
        let piece = self.0.iter().find(|piece| at < piece.begin + piece.length);
        piece.map_or(0.0, |piece| piece.from + piece.slope() * (at - piece.begin))
    }
}

impl Piece {
    fn count(&self) -> f64 {
        self.length * (self.from + self.to) / 2.0
    }

    fn slope(&self) -> f64 {
        (self.to - self.from) / self.length
    }

    /// After how many seconds so many requests have been due. The form of the solution that
    /// divides by no slope: one may be zero.
    fn after(&self, count: f64) -> f64 {
        let root = (self.from * self.from + 2.0 * self.slope() * count).max(0.0).sqrt();
        2.0 * count / (self.from + root)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn traffic() -> Traffic {
        Traffic::new(&Script::new(Duration::from_secs(20)))
    }

    #[test]
    fn requests_are_due_in_order_and_none_beyond_the_end() {
        let traffic = traffic();
        let total = traffic.total();
        let due: Vec<Duration> = (0..total).filter_map(|number| traffic.due(number)).collect();
        assert_eq!(due.len() as u64, total);
        assert!(due.is_sorted() && due.last() < Some(&Duration::from_secs(20)));
        assert_eq!((due[0], traffic.due(total)), (Duration::ZERO, None));
    }

    #[test]
    fn as_many_are_due_in_each_second_as_the_rate_says() {
        let traffic = traffic();
        for second in 0..20_u64 {
            let due = (0..traffic.total()).filter_map(|number| traffic.due(number));
            let count = due.filter(|due| due.as_secs() == second).count() as f64;
            let millis = second * 1000..(second + 1) * 1000;
            let rates = millis.map(|millis| traffic.rate(Duration::from_millis(millis)));
            let mean = rates.sum::<f64>() / 1000.0;
            assert!((count - mean).abs() <= 2.0, "{count} in second {second}, not {mean}");
        }
    }

    #[test]
    fn the_rush_is_ten_times_the_quiet() {
        let script = Script::new(Duration::from_secs(60));
        let traffic = Traffic::new(&script);
        assert!((traffic.rate(script.crash) / traffic.rate(Duration::ZERO) - 10.0).abs() < 1e-9);
        assert!((traffic.rate(script.duration - script.change) - f64::from(QUIET)).abs() < 1e-9);
        assert!(traffic.rate(script.duration).abs() < 1e-9);
    }
}
