//! Who is unhealthy for too long is replaced, start first, unless the fault is elsewhere.

use super::super::event::FleetEvent;
use super::super::input::Input;
use super::super::instance::Stage;
use super::stage::{Play, settings};
use crate::model::server::Availability;

fn fall_ill(play: &mut Play, number: usize) {
    for id in play.stages(Stage::Serving).into_iter().take(number) {
        play.health(&id, Availability::Unhealthy);
    }
}

#[test]
fn the_successor_serves_before_the_sick_one_leaves() {
    let mut play = Play::serving(4, settings(10));
    fall_ill(&mut play, 1);
    play.wait(119);
    assert_eq!(play.census(), "4 serving");
    play.health = Availability::Starting;
    play.wait(2);
    assert_eq!(play.census(), "1 starting, 4 serving");
    let count = play.fleet.count();
    assert_eq!((count.serving, count.starting, count.draining), (3, 1, 1), "committed stays 4");
    let successor = play.stages(Stage::Starting)[0].clone();
    play.health(&successor, Availability::Healthy);
    assert_eq!(play.census(), "1 warming, 3 serving, 1 draining");
}

#[test]
fn who_gets_well_in_time_stays() {
    let mut play = Play::serving(4, settings(10));
    fall_ill(&mut play, 1);
    play.health = Availability::Starting;
    play.wait(130);
    assert_eq!(play.census(), "1 starting, 4 serving");
    let sick = play.stages(Stage::Serving);
    sick.iter().for_each(|id| play.health(id, Availability::Healthy));
    assert_eq!(play.census(), "4 serving", "the successor is not wanted any more");
}

#[test]
fn a_tenth_at_a_time() {
    let mut play = Play::serving(20, settings(30));
    fall_ill(&mut play, 5);
    play.health = Availability::Starting;
    play.wait(130);
    assert_eq!(play.census(), "2 starting, 20 serving");
}

#[test]
fn a_fleet_that_is_sick_as_a_whole_is_left_alone() {
    let mut play = Play::serving(10, settings(20));
    fall_ill(&mut play, 4);
    play.wait(1000);
    assert_eq!((play.census().as_str(), play.started.len()), ("10 serving", 10));
    let told = |event: &&FleetEvent| matches!(event, FleetEvent::LeftAlone { .. });
    assert_eq!(play.told.iter().filter(told).count(), 1);
    let well = play.stages(Stage::Serving)[0].clone();
    play.health(&well, Availability::Healthy);
    play.wait(1);
    assert_eq!(play.started.len(), 11, "three of ten are not too many");
}

#[test]
fn listed_servers_count_for_that() {
    let mut play = Play::serving(4, settings(10));
    play.hear(Input::ListedServers { members: 6, unhealthy: 3 });
    fall_ill(&mut play, 1);
    play.wait(1000);
    assert_eq!(play.started.len(), 4);
}

#[test]
fn one_that_is_alone_is_replaced() {
    let mut play = Play::serving(1, settings(10));
    fall_ill(&mut play, 1);
    play.wait(200);
    assert_eq!(play.started.len(), 2);
    assert_eq!(play.stages(Stage::Draining).len(), 1);
}

#[test]
fn one_that_ends_is_replaced_at_once() {
    let mut play = Play::serving(3, settings(10));
    play.wait(100);
    let id = play.stages(Stage::Serving)[0].clone();
    play.running.remove(&id);
    play.hear(Input::Exited(id));
    assert_eq!(play.census(), "1 warming, 2 serving");
}
