//! What a step waits for, and that it waits for nothing else.

use super::super::capacity::Capacity;
use super::super::input::{Hold, Look};
use super::super::verdict::{Outcome, Verdict};
use super::play::{HOUR, MINUTE, Play, blue_green, canary, of, smoke};
use crate::model::rollout::{Rollout, Strategy};
use crate::time::Duration;

#[test]
fn a_step_waits_while_something_stands_in_its_way_and_goes_on_when_it_is_gone() {
    let with = |change: &dyn Fn(&mut Look)| {
        let mut look = Play::new(canary()).look;
        change(&mut look);
        look
    };
    let held = |hold: Hold| with(&move |look| look.held = vec![hold.clone()]);
    let hold = |why: &str| Verdict::plain(Outcome::Hold(why.to_owned()));
    let room = |capacity| with(&move |look| look.capacity.candidate = capacity);
    let cases = [
        (with(&|look| look.verdict = Some(hold("12 of 200 requests"))), "verdict"),
        (with(&|look| look.verdict = None), "verdict"),
        (room(of(0.24, 2.0)), "capacity"),
        (room(of(f64::NAN, f64::NAN)), "capacity"),
        (room(Capacity::Unknown), "measure"),
        (held(Hold::Sale("sale".to_owned())), "sale"),
        (held(Hold::Emergency("shop".to_owned())), "emergency"),
        (held(Hold::Frozen("by kim until noon".to_owned())), "frozen"),
    ];
    for (look, what) in cases {
        let mut play = Play::at(10.0, canary());
        let well = std::mem::replace(&mut play.look, look);
        play.wait(3 * HOUR);
        assert_eq!((play.percent(), play.waits()), (10.0, vec![what.to_owned()]));
        assert_eq!(play.troubles(), 0, "to wait is no failure");
        let told = play.events.iter().filter(|event| event.to_string().contains("waits")).count();
        assert_eq!(told, 1, "{what} is told once");
        play.look = well;
        play.wait(1);
        assert_eq!(play.percent(), 25.0, "{what} is gone");
    }
}

#[test]
fn a_ceiling_holds_only_a_step_that_needs_more() {
    let mut play = Play::at(10.0, canary());
    play.look.held = vec![Hold::Ceiling(80)];
    play.wait(16 * MINUTE);
    assert_eq!(play.percent(), 25.0);
    play.room(of(1.0, 1.0), of(0.3, 2.0));
    play.wait(HOUR);
    assert_eq!((play.percent(), play.waits()), (25.0, vec!["capacity".to_owned()]));
    let why = &play.machine.view(play.moment()).waits[0].why;
    assert!(why.ends_with("max_total allows 80 instances"), "{why}");
    assert_eq!(play.pledged(), (1.0, 0.5), "it wants them all the same, when stable leaves some");
}

#[test]
fn a_switch_waits_for_as_much_as_stable_has() {
    // What both have, and whether the switch is made.
    let cases = [
        (of(1.0, 1.0), of(0.99, 2.0), false),
        (of(1.0, 1.0), of(1.0, 1.0), true),
        (of(0.5, 0.5), of(0.6, 0.6), false),
        (of(3.0, 3.0), of(2.0, 4.0), false),
        (of(3.0, 3.0), of(3.0, 4.0), true),
        (Capacity::Vouched, Capacity::Vouched, true),
        (Capacity::Unknown, of(1.0, 1.0), true),
        (of(1.0, 1.0), Capacity::Unknown, false),
    ];
    for (stable, candidate, is_made) in cases {
        let mut play = Play::started(blue_green());
        play.room(stable, candidate);
        play.wait(MINUTE);
        assert_eq!(play.percent() == 100.0, is_made, "{stable:?} {candidate:?}");
        assert!(is_made || play.percent() == 0.0, "all or nobody");
    }
}

#[test]
fn smoke_checks_are_made_when_nothing_else_is_missing() {
    let mut play = Play::started(Rollout { smoke: smoke(), ..canary() });
    play.room(of(1.0, 1.0), of(0.0, 1.0));
    play.wait(HOUR);
    assert_eq!((play.smokes, play.waits()), (0, vec!["capacity".to_owned(), "smoke".to_owned()]));
    play.hold(Some(Hold::Sale("sale".to_owned())));
    play.room(of(1.0, 1.0), of(0.01, 1.0));
    play.wait(HOUR);
    assert_eq!((play.smokes, play.percent()), (0, 0.0));
    play.hold(None);
    assert_eq!((play.smokes, play.percent()), (1, 1.0));
}

#[test]
fn without_an_analysis_time_alone_takes_the_steps() {
    let mut play = Play::at(1.0, Rollout { analysis: None, ..canary() });
    play.judge(super::play::breach("nobody asked"));
    play.wait(15 * MINUTE);
    assert_eq!(play.percent(), 5.0);
}

#[test]
fn what_was_seen_long_ago_moves_nothing() {
    let mut play = Play::at(1.0, canary());
    play.now = play.now + Duration::from_secs(HOUR);
    play.machine.handle_timeout(play.moment());
    assert_eq!(play.waits(), ["look", "verdict"]);
    assert_eq!(play.machine.share().as_percent(), 1.0);
    play.wait(1);
    assert_eq!(play.percent(), 5.0);
}

#[test]
fn what_is_said_of_one_share_says_nothing_of_the_next() {
    let steps = canary().strategy.steps().to_vec();
    let strategy = Strategy::Canary { steps, hold: Duration::ZERO };
    let mut play = Play::started(Rollout { strategy, ..canary() });
    for percent in [1.0, 5.0, 10.0] {
        play.see();
        assert_eq!(play.percent(), percent, "one look, one step");
    }
}

#[test]
fn a_bake_ends_by_time_and_with_a_good_word() {
    let mut play = Play::at(100.0, canary());
    play.look.verdict = Some(Verdict::plain(Outcome::Hold("no traffic".to_owned())));
    play.wait(2 * HOUR);
    assert_eq!((play.phase(), play.waits()), ("baking", vec!["verdict".to_owned()]));
    play.look.verdict = Some(Verdict::plain(Outcome::Pass));
    play.wait(1);
    assert_eq!(play.phase(), "keeping");
}

#[test]
fn the_clock_is_asked_for_no_more_than_there_is_to_do() {
    let mut play = Play::started(Rollout { smoke: smoke(), ..canary() });
    for _ in 0..2 * HOUR * 25 {
        if let Some(at) = play.machine.poll_timeout() {
            assert!(at > play.now, "{} {at:?}", play.phase());
        }
        play.wait(1);
        if play.phase() == "done" {
            assert_eq!(play.machine.poll_timeout(), None);
            return;
        }
    }
    panic!("it comes to an end");
}
