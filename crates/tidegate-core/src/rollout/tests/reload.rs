//! What a reload may change, and what it may not.

use super::super::command::Command;
use super::super::machine::Machine;
use super::super::record::Record;
use super::play::{HOUR, MINUTE, Play, blue_green, canary};
use crate::model::ids::PoolName;
use crate::model::rollout::{Rollout, Share, Strategy, UserKey};
use crate::time::Duration;

fn between(pool: &str, candidate: &str) -> Rollout {
    Rollout { pool: PoolName::new(pool), candidate: PoolName::new(candidate), ..canary() }
}

fn steps(percent: &[f64], hold: u64) -> Rollout {
    let steps = percent.iter().map(|it| Share::percent(*it).expect("it is one")).collect();
    let strategy = Strategy::Canary { steps, hold: Duration::from_secs(hold) };
    Rollout { strategy, ..canary() }
}

#[test]
fn what_would_move_users_is_refused_while_a_run_is_under_way() {
    let cases = [
        (between("toys", "shop-v2"), "`pool` was \"shop\""),
        (between("shop", "shop-v3"), "`candidate` was \"shop-v2\""),
        (blue_green(), "`strategy` was \"canary\""),
        (Rollout { user: vec![UserKey::Client], ..canary() }, "`user` was \"cookie:uid, assign\""),
    ];
    for (definition, says) in cases {
        let mut play = Play::at(10.0, canary());
        let before = play.machine.division();
        let error = play.machine.update(&definition, play.moment()).expect_err("it is refused");
        assert!(error.to_string().contains(says), "{error}");
        assert_eq!(play.machine.division(), before);
        play.machine.accept(&definition, play.moment());
        assert_eq!(play.machine.division(), None, "its word is taken: all are stable's");
        play.order(Command::Abort).expect_err("nothing runs");
        play.restart();
        assert_eq!((play.phase(), play.percent()), ("idle", 0.0), "and it stays so");
    }
}

#[test]
fn what_was_over_may_become_anything() {
    let mut play = Play::at(10.0, canary());
    play.order(Command::Abort).expect("it runs");
    let next = between("shop", "shop-v3");
    play.machine.update(&next, play.moment()).expect("it is over");
    assert_eq!((play.phase(), play.machine.run()), ("idle", 1));
    play.order(Command::Start).expect("nothing runs");
    play.wait(2);
    let division = play.published.clone().expect("some meet it");
    assert_eq!((division.candidate.as_str(), play.machine.run()), ("shop-v3", 2));
}

#[test]
fn steps_to_come_may_change_and_those_taken_stay() {
    // The new steps and hold, and where that leads from 10 % within the next quarter of an hour.
    let cases = [
        (steps(&[1.0, 20.0, 100.0], 15 * MINUTE), 20.0),
        (steps(&[2.0, 8.0, 100.0], 15 * MINUTE), 100.0),
        (steps(&[1.0, 5.0, 10.0, 11.0, 100.0], 10 * MINUTE), 11.0),
        (steps(&[50.0, 100.0], HOUR), 10.0),
    ];
    for (definition, percent) in cases {
        let mut play = Play::at(10.0, canary());
        play.machine.update(&definition, play.moment()).expect("it may");
        assert_eq!(play.percent(), 10.0, "nobody changes sides by a reload");
        play.wait(15 * MINUTE + 2);
        assert_eq!(play.percent(), percent, "{definition:?}");
    }
}

#[test]
fn a_finished_run_is_a_fact() {
    let mut play = Play::at(100.0, canary());
    play.wait(26 * HOUR);
    assert_eq!(play.phase(), "done");
    play.restart();
    assert_eq!((play.phase(), play.percent()), ("done", 100.0), "the candidate is what serves");
    let ignorant = between("shop", "shop-v3");
    let error = play.machine.update(&ignorant, play.moment()).expect_err("it contradicts");
    assert!(error.to_string().contains("write `pool = \"shop-v2\"`"), "{error}");
    play.machine.update(&between("shop-v2", "shop-v3"), play.moment()).expect("it knows");
    assert_eq!((play.phase(), play.machine.division()), ("idle", None));
    assert_eq!(play.machine.run(), 1, "runs are counted on");
}

#[test]
fn a_finished_run_that_the_configuration_tells_of_may_be_followed_by_another() {
    let mut play = Play::at(10.0, canary());
    play.machine.close(play.moment());
    assert_eq!((play.phase(), play.percent()), ("stepping", 10.0), "it has not finished");
    let mut play = Play::at(100.0, canary());
    play.wait(26 * HOUR);
    play.machine.close(play.moment());
    assert_eq!((play.phase(), play.machine.division()), ("idle", None));
    play.wait(2);
    play.restart();
    assert_eq!((play.phase(), play.machine.run()), ("idle", 1), "and it stays so");
    play.order(Command::Start).expect("nothing runs");
    assert_eq!(play.machine.run(), 2);
}

#[test]
fn a_record_that_contradicts_the_file_is_forgotten_by_who_goes_on_all_the_same() {
    let play = Play::at(10.0, canary());
    let text = play.disk.as_ref().expect("it runs");
    let record = Record::from_json(&play.definition.name, text).expect("it was written so");
    let other = between("shop", "shop-v3");
    assert!(record.admits(&play.definition).is_ok() && record.admits(&other).is_err());
    let machine = Machine::new(other, Some(record), 7, play.moment());
    assert_eq!((machine.phase().as_str(), machine.division()), ("idle", None));
}
