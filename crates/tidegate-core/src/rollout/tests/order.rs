//! What people may do in which phase, and what they are told where they may not.

use super::super::command::{Command, Reach, Urgency};
use super::super::input::Hold;
use super::super::record::Record;
use super::super::verdict::{Outcome, Verdict};
use super::play::{HOUR, MINUTE, Play, analysis, breach, canary, of};
use crate::model::rollout::{OnBreach, Rollout};

const NEXT: Command = Command::Promote(Reach::Next);
const ALL: Command = Command::Promote(Reach::All);
const BACK: Command = Command::Rollback(Urgency::WhenAble);

type Setting<'a> = &'a dyn Fn() -> Play;

fn aborted() -> Play {
    let mut play = Play::at(10.0, canary());
    play.order(Command::Abort).expect("it runs");
    play
}

fn later(hours: u64) -> Play {
    let mut play = Play::at(100.0, canary());
    play.wait(hours * HOUR);
    play
}

#[test]
fn what_cannot_be_is_refused_with_what_can() {
    let idle = || Play::new(canary());
    let at_ten = || Play::at(10.0, canary());
    let paused = || {
        let mut play = at_ten();
        play.order(Command::Pause).expect("it runs");
        play
    };
    let cases: &[(Setting<'_>, &[Command], &str)] = &[
        (&idle, &[NEXT, ALL, Command::Pause, Command::Resume, Command::Abort, BACK], "`start`"),
        (&aborted, &[NEXT, Command::Resume, Command::Abort, BACK], "`start`"),
        (&at_ten, &[Command::Start], "under way (at 10 %); `abort`"),
        (&at_ten, &[Command::Resume], "not paused"),
        (&paused, &[Command::Pause, NEXT, ALL], "paused (by kim); `resume`"),
        (&|| later(0), &[NEXT], "all users meet the candidate already"),
        (&|| later(1), &[NEXT, Command::Pause, Command::Resume], "the bake is over"),
        (&|| later(1), &[Command::Abort], "`rollback`"),
        (&|| later(26), &[Command::Start, NEXT, Command::Abort, BACK], "finished"),
    ];
    for (setting, commands, says) in cases {
        for command in *commands {
            let error = setting().refusal(*command);
            assert!(error.contains(says), "{command:?}: {error}");
        }
    }
}

#[test]
fn a_promotion_waits_for_neither_time_nor_evidence_but_for_capacity() {
    let mut play = Play::at(10.0, canary());
    play.look.verdict = Some(Verdict::plain(Outcome::Hold("12 of 200 requests".to_owned())));
    play.room(of(1.0, 2.0), of(0.2, 2.0));
    play.order(NEXT).expect("it may grow so far");
    play.wait(HOUR);
    assert_eq!((play.percent(), play.waits()), (10.0, vec!["capacity".to_owned()]));
    play.room(of(1.0, 2.0), of(0.3, 2.0));
    assert_eq!(play.percent(), 25.0);
}

#[test]
fn a_promotion_to_what_can_never_be_served_is_refused() {
    let mut play = Play::at(10.0, canary());
    play.room(of(1.0, 2.0), of(0.2, 0.6));
    let error = play.refusal(ALL);
    assert!(error.contains("100 % of demand") && error.contains("60 %"), "{error}");
    play.order(NEXT).expect("25 % can be");
}

#[test]
fn a_promotion_goes_against_no_breach_and_no_hold() {
    let mut play =
        Play::at(10.0, Rollout { analysis: Some(analysis(OnBreach::Alert)), ..canary() });
    play.judge(breach("slow"));
    assert!(play.refusal(NEXT).contains("in breach (slow)"));
    play.judge(Verdict::plain(Outcome::Pass));
    play.hold(Some(Hold::Sale("black-friday".to_owned())));
    assert!(play.refusal(NEXT).contains("the sale black-friday"));
    play.hold(None);
    play.order(NEXT).expect("nothing is in the way");
    assert_eq!(play.percent(), 25.0);
}

#[test]
fn a_bake_is_ended_by_a_person_who_says_all() {
    let mut play = later(0);
    play.order(ALL).expect("it bakes");
    assert_eq!((play.phase(), play.percent()), ("keeping", 100.0));
}

#[test]
fn what_is_kept_of_stable_is_let_go_early_by_a_person_who_says_all() {
    let mut play = later(1);
    assert_eq!(play.phase(), "keeping");
    play.order(ALL).expect("nothing of it is needed");
    assert_eq!((play.phase(), play.percent()), ("done", 100.0));
    play.restart();
    assert_eq!(play.phase(), "done");
}

#[test]
fn a_paused_run_takes_no_step_until_it_is_resumed() {
    for percent in [10.0, 100.0] {
        let mut play = Play::at(percent, canary());
        let phase = play.phase();
        play.order(Command::Pause).expect("it runs");
        play.wait(3 * HOUR);
        assert_eq!((play.phase(), play.percent()), (phase, percent));
        play.order(Command::Resume).expect("it is paused");
        assert!(play.phase() == "keeping" || play.percent() == 25.0, "its time went on");
    }
}

#[test]
fn nothing_begins_while_it_is_prepared_and_paused() {
    let mut play = Play::new(canary());
    play.order(Command::Start).expect("nothing runs");
    play.order(Command::Pause).expect("it runs");
    play.wait(HOUR);
    assert_eq!((play.phase(), play.percent()), ("preparing", 0.0));
    play.order(Command::Resume).expect("it is paused");
    assert_eq!(play.percent(), 1.0);
}

#[test]
fn who_did_what_is_noted_within_bounds() {
    let mut play = Play::at(1.0, canary());
    let long = "x".repeat(10_000);
    for _ in 0..100 {
        for command in [Command::Pause, Command::Resume] {
            play.machine.command(command, &long, play.moment()).expect("it may");
        }
    }
    let view = play.machine.view(play.moment());
    assert_eq!(view.acts.len(), Record::ACTS_MAX);
    let last = view.acts.last().expect("there are some");
    assert_eq!((last.by.len(), last.what.as_str()), (100, "resumed"));
}

#[test]
fn the_view_says_where_it_is_and_what_comes_next() {
    let mut play = Play::at(10.0, canary());
    play.wait(5 * MINUTE);
    let view = play.machine.view(play.moment());
    assert_eq!((view.taken, view.percent, view.next_percent), (3, 10.0, Some(25.0)));
    let at = play.moment().at.as_millis();
    assert_eq!(view.due_ms, Some(at + 10 * MINUTE * 1000));
    assert_eq!(view.since_ms, Some(at - 5 * MINUTE * 1000));
    assert_eq!(view.waits[0].why, "600 s of its time are left");
    let who: Vec<_> = view.acts.iter().map(|act| (act.by.as_str(), act.what.as_str())).collect();
    let steps = [("tidegate", "1 % of users"), ("tidegate", "5 % of users")];
    assert_eq!(who[..3], [[("kim", "run 1 started")].as_slice(), &steps].concat());
}
