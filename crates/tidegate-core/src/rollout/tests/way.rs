//! The way of a run when all is well.

use super::super::command::{Command, Reach};
use super::play::{HOUR, MINUTE, Play, blue_green, canary, smoke};

#[test]
fn a_good_candidate_takes_over_step_by_step() {
    let mut play = Play::new(canary());
    play.wait(HOUR);
    assert_eq!((play.phase(), play.percent(), play.writes), ("idle", 0.0, 0));
    play.order(Command::Start).expect("nothing runs");
    for step in [1.0, 5.0, 10.0, 25.0, 50.0] {
        assert_eq!((play.phase(), play.percent()), ("stepping", step));
        play.wait(15 * MINUTE - 1);
        assert_eq!(play.percent(), step, "the hold is not over");
        play.wait(1);
    }
    assert_eq!((play.phase(), play.percent()), ("baking", 100.0));
    play.wait(HOUR);
    assert_eq!((play.phase(), play.percent()), ("keeping", 100.0));
    play.wait(24 * HOUR);
    assert_eq!((play.phase(), play.percent()), ("done", 100.0));
    assert_eq!(play.troubles(), 0);
}

#[test]
fn a_switch_is_one_step_after_the_smoke_checks() {
    let definition = crate::model::rollout::Rollout { smoke: smoke(), ..blue_green() };
    let mut play = Play::started(definition);
    assert_eq!((play.phase(), play.percent(), play.smokes), ("preparing", 0.0, 0));
    play.wait(1);
    assert_eq!((play.phase(), play.percent(), play.smokes), ("baking", 100.0, 1));
    play.wait(HOUR + 24 * HOUR + 1);
    assert_eq!(play.phase(), "done");
}

#[test]
fn a_promotion_ends_holds_up_to_its_share() {
    let mut play = Play::at(1.0, canary());
    play.order(Command::Promote(Reach::Next)).expect("it may");
    assert_eq!(play.percent(), 5.0);
    play.wait(MINUTE);
    assert_eq!(play.percent(), 5.0, "one step, and no more");
    play.order(Command::Promote(Reach::All)).expect("it may");
    assert_eq!((play.phase(), play.percent()), ("baking", 100.0));
}
