//! What the autoscaler is asked for.

use super::super::command::{Command, Urgency};
use super::super::input::Hold;
use super::super::verdict::{Outcome, Verdict};
use super::play::{HOUR, MINUTE, Play, blue_green, breach, canary, of};

#[test]
fn stable_can_take_everything_until_the_bake_ends() {
    let mut play = Play::new(canary());
    assert_eq!(play.machine.pledges(), None, "nobody has started it");
    play.order(Command::Start).expect("nothing runs");
    while play.phase() != "keeping" {
        assert_eq!(play.pledged().0, 1.0, "{} {}", play.phase(), play.percent());
        play.wait(MINUTE);
    }
    let stable = play.machine.pledges().expect("it runs").stable;
    assert_eq!((stable.demand, stable.servers), (0.0, 2), "keep_size servers stay");
    play.wait(24 * HOUR);
    let pledges = play.machine.pledges().expect("it ran");
    assert_eq!((pledges.stable.demand, pledges.stable.servers), (0.0, 0));
    assert_eq!(pledges.candidate.demand, 1.0);
}

#[test]
fn the_candidate_has_its_share_and_the_next_one_when_only_capacity_is_missing() {
    let mut play = Play::at(10.0, canary());
    play.room(of(1.0, 2.0), of(0.11, 2.0));
    assert_eq!(play.pledged(), (1.0, 0.1), "the hold is not over");
    play.wait(15 * MINUTE);
    assert_eq!(play.pledged(), (1.0, 0.25));
    play.look.verdict = Some(Verdict::plain(Outcome::Hold("few requests".to_owned())));
    play.wait(MINUTE);
    assert_eq!(play.pledged(), (1.0, 0.25), "a word that comes and goes does not move servers");
    play.hold(Some(Hold::Sale("sale".to_owned())));
    assert_eq!(play.pledged(), (1.0, 0.1), "no step, no servers for it");
    play.hold(None);
    play.look.verdict = Some(Verdict::plain(Outcome::Pass));
    play.wait(1);
    assert_eq!(play.pledged(), (1.0, 0.25));
    play.judge(breach("slow"));
    assert_eq!(play.pledged(), (1.0, 0.0), "nobody meets it any more");
}

#[test]
fn what_prepares_grows_for_its_first_step() {
    let mut play = Play::new(canary());
    play.order(Command::Start).expect("nothing runs");
    play.room(of(1.0, 2.0), of(0.0, 2.0));
    assert_eq!(play.pledged(), (1.0, 0.01));
    let mut play = Play::new(blue_green());
    play.order(Command::Start).expect("nothing runs");
    play.room(of(1.4, 2.0), of(0.0, 2.0));
    assert_eq!(play.pledged(), (1.0, 1.4), "a switch is between equals");
}

#[test]
fn a_way_back_needs_stable_whole() {
    let mut play = Play::at(100.0, canary());
    play.wait(HOUR + MINUTE);
    play.room(of(0.1, 2.0), of(1.2, 2.0));
    assert_eq!(play.pledged(), (0.0, 1.0));
    play.order(Command::Rollback(Urgency::WhenAble)).expect("there is a way back");
    assert_eq!(play.pledged(), (1.0, 1.0));
    play.room(of(1.0, 2.0), of(1.2, 2.0));
    assert_eq!(play.pledged(), (1.0, 0.0));
}
