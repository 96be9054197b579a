//! What a restart finds again, whatever moment it came at.

use super::super::id::InstanceId;
use super::super::input::{Aim, Input};
use super::super::instance::Stage;
use super::super::machine::Fleet;
use super::super::output::{Entry, Output};
use super::super::provider::ProviderFailure;
use super::stage::{Play, settings};
use crate::model::server::Availability;
use crate::time::Instant;

#[test]
fn what_served_serves_at_once_even_if_the_provider_is_down() {
    let mut play = Play::serving(3, settings(10));
    play.is_down = Some(ProviderFailure::Timeout);
    play.entered.clear();
    play.restart();
    assert_eq!(play.census(), "3 serving");
    assert!(play.entered.iter().all(|(_, entry)| *entry == Entry::Full));
    play.aim(5, 0);
    play.wait(600);
    assert_eq!(play.started.len(), 3, "nothing is started before the first inventory");
    play.is_down = None;
    play.wait(120);
    assert_eq!((play.census().as_str(), play.started.len()), ("5 serving", 5));
}

#[test]
fn nothing_is_stopped_before_the_first_inventory() {
    let mut play = Play::serving(3, settings(10));
    play.is_down = Some(ProviderFailure::Timeout);
    play.restart();
    play.aim(1, 0);
    play.wait(600);
    assert_eq!((play.census().as_str(), play.running.len()), ("3 serving", 3));
    play.is_down = None;
    play.wait(61);
    assert_eq!(play.census(), "1 serving, 2 draining");
}

#[test]
fn a_launch_that_was_out_is_asked_for_again_later_under_its_name() {
    let mut fleet = Fleet::new(settings(10), None, 1, Instant::ZERO);
    let mut record = None;
    let mut asked = None;
    let mut inputs =
        vec![Input::Inventory(Ok(Vec::new())), Input::Aim(Aim { instances: 1, warm: 0 })];
    while let Some(input) = inputs.pop() {
        fleet.handle(input, Instant::ZERO);
        while let Some(output) = fleet.poll_output() {
            match output {
                Output::Record(written) => record = Some(written),
                Output::Start { id, .. } => asked = Some(id),
                _ => {}
            }
        }
    }
    let asked: InstanceId = asked.expect("one is wanted");
    let mut play = Play::of(Fleet::new(settings(10), record.clone(), 2, Instant::ZERO));
    play.record = record;
    play.aim(1, 0);
    play.wait(59);
    assert!(play.started.is_empty(), "it may still be under way");
    play.wait(2);
    assert_eq!(play.started, [asked]);
}

#[test]
fn without_a_record_the_inventory_is_believed() {
    let mut play = Play::serving(3, settings(10));
    play.record = None;
    play.restart();
    assert_eq!(play.census(), "3 warm", "nobody has said how many there should be");
    play.aim(3, 0);
    play.wait(100);
    assert_eq!((play.census().as_str(), play.started.len()), ("3 serving", 3));
}

#[test]
fn what_is_found_before_anybody_planned_counts_as_there_to_serve() {
    let mut play = Play::serving(3, settings(10));
    play.record = None;
    play.is_down = Some(ProviderFailure::Timeout);
    play.restart();
    assert!(!play.fleet.is_counted(), "nobody has said what there is");
    play.is_down = None;
    play.wait(61);
    assert_eq!(play.census(), "3 warm");
    let count = play.fleet.count();
    assert!(play.fleet.is_counted());
    assert_eq!((count.committed(), count.warm), (3, 0), "a plan goes on from three");
}

#[test]
fn what_was_kept_warm_is_counted_as_warm() {
    let mut play = Play::serving(3, settings(10));
    play.aim(3, 2);
    play.wait(100);
    play.restart();
    assert!(play.fleet.is_counted());
    let count = play.fleet.count();
    assert_eq!((count.committed(), count.warm), (3, 2));
}

#[test]
fn a_drain_and_a_stop_go_on() {
    let mut play = Play::serving(3, settings(10));
    play.aim(1, 0);
    let draining = play.stages(Stage::Draining);
    play.restart();
    play.aim(1, 0);
    assert_eq!(play.stages(Stage::Draining), draining);
    draining.iter().for_each(|id| play.idle(id));
    assert_eq!((play.census().as_str(), play.running.len()), ("1 serving", 1));
}

#[test]
fn a_fleet_whose_checks_fail_after_a_restart_is_left_alone() {
    let mut play = Play::serving(5, settings(10));
    play.health = Availability::Unhealthy;
    play.record = None;
    play.restart();
    play.aim(5, 0);
    play.wait(1200);
    assert_eq!((play.running.len(), play.started.len()), (5, 5), "the fault is elsewhere");
}
