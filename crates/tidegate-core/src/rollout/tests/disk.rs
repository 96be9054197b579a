//! What is on the disk when, and what a restart makes of it.

use serde_json::json;

use super::super::command::{Command, Reach};
use super::super::event::RolloutEvent;
use super::super::input::Input;
use super::super::output::Output;
use super::play::{HOUR, MINUTE, Play, breach, canary, of};

#[test]
fn a_share_grows_once_it_is_on_the_disk() {
    let mut play = Play::at(1.0, canary());
    play.machine.command(Command::Promote(Reach::Next), "kim", play.moment()).expect("it may");
    let Some(Output::Record(record)) = play.machine.poll_output() else {
        panic!("the record comes first")
    };
    assert_eq!(record.phase.share().as_percent(), 5.0);
    assert_eq!(play.machine.share().as_percent(), 1.0);
    assert!(!play.machine.is_recorded());
    play.hear(Input::Recorded(Ok(())));
    assert_eq!(play.percent(), 5.0);
    assert!(play.machine.is_recorded());
}

#[test]
fn a_share_shrinks_before_anything_is_written() {
    let mut play = Play::at(10.0, canary());
    play.machine.command(Command::Abort, "kim", play.moment()).expect("it runs");
    assert_eq!(play.machine.poll_output(), Some(Output::Publish));
    assert_eq!(play.machine.division(), None);
    assert!(matches!(play.machine.poll_output(), Some(Output::Record(_))));
}

#[test]
fn a_disk_that_fails_stops_growth_and_nothing_else() {
    let mut play = Play::at(5.0, canary());
    play.disk_failure = Some("no space left".to_owned());
    play.wait(20 * MINUTE);
    assert_eq!(play.percent(), 5.0);
    assert_eq!(play.waits()[0], "record");
    assert_eq!(play.troubles(), 1, "it is told once");
    play.disk_failure = None;
    play.wait(6);
    assert_eq!(play.percent(), 10.0);
    assert!(play.events.contains(&RolloutEvent::RecordedAgain));
    play.wait(15 * MINUTE - 10);
    assert_eq!(play.percent(), 10.0, "its time began when users met it");
    play.wait(10);
    assert_eq!(play.percent(), 25.0);

    play.disk_failure = Some("no space left".to_owned());
    play.judge(breach("slow"));
    assert_eq!((play.phase(), play.percent()), ("aborted", 0.0));
    assert!(!play.machine.is_recorded());
    play.disk_failure = None;
    play.wait(6);
    play.restart();
    assert_eq!((play.phase(), play.percent()), ("aborted", 0.0));
}

#[test]
fn a_failing_disk_is_not_written_to_all_the_time() {
    let mut play = Play::at(1.0, canary());
    play.disk_failure = Some("no space left".to_owned());
    let before = play.writes;
    play.order(Command::Pause).expect("it runs");
    play.wait(MINUTE);
    assert!((12..=14).contains(&(play.writes - before)), "{}", play.writes - before);
}

#[test]
fn a_restart_finds_the_same_run_salt_share_and_time() {
    for percent in [1.0, 25.0, 100.0] {
        let mut play = Play::at(percent, canary());
        play.wait(10 * MINUTE);
        let before = play.published.clone();
        let due = play.machine.view(play.moment()).due_ms;
        play.restart();
        assert_eq!(play.published, before);
        assert_eq!(play.machine.view(play.moment()).due_ms, due, "its time goes on");
    }
}

#[test]
fn time_goes_on_by_the_wall_clock_while_nobody_runs() {
    let mut play = Play::at(1.0, canary());
    play.wait(10 * MINUTE);
    play.wall += 4 * MINUTE * 1000;
    play.restart();
    play.wait(MINUTE - 1);
    assert_eq!(play.percent(), 1.0);
    play.wait(2);
    assert_eq!(play.percent(), 5.0);
}

#[test]
fn a_wall_clock_that_is_set_shortens_no_hold() {
    let mut play = Play::at(1.0, canary());
    play.wait(MINUTE);
    play.wall += 1000 * HOUR * 1000;
    play.wait(13 * MINUTE);
    assert_eq!(play.percent(), 1.0, "a clock set while it runs changes nothing");
    play.wall = 0;
    play.restart();
    play.wait(14 * MINUTE);
    assert_eq!(play.percent(), 1.0, "one set back begins the hold anew");
    play.wait(2 * MINUTE);
    assert_eq!(play.percent(), 5.0);
}

#[test]
fn a_pause_outlives_a_restart() {
    let mut play = Play::at(10.0, canary());
    play.order(Command::Pause).expect("it runs");
    play.restart();
    play.wait(HOUR);
    assert_eq!((play.percent(), play.waits()), (10.0, vec!["paused".to_owned()]));
}

#[test]
fn a_promotion_outlives_a_restart() {
    let mut play = Play::at(10.0, canary());
    play.room(of(1.0, 2.0), of(0.2, 2.0));
    play.order(Command::Promote(Reach::All)).expect("it may grow so far");
    play.restart();
    play.wait(MINUTE);
    assert_eq!((play.percent(), play.pledged()), (10.0, (1.0, 1.0)));
    play.room(of(1.0, 2.0), of(1.0, 2.0));
    assert_eq!(play.percent(), 100.0);
}

#[test]
fn evidence_is_written_now_and_then_and_with_everything_else() {
    let mut play = Play::at(1.0, canary());
    let before = play.writes;
    for second in 0..MINUTE {
        play.hear(Input::Evidence(json!({ "seen": second })));
        play.wait(1);
    }
    assert!((3..=5).contains(&(play.writes - before)), "{}", play.writes - before);
    play.hear(Input::Evidence(json!("the last")));
    play.order(Command::Pause).expect("it runs");
    play.restart();
    assert_eq!(play.machine.evidence(), Some(&json!("the last")));
    play.order(Command::Abort).expect("it runs");
    play.order(Command::Start).expect("a person may");
    assert_eq!(play.machine.evidence(), None, "another run, another judgement");
}

#[test]
fn an_answer_of_the_disk_that_nobody_waits_for_changes_nothing() {
    let mut play = Play::at(1.0, canary());
    let before = play.machine.view(play.moment());
    play.hear(Input::Recorded(Err("who knows".to_owned())));
    play.hear(Input::Recorded(Ok(())));
    assert_eq!(play.machine.view(play.moment()), before);
}

#[test]
fn what_was_never_started_is_never_written() {
    let mut play = Play::new(canary());
    play.hear(Input::Evidence(json!(1)));
    play.wait(HOUR);
    assert_eq!((play.writes, play.machine.is_recorded()), (0, true));
}
