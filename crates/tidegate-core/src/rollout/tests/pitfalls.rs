//! What went wrong elsewhere, each by the number it was reported under.

use super::super::command::Command;
use super::super::verdict::{Outcome, Verdict};
use super::play::{HOUR, MINUTE, Play, blue_green, breach, canary, of};

/// No traffic was taken for a failure, and the candidate rolled back.
#[test]
fn regress_flagger_1035() {
    let mut play = Play::at(5.0, canary());
    play.look.verdict = Some(Verdict::plain(Outcome::Hold("no requests".to_owned())));
    play.wait(48 * HOUR);
    assert_eq!((play.phase(), play.percent(), play.troubles()), ("stepping", 5.0, 0));
    let waits = play.machine.view(play.moment()).waits;
    assert_eq!(waits[0].why, "no verdict yet: no requests");
}

/// A breach was not acted on while a person was waited for.
#[test]
fn regress_flagger_1801() {
    let mut play = Play::at(25.0, canary());
    play.order(Command::Pause).expect("it runs");
    play.wait(HOUR);
    play.judge(breach("18 checks failed"));
    assert_eq!((play.phase(), play.percent()), ("aborted", 0.0));
}

/// The time that the autoscaler took was held against the candidate.
#[test]
fn regress_flagger_944() {
    let mut play = Play::at(25.0, canary());
    play.room(of(1.0, 2.0), of(0.3, 2.0));
    play.wait(48 * HOUR);
    assert_eq!((play.phase(), play.percent(), play.troubles()), ("stepping", 25.0, 0));
    play.room(of(1.0, 2.0), of(0.5, 2.0));
    assert_eq!(play.percent(), 50.0);
}

/// All traffic went to a candidate that could not take it, and was answered by 503.
#[test]
fn regress_argo_rollouts_3586() {
    let mut play = Play::at(50.0, canary());
    play.room(of(1.0, 2.0), of(0.6, 2.0));
    play.wait(48 * HOUR);
    assert_eq!((play.percent(), play.pledged()), (50.0, (1.0, 1.0)));
    let mut play = Play::started(blue_green());
    play.room(of(1.0, 2.0), of(0.6, 2.0));
    play.wait(48 * HOUR);
    assert_eq!(play.percent(), 0.0);
}

/// Stable was scaled to nothing while it was still needed, or for candidates that never came.
#[test]
fn regress_argo_rollouts_1415_and_2050() {
    let mut play = Play::at(50.0, canary());
    assert_eq!(play.pledged().0, 1.0);
    play.room(of(1.0, 2.0), of(0.0, 0.0));
    play.wait(HOUR);
    assert_eq!(play.pledged().0, 1.0, "the candidate's servers are gone");
    play.order(Command::Abort).expect("it runs");
    assert_eq!(play.pledged().0, 1.0, "and everything is back");
}

/// A candidate that failed once could not be tried again, or was without being asked.
#[test]
fn a_candidate_that_failed_is_tried_again_when_somebody_says_so() {
    let mut play = Play::at(5.0, canary());
    play.judge(breach("slow"));
    play.judge(Verdict::plain(Outcome::Pass));
    play.wait(MINUTE);
    let definition = play.definition.clone();
    play.machine.update(&definition, play.moment()).expect("it is the same");
    play.wait(MINUTE);
    assert_eq!(play.phase(), "aborted");
    play.order(Command::Start).expect("a person may");
    play.wait(2);
    assert_eq!(play.percent(), 1.0);
}
