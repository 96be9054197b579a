//! Due dates and pauses, and years of renewals with an authority that has its moods.

use super::*;
use crate::rng::Rng;

const DAY: u64 = 86_400;

fn at(seconds: u64) -> UnixTime {
    UnixTime::from_millis(seconds * 1000)
}

fn valid(from: u64, days: u64) -> Validity {
    Validity { not_before: at(from), not_after: at(from + days * DAY) }
}

/// The seconds until it is due after a failure at `now`.
fn pause(renewal: &mut Renewal, failure: Failure, now: u64) -> u64 {
    let _ = renewal.handle_timeout(at(now));
    renewal.handle_failure(failure, None, at(now));
    renewal.poll_timeout().expect("nothing is out").as_secs() - now
}

#[test]
fn what_is_not_there_is_due_at_once_and_asked_for_once() {
    let mut renewal = Renewal::new(1);
    assert_eq!(renewal.handle_timeout(at(5)), Some(Output::Order));
    assert_eq!(renewal.handle_timeout(at(50_000)), None, "the order is out");
    assert_eq!(renewal.poll_timeout(), None);
}

#[test]
fn what_is_there_is_due_before_a_third_is_left() {
    for seed in 0..1000 {
        let mut renewal = Renewal::new(seed);
        renewal.handle_held(valid(1000, 90));
        let due = renewal.poll_timeout().expect("it is due some day").as_secs() - 1000;
        assert!((57 * DAY..=60 * DAY).contains(&due), "{due}");
        let again = renewal.clone();
        renewal.handle_held(valid(1000, 90));
        assert_eq!(renewal.poll_timeout(), again.poll_timeout(), "it is the same one");
    }
}

#[test]
fn certificates_that_came_together_are_renewed_apart() {
    let dues = (0..100).map(|seed| {
        let mut renewal = Renewal::new(seed);
        renewal.handle_held(valid(0, 90));
        renewal.poll_timeout().expect("it is due some day").as_secs() / 3600
    });
    let hours: std::collections::BTreeSet<u64> = dues.collect();
    assert!(hours.len() > 40, "{hours:?}");
}

#[test]
fn odd_certificates_are_due_at_some_time_all_the_same() {
    for (from, until) in [(10, 10), (20, 10), (0, u64::MAX / 1000), (5, 6)] {
        let mut renewal = Renewal::new(3);
        renewal.handle_held(Validity { not_before: at(from), not_after: at(until) });
        let due = renewal.poll_timeout().expect("it is due some day");
        assert!(due <= at(until).max(at(from)));
    }
}

#[test]
fn pauses_double_up_to_a_bound() {
    for (failure, first, longest) in
        [(Failure::Unreached, 5, 3600), (Failure::Refused, 300, 43_200)]
    {
        let mut renewal = Renewal::new(7);
        let mut meant = first;
        for now in (0..40).map(|nth| nth * 100 * DAY) {
            let pause = pause(&mut renewal, failure, now);
            assert!((meant..=meant + meant / 4 + 1).contains(&pause), "{failure:?} {pause}");
            meant = (meant * 2).min(longest);
        }
    }
}

#[test]
fn an_authority_that_says_when_is_not_asked_before() {
    let mut renewal = Renewal::new(7);
    for (asked, least, most) in [(3600, 3600, 3600), (1, 300, 1000), (100 * DAY, 7 * DAY, 7 * DAY)]
    {
        let _ = renewal.handle_timeout(at(0));
        renewal.handle_failure(Failure::Refused, Some(Duration::from_secs(asked)), at(0));
        let due = renewal.poll_timeout().expect("nothing is out").as_secs();
        assert!((least..=most).contains(&due), "{asked}: {due}");
    }
}

#[test]
fn a_success_ends_the_pauses() {
    let mut renewal = Renewal::new(7);
    for nth in 0..9 {
        pause(&mut renewal, Failure::Refused, nth * DAY);
    }
    renewal.handle_held(valid(9 * DAY, 90));
    assert_eq!(renewal.failures(), 0);
    assert!(pause(&mut renewal, Failure::Refused, 80 * DAY) < 400);
}

#[test]
fn a_clock_that_is_set_back_makes_no_pause_longer() {
    let mut renewal = Renewal::new(7);
    pause(&mut renewal, Failure::Refused, 1000 * DAY);
    assert_eq!(renewal.handle_timeout(at(1000 * DAY + 10)), None);
    assert_eq!(renewal.handle_timeout(at(900 * DAY)), Some(Output::Order));
}

#[test]
fn what_somebody_else_is_at_is_looked_at_again() {
    let mut renewal = Renewal::new(7);
    assert_eq!(renewal.handle_timeout(at(0)), Some(Output::Order));
    renewal.handle_taken(at(0));
    assert_eq!(renewal.handle_timeout(at(1)), None);
    assert_eq!(renewal.handle_timeout(at(11)), Some(Output::Order));
    renewal.handle_taken(at(11));
    renewal.handle_held(valid(0, 90));
    assert_eq!(renewal.handle_timeout(at(DAY)), None, "somebody else had it made");
}

/// Ten years with an authority that fails half the time, away for a week now and then: there is
/// always a certificate, and the authority is asked no more than it likes.
#[test]
fn for_years_there_is_a_certificate_and_few_are_asked_for() {
    for seed in 0..20 {
        let (mut rng, mut renewal) = (Rng::new(seed), Renewal::new(seed));
        let (mut now, mut held) = (0, None::<Validity>);
        let (mut issued, mut asked) = (0, Vec::new());
        while now < 3650 * DAY {
            now = now.max(renewal.poll_timeout().expect("nothing is out").as_secs() + 1);
            assert_eq!(renewal.handle_timeout(at(now)), Some(Output::Order));
            assert!(held.is_none_or(|held| held.not_after > at(now)), "it has expired");
            asked.push(now);
            let away = (now / (7 * DAY)).is_multiple_of(5);
            match rng.below(4) {
                _ if away => renewal.handle_failure(Failure::Unreached, None, at(now)),
                0 => renewal.handle_failure(Failure::Unreached, None, at(now)),
                1 => renewal.handle_failure(Failure::Refused, None, at(now)),
                _ => {
                    issued += 1;
                    held = Some(valid(now, 90));
                    renewal.handle_held(valid(now, 90));
                }
            }
        }
        assert!((58..=66).contains(&issued), "{issued}");
        let crowded = asked.windows(17).filter(|orders| orders[16] - orders[0] < 3600).count();
        assert_eq!(crowded, 0, "seventeen orders within an hour");
    }
}
