//! How long requests wait, and how many servers keep that short.
//!
//! Arrivals are taken as Poisson, service times as what was measured of them: the wait in M/M/c
//! (Erlang, 1917) times `(1 + CV²) / 2` (Allen, Cunneen: "Probability, statistics, and queueing
//! theory", 1990). A slot is whatever works on one request at a time: a server with sixteen threads
//! is sixteen slots. All functions are total: what makes no sense is an empty or a lost system,
//! never NaN.

/// Loads beyond this are sized without the recursion: by then the noise of single requests is far
/// below one percent of the slots.
const LOAD_MAX: f64 = 1e6;

/// What comes to the slots, and how it is worked on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Work {
    /// Slots that are busy on average: arrivals a second times seconds of service.
    pub load: f64,
    /// Seconds of service.
    pub service: f64,
    /// Variance of the service time over its squared mean.
    pub variation: f64,
}

/// What is wanted: at most this share of the requests waits for longer than so many seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Wanted {
    /// Seconds.
    pub wait: f64,
    /// Between 0 and 1.
    pub share: f64,
}

/// The share of requests that find all `slots` busy and are lost, where none may wait: Erlang B.
#[must_use]
pub fn erlang_b(slots: u32, load: f64) -> f64 {
    let load = sane(load);
    (1..=slots).fold(1.0, |lost, slot| {
        let offered = load * lost;
        offered / (f64::from(slot) + offered)
    })
}

/// The share of requests that have to wait: Erlang C.
#[must_use]
pub fn erlang_c(slots: u32, load: f64) -> f64 {
    waits(slots, load, erlang_b(slots, load))
}

/// Erlang C from Erlang B.
fn waits(slots: u32, load: f64, lost: f64) -> f64 {
    let busy = sane(load) / f64::from(slots);
    if busy < 1.0 { lost / (1.0 - busy * (1.0 - lost)) } else { 1.0 }
}

/// The share of requests that wait for longer than `seconds`.
#[must_use]
pub fn late(slots: u32, work: Work, seconds: f64) -> f64 {
    tail(slots, work, seconds, erlang_b(slots, work.load))
}

fn tail(slots: u32, work: Work, seconds: f64, lost: f64) -> f64 {
    let spare = f64::from(slots) - sane(work.load);
    if spare <= 0.0 {
        return 1.0;
    }
    let mean = work.service * stretch(work.variation) / spare;
    let waits = waits(slots, work.load, lost);
    if seconds <= 0.0 || mean <= 0.0 { waits } else { waits * (-seconds / mean).exp() }
}

/// The fewest slots that keep what is wanted.
#[must_use]
pub fn slots_for(work: Work, wanted: Wanted) -> u32 {
    let load = sane(work.load);
    if load == 0.0 {
        return 0;
    }
    if load > LOAD_MAX {
        // Saturates. Square-root staffing (Halfin, Whitt, 1981).
        return (load + 3.0 * load.sqrt()).ceil() as u32;
    }
    let mut lost = 1.0;
    let mut slots = 0_u32;
    loop {
        slots += 1;
        let offered = load * lost;
        lost = offered / (f64::from(slots) + offered);
        let enough = f64::from(slots) > load
            && tail(slots, Work { load, ..work }, wanted.wait, lost) <= wanted.share.max(1e-9);
        // Twelve standard deviations: nothing waits then, whatever the arithmetic says.
        if enough || f64::from(slots) > load + 12.0 * load.sqrt() + 12.0 {
            return slots;
        }
    }
}

/// By how much the wait is longer than with exponential service times.
fn stretch(variation: f64) -> f64 {
    (1.0 + sane(variation)) / 2.0
}

/// No number, and a negative one, is none.
fn sane(value: f64) -> f64 {
    if value > 0.0 { value } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const EXPONENTIAL: Work = Work { load: 0.0, service: 1.0, variation: 1.0 };

    #[test]
    fn erlang_b_and_c_are_those_of_the_tables() {
        for (slots, load, lost, waits) in [
            (1, 0.5, 1.0 / 3.0, 0.5),
            (2, 1.0, 0.2, 1.0 / 3.0),
            (5, 3.0, 0.110_1, 0.236_2),
            (10, 5.0, 0.018_4, 0.036_1),
            (100, 84.1, 0.010_0, 0.059_8),
        ] {
            assert!((erlang_b(slots, load) - lost).abs() < 1e-4, "B({slots}, {load})");
            assert!((erlang_c(slots, load) - waits).abs() < 1e-3, "C({slots}, {load})");
        }
    }

    #[test]
    fn slots_for_a_wait_of_one_service_time_in_a_hundred() {
        let wanted = Wanted { wait: 1.0, share: 0.01 };
        for (load, slots) in [(1.0, 4), (3.5, 7), (10.0, 14), (50.0, 54), (100.0, 105)] {
            assert_eq!(slots_for(Work { load, ..EXPONENTIAL }, wanted), slots, "load {load}");
        }
        let wanted = Wanted { wait: 0.0, share: 0.1 };
        for (load, slots) in [(1.0, 3), (10.0, 16), (50.0, 61), (100.0, 115), (1000.0, 1046)] {
            let got = slots_for(Work { load, ..EXPONENTIAL }, wanted);
            assert!(got.abs_diff(slots) <= 1, "load {load}: {got} slots");
        }
    }

    #[test]
    fn what_makes_no_sense_is_nothing() {
        let wanted = Wanted { wait: 1.0, share: 0.01 };
        for load in [f64::NAN, -1.0, 0.0] {
            assert_eq!(slots_for(Work { load, ..EXPONENTIAL }, wanted), 0);
        }
        assert_eq!(slots_for(Work { load: f64::INFINITY, ..EXPONENTIAL }, wanted), u32::MAX);
        assert!((late(0, Work { load: 1.0, ..EXPONENTIAL }, 1.0) - 1.0).abs() < 1e-12);
    }

    proptest! {
        #[test]
        fn more_load_never_takes_fewer_slots(
            load in 0.01..5000.0, more in 0.0..500.0, wait in 0.0..5.0, share in 0.0001..0.5,
            variation in 0.0..20.0,
        ) {
            let wanted = Wanted { wait, share };
            let work = Work { load, service: 1.0, variation };
            let slots = slots_for(work, wanted);
            prop_assert!(f64::from(slots) > load);
            let grown = slots_for(Work { load: load + more, ..work }, wanted);
            prop_assert!(grown >= slots, "{grown} < {slots}");
        }

        #[test]
        fn a_share_is_between_none_and_all(
            slots in 0_u32..6000, load in 0.0..6000.0, seconds in 0.0..100.0,
        ) {
            let late = late(slots, Work { load, ..EXPONENTIAL }, seconds);
            prop_assert!((0.0..=1.0).contains(&late), "{late}");
        }
    }
}
