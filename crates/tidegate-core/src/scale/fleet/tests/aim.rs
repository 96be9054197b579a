//! How the aim is met.

use super::super::input::Input;
use super::super::instance::Stage;
use super::super::output::Entry;
use super::super::settings::WarmUp;
use super::stage::{Play, settings};
use crate::model::server::Availability;
use crate::time::Duration;

#[test]
fn instances_come_one_stage_after_the_other() {
    let mut play = Play::new(settings(10));
    play.health = Availability::Starting;
    play.aim(3, 0);
    assert_eq!(play.census(), "3 starting");
    play.now = play.now + Duration::from_secs(5);
    for id in play.stages(Stage::Starting) {
        play.health(&id, Availability::Healthy);
    }
    assert_eq!(play.census(), "3 warming");
    assert_eq!(play.fleet.startup().median(), Some(Duration::from_secs(5)));
    play.wait(30);
    assert_eq!(play.census(), "3 serving");
    assert!(play.entered.iter().all(|(_, entry)| *entry == Entry::Slow));
    let count = play.fleet.count();
    assert_eq!((count.serving, count.paid()), (3, 3));
}

#[test]
fn those_kept_warm_enter_at_once_and_are_made_up_for() {
    let mut settings = settings(10);
    settings.warm_up = WarmUp::Requests;
    let mut play = Play::new(settings);
    play.aim(2, 2);
    play.wait(100);
    assert_eq!(play.census(), "2 warm, 2 serving");
    play.health = Availability::Starting;
    play.aim(4, 2);
    assert_eq!(play.census(), "2 starting, 2 warming, 2 serving");
    let count = play.fleet.count();
    assert_eq!((count.starting, count.warm, count.warm_ready, count.serving), (0, 2, 0, 4));
}

#[test]
fn the_least_advanced_goes_first() {
    let mut play = Play::new(settings(10));
    play.aim(2, 1);
    play.wait(100);
    play.health = Availability::Starting;
    play.aim(4, 1);
    assert_eq!(play.census(), "2 starting, 1 warming, 2 serving");
    play.aim(3, 1);
    assert_eq!(play.census(), "1 starting, 1 warming, 2 serving");
    play.aim(3, 0);
    assert_eq!(play.census(), "1 warming, 2 serving");
    play.aim(1, 0);
    assert_eq!(play.census(), "1 serving, 2 draining");
}

#[test]
fn who_has_the_least_to_do_is_drained_and_stops_when_idle() {
    let mut play = Play::serving(3, settings(10));
    let ids = play.stages(Stage::Serving);
    for (id, in_flight) in ids.iter().zip([5, 1, 3]) {
        play.hear(Input::Load { id: id.clone(), in_flight, sessions: 0 });
    }
    play.aim(2, 0);
    assert_eq!(play.stages(Stage::Draining), [ids[1].clone()]);
    play.idle(&ids[1]);
    assert_eq!(play.census(), "2 serving");
    assert_eq!(play.running.len(), 2);
    play.aim(1, 0);
    assert_eq!(play.stages(Stage::Draining), [ids[2].clone()], "3 have less to do than 5");
    play.wait(299);
    assert_eq!(play.census(), "1 serving, 1 draining");
    play.wait(2);
    assert_eq!(play.census(), "1 serving", "a drain ends");
}

#[test]
fn who_drains_comes_back_when_it_is_wanted_again() {
    let mut play = Play::serving(3, settings(10));
    play.aim(1, 0);
    assert_eq!(play.census(), "1 serving, 2 draining");
    play.entered.clear();
    play.aim(3, 0);
    assert_eq!(play.census(), "3 serving");
    assert!(play.entered.iter().all(|(_, entry)| *entry == Entry::Full), "they are warm");
    assert_eq!(play.started.len(), 3);
}

#[test]
fn no_more_live_than_may() {
    let mut play = Play::new(settings(10));
    play.aim(1000, 1000);
    play.wait(100);
    assert_eq!(play.census(), "10 serving");
    play.aim(0, 0);
    assert_eq!(play.census(), "10 draining");
    // Those that drain are unwell now and cannot come back.
    for id in play.stages(Stage::Draining) {
        play.health(&id, Availability::Unhealthy);
    }
    play.aim(10, 0);
    assert_eq!(play.census(), "1 warming, 10 draining", "a tenth more for replacements");
    assert_eq!(play.fleet.tally().launches_bounded, 1);
}
