//! Requests as a fluid: they flow in, wait in line, first come first served, and flow out.
//!
//! Within a tick both rates are constant, so the line is a broken straight one and each part of the
//! tick is solved exactly, without smaller steps.

/// A request that waits for longer than this, in seconds, has had the promise broken.
pub const PATIENCE: f64 = 0.5;
/// No request is let in that would wait for longer than this, in seconds.
pub const LINE: f64 = 10.0;
/// Parts of a tick: draining to the bound, to patience, to empty, and rest; one to spare.
const PARTS_MAX: usize = 6;

/// Requests that wait.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Queue {
    waiting: f64,
}

/// What became of the requests of one tick.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Passed {
    /// Requests that came.
    pub arrived: f64,
    /// Those of them that waited for longer than [`PATIENCE`], or were not let in.
    pub late: f64,
    /// Those of them that were not let in.
    pub shed: f64,
}

impl Queue {
    /// How many wait.
    #[must_use]
    pub const fn waiting(&self) -> f64 {
        self.waiting
    }

    /// How long the last in line waits, in seconds, where `served` requests leave in a second.
    #[must_use]
    pub fn wait(&self, served: f64) -> f64 {
        if self.waiting <= 0.0 { 0.0 } else { (self.waiting / served).min(LINE) }
    }

    /// Lets `seconds` pass, in each of which `come` requests arrive and `served` can leave.
    pub fn pass(&mut self, seconds: f64, come: f64, served: f64) -> Passed {
        let mut passed = Passed { arrived: come * seconds, ..Passed::default() };
        let mut left = seconds;
        for _ in 0..PARTS_MAX {
            if left <= 0.0 {
                break;
            }
            left -= self.part(left, come, served, &mut passed);
        }
        passed
    }

    /// The first part of the time `left` in which the line keeps its direction, and its length.
    fn part(&mut self, left: f64, come: f64, served: f64, passed: &mut Passed) -> f64 {
        let (patient, full) = (PATIENCE * served, LINE * served);
        if self.waiting > full || (self.waiting >= full && come > served) {
            return self.refuse(left, come, served, passed);
        }
        let slope = come - served;
        let (rest, is_late) = if slope > 0.0 {
            if self.waiting < patient { (patient, false) } else { (full, true) }
        } else if self.waiting > patient {
            (patient, true)
        } else {
            (0.0, false)
        };
        let until = if slope == 0.0 { f64::INFINITY } else { (rest - self.waiting) / slope };
        let length = until.clamp(0.0, left);
        self.waiting = if until <= left { rest } else { self.waiting + slope * length };
        if is_late {
            passed.late += come * length;
        }
        // An empty line stays empty.
        if rest == 0.0 && until <= left { left } else { length }
    }

    /// A line that is too long: nobody joins but in the place of somebody who leaves.
    fn refuse(&mut self, left: f64, come: f64, served: f64, passed: &mut Passed) -> f64 {
        let full = LINE * served;
        let surplus = self.waiting - full;
        let (length, joins) =
            if surplus > 0.0 { ((surplus / served).min(left), 0.0) } else { (left, served) };
        if surplus > 0.0 {
            self.waiting = if length < left { full } else { self.waiting - served * length };
        }
        passed.late += come * length;
        passed.shed += (come - joins).max(0.0) * length;
        length
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(one: f64, other: f64) -> bool {
        (one - other).abs() < 1e-9
    }

    #[test]
    fn a_line_that_grows_makes_late_only_those_who_wait_for_longer_than_patience() {
        let mut queue = Queue::default();
        // 10 a second pile up; patience is 50 in line, reached after 5 seconds.
        let passed = queue.pass(15.0, 110.0, 100.0);
        assert!(near(passed.late, 110.0 * 10.0), "{passed:?}");
        assert!(near(queue.waiting(), 150.0) && near(queue.wait(100.0), 1.5));
        assert!(near(passed.shed, 0.0));
    }

    #[test]
    fn a_line_that_shrinks_is_late_until_it_is_short() {
        let mut queue = Queue { waiting: 150.0 };
        let passed = queue.pass(15.0, 90.0, 100.0);
        assert!(near(passed.late, 900.0), "{passed:?}");
        assert!(near(queue.waiting(), 0.0), "{queue:?}");
    }

    #[test]
    fn nobody_joins_a_line_of_ten_seconds() {
        let mut queue = Queue::default();
        let passed = queue.pass(15.0, 300.0, 100.0);
        // Full after 5 seconds; then two of three are not let in.
        assert!(near(passed.shed, 2000.0), "{passed:?}");
        assert!(near(queue.waiting(), 1000.0));
        let fewer = queue.pass(15.0, 10.0, 50.0);
        assert!(near(fewer.shed, 100.0), "the line is for 500 now: {fewer:?}");
        assert!(near(queue.waiting(), 300.0), "{queue:?}");
    }

    #[test]
    fn without_servers_everybody_is_refused() {
        let mut queue = Queue::default();
        let passed = queue.pass(15.0, 10.0, 0.0);
        assert!(near(passed.shed, 150.0) && near(passed.late, 150.0), "{passed:?}");
        assert!(near(queue.pass(15.0, 0.0, 0.0).late, 0.0));
    }

    #[test]
    fn requests_are_conserved_whatever_the_rates() {
        let mut rng = tidegate_core::rng::Rng::new(1);
        let mut queue = Queue::default();
        for _ in 0..10_000 {
            let (come, served) = (rng.ratio() * 200.0, (rng.ratio() * 8.0).floor() * 25.0);
            let before = queue.waiting();
            let passed = queue.pass(15.0, come, served);
            let left = before + passed.arrived - passed.shed - queue.waiting();
            assert!(left >= -1e-6 && left <= served * 15.0 + 1e-6, "{passed:?} {queue:?}");
            assert!(passed.late >= passed.shed - 1e-9 && passed.late <= passed.arrived + 1e-6);
            assert!(queue.waiting() >= 0.0);
        }
    }
}
