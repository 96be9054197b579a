//! The way back: what ends a run, and that it stays ended.

use super::super::capacity::Capacity;
use super::super::command::{Command, Reach, Urgency};
use super::super::event::RolloutEvent;
use super::super::input::Input;
use super::super::verdict::{Outcome, Verdict};
use super::play::{HOUR, MINUTE, Play, analysis, blue_green, breach, canary, of, smoke};
use crate::model::rollout::{OnBreach, Rollout};

#[test]
fn a_breach_ends_at_nobody_wherever_it_is_seen() {
    for percent in [1.0, 10.0, 50.0, 100.0] {
        let mut play = Play::at(percent, canary());
        play.judge(breach("one in four fails"));
        assert_eq!((play.phase(), play.percent()), ("aborted", 0.0), "from {percent} %");
        let view = play.machine.view(play.moment());
        assert_eq!(view.ended.as_deref(), Some("one in four fails"));
        let verdict = view.verdict.expect("it is kept");
        assert_eq!(verdict["numbers"]["errors"], 0.25, "with its numbers");
        assert_eq!(verdict["outcome"], "breach");
        assert_eq!(play.troubles(), 1);
    }
}

#[test]
fn a_breach_that_is_seen_without_users_keeps_them_away() {
    for (on_breach, phase) in [
        (OnBreach::Rollback, "aborted"),
        (OnBreach::Freeze, "preparing"),
        (OnBreach::Alert, "preparing"),
    ] {
        let definition = Rollout { analysis: Some(analysis(on_breach)), ..canary() };
        let mut play = Play::started(definition);
        play.judge(breach("orders fail"));
        play.wait(HOUR);
        assert_eq!((play.phase(), play.percent(), play.troubles()), (phase, 0.0, 1));
    }
}

#[test]
fn what_was_aborted_stays_so_until_a_person_starts_another_run() {
    let mut play = Play::at(10.0, canary());
    let first = play.published.clone().expect("some meet it").salt;
    play.judge(breach("slow"));
    play.look.verdict = Some(Verdict::plain(Outcome::Pass));
    play.wait(HOUR);
    play.restart();
    play.wait(HOUR);
    assert_eq!((play.phase(), play.percent()), ("aborted", 0.0));
    assert_eq!(play.troubles(), 1, "it is told once");
    play.order(Command::Start).expect("a person may");
    play.wait(2);
    assert_eq!((play.percent(), play.machine.run()), (1.0, 2));
    assert_ne!(play.published.expect("some meet it").salt, first, "others are first this time");
    assert_eq!(play.rejudged, 2, "what was seen of the first run does not count");
}

#[test]
fn a_breach_freezes_where_that_is_wanted() {
    let mut play =
        Play::at(10.0, Rollout { analysis: Some(analysis(OnBreach::Freeze)), ..canary() });
    play.judge(breach("slow"));
    play.wait(HOUR);
    assert_eq!((play.percent(), play.troubles()), (10.0, 1));
    assert_eq!(play.waits()[0], "paused");
    play.restart();
    play.judge(Verdict::plain(Outcome::Pass));
    play.wait(HOUR);
    assert_eq!(play.percent(), 10.0, "only a person lets it go on");
    let rejudged = play.rejudged;
    play.order(Command::Resume).expect("it is paused");
    assert_eq!(play.rejudged, rejudged + 1, "the judge begins anew");
    play.wait(1);
    assert_eq!(play.percent(), 25.0);
}

#[test]
fn a_breach_alerts_once_and_holds_where_that_is_wanted() {
    let mut play =
        Play::at(10.0, Rollout { analysis: Some(analysis(OnBreach::Alert)), ..canary() });
    play.judge(breach("slow"));
    play.wait(HOUR);
    assert_eq!((play.percent(), play.troubles()), (10.0, 1));
    assert_eq!(play.waits(), ["breach"]);
    play.judge(Verdict::plain(Outcome::Pass));
    assert_eq!(play.percent(), 25.0);
    let recovered = play.events.iter().filter(|it| **it == RolloutEvent::Recovered).count();
    assert_eq!(recovered, 1);
}

#[test]
fn a_candidate_that_fails_its_smoke_checks_meets_nobody() {
    for definition in [canary(), blue_green()] {
        let mut play = Play::new(Rollout { smoke: smoke(), ..definition });
        play.smoke_failure = Some("10.0.0.1:80 answers 500".to_owned());
        play.order(Command::Start).expect("nothing runs");
        play.wait(HOUR);
        assert_eq!((play.phase(), play.percent(), play.smokes), ("aborted", 0.0, 1));
        let ended = play.machine.view(play.moment()).ended.expect("it says why");
        assert_eq!(ended, "the smoke checks failed: 10.0.0.1:80 answers 500");
        assert!(play.disk.is_some_and(|text| !text.windows(9).any(|it| it == b"\"verdict\"")));
    }
}

#[test]
fn smoke_checks_are_tried_again_where_a_breach_ends_nothing() {
    let analysis = Some(analysis(OnBreach::Alert));
    let mut play = Play::new(Rollout { smoke: smoke(), analysis, ..canary() });
    play.smoke_failure = Some("it answers 500".to_owned());
    play.order(Command::Start).expect("nothing runs");
    play.wait(MINUTE);
    assert_eq!((play.phase(), play.troubles()), ("preparing", 1));
    assert!((6..=7).contains(&play.smokes), "{} times a minute", play.smokes);
    play.smoke_failure = None;
    play.wait(11);
    assert_eq!(play.percent(), 1.0);
}

#[test]
fn an_answer_to_the_smoke_checks_of_another_run_says_nothing() {
    let mut play = Play::started(Rollout { smoke: smoke(), ..canary() });
    play.smoke_failure = Some("it answers 500".to_owned());
    play.wait(1);
    assert_eq!(play.phase(), "aborted");
    play.room(of(1.0, 1.0), of(0.0, 1.0));
    play.order(Command::Start).expect("a person may");
    play.hear(Input::Smoked { run: 1, result: Ok(()) });
    play.hear(Input::Smoked { run: 2, result: Ok(()) });
    play.room(of(1.0, 1.0), of(1.0, 1.0));
    assert_eq!((play.phase(), play.smokes), ("aborted", 2), "they were asked for anew");
}

#[test]
fn a_way_back_is_one_command_until_stable_is_released() {
    // At which share, after how long, how stable is, how urgent: how it ends.
    let whole = of(1.1, 2.0);
    let few = of(0.1, 2.0);
    let able = Urgency::WhenAble;
    let cases = [
        (10.0, 0, few, able, "aborted", 0.0),
        (100.0, 0, few, able, "aborted", 0.0),
        (100.0, HOUR, whole, able, "aborted", 0.0),
        (100.0, HOUR, Capacity::Vouched, able, "aborted", 0.0),
        (100.0, HOUR, few, able, "returning", 100.0),
        (100.0, HOUR, Capacity::Unknown, able, "returning", 100.0),
        (100.0, HOUR, few, Urgency::AtOnce, "aborted", 0.0),
        (100.0, 25 * HOUR - MINUTE, whole, able, "aborted", 0.0),
    ];
    for (percent, after, stable, urgency, phase, share) in cases {
        let mut play = Play::at(percent, canary());
        play.wait(after);
        play.room(stable, of(1.2, 2.0));
        play.order(Command::Rollback(urgency)).expect("there is a way back");
        assert_eq!((play.phase(), play.percent()), (phase, share), "{percent} {after} {stable:?}");
    }
}

#[test]
fn a_way_back_waits_until_stable_has_grown_and_is_not_turned_round() {
    let mut play = Play::at(100.0, canary());
    play.wait(2 * HOUR);
    assert_eq!(play.phase(), "keeping");
    play.room(of(0.1, 2.0), of(1.2, 2.0));
    play.order(Command::Rollback(Urgency::WhenAble)).expect("there is a way back");
    assert_eq!(play.pledged(), (1.0, 1.0), "both have to take everything until then");
    for command in [Command::Promote(Reach::All), Command::Resume, Command::Abort] {
        assert!(play.refusal(command).contains("not turned round"));
    }
    play.wait(HOUR);
    play.restart();
    play.wait(30 * HOUR);
    assert_eq!((play.phase(), play.percent()), ("returning", 100.0));
    play.room(of(1.0, 2.0), of(1.2, 2.0));
    assert_eq!((play.phase(), play.percent()), ("aborted", 0.0));
}
