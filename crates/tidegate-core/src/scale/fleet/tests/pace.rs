//! How fast launches are asked for when they fail.

use super::super::input::Input;
use super::super::instance::Stage;
use super::super::provider::ProviderFailure;
use super::stage::{Play, settings};
use crate::model::server::Availability;

/// Launches in ten minutes, after the first ten.
fn launches(play: &mut Play, mut every_second: impl FnMut(&mut Play)) -> usize {
    let mut pass = |play: &mut Play| {
        for _ in 0..600 {
            play.wait(1);
            every_second(play);
        }
    };
    pass(play);
    let before = play.started.len();
    pass(play);
    play.started.len() - before
}

#[test]
fn refusals_make_no_storm() {
    let mut play = Play::new(settings(100));
    play.refuses = Some(ProviderFailure::Refused("no".into()));
    play.aim(100, 0);
    let launches = launches(&mut play, |_| {});
    assert!((8..=15).contains(&launches), "{launches} in ten minutes");
}

#[test]
fn instances_that_never_answer_make_no_storm() {
    let mut play = Play::new(settings(100));
    play.health = Availability::Unhealthy;
    play.aim(100, 0);
    let launches = launches(&mut play, |_| {});
    assert!((3..=10).contains(&launches), "{launches} in ten minutes");
}

#[test]
fn instances_that_end_early_make_no_storm() {
    let mut play = Play::new(settings(100));
    play.aim(100, 0);
    let launches = launches(&mut play, |play| {
        for id in [play.stages(Stage::Warming), play.stages(Stage::Serving)].concat() {
            play.running.remove(&id);
            play.hear(Input::Exited(id));
        }
    });
    assert!((8..=15).contains(&launches), "{launches} in ten minutes");
}

#[test]
fn a_failure_among_many_holds_the_others_up_little() {
    let mut play = Play::new(settings(60));
    play.aim(60, 0);
    let id = play.stages(Stage::Warming)[0].clone();
    play.hear(Input::Exited(id));
    play.wait(3);
    let there = play.stages(Stage::Warming).len();
    assert_eq!(there, 60);
}

#[test]
fn when_the_provider_is_well_again_so_is_the_fleet() {
    let mut play = Play::new(settings(60));
    play.refuses = Some(ProviderFailure::Broken("down".into()));
    play.aim(60, 0);
    play.wait(600);
    play.refuses = None;
    play.wait(180);
    assert_eq!(play.census(), "60 serving");
}

#[test]
fn nothing_is_launched_that_cannot_be_recorded() {
    let mut play = Play::new(settings(10));
    play.obey();
    play.hear(Input::Unrecorded);
    play.aim(2, 0);
    assert!(play.started.is_empty());
    play.wait(6);
    assert_eq!(play.started.len(), 2);
}
