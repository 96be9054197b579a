//! A provider that refuses, is slow, is down or lies.

use super::super::event::FleetEvent;
use super::super::id::InstanceId;
use super::super::input::{Aim, Input};
use super::super::instance::{Reason, Stage};
use super::super::output::Output;
use super::super::provider::{Condition, Listed, ProviderFailure};
use super::stage::{Play, listed, settings};
use crate::model::server::Availability;
use crate::time::Duration;

#[test]
fn an_unanswered_launch_is_asked_for_again_under_the_same_name() {
    let mut play = Play::new(settings(10));
    play.refuses = Some(ProviderFailure::Timeout);
    play.aim(1, 0);
    play.wait(60);
    assert!(play.started.len() > 3);
    assert!(play.started.iter().all(|id| *id == play.started[0]));
    play.refuses = None;
    play.wait(100);
    assert_eq!(play.census(), "1 serving");
}

#[test]
fn a_wish_that_was_given_up_may_have_come_true_and_is_stopped() {
    let mut play = Play::new(settings(10));
    play.refuses = Some(ProviderFailure::Broken("reset".into()));
    play.aim(1, 0);
    let id = play.started[0].clone();
    play.running.insert(id, ([127, 0, 0, 1], 1).into());
    play.aim(0, 0);
    assert_eq!((play.census().as_str(), play.running.len()), ("", 0));
}

#[test]
fn a_quota_is_shown_once_and_asked_about_ever_more_seldom() {
    let mut play = Play::new(settings(10));
    play.refuses = Some(ProviderFailure::Quota("8 of 8".into()));
    play.aim(3, 0);
    play.wait(600);
    let told = |event: &&FleetEvent| matches!(event, FleetEvent::LaunchFailed { .. });
    assert!(play.told.iter().filter(told).count() <= 3, "once for each");
    assert!((8..25).contains(&play.started.len()), "{} launches", play.started.len());
    let reasons = play.fleet.instances().filter(|one| matches!(one.reason, Reason::Failed(_)));
    assert!(reasons.count() > 0, "it is shown");
}

#[test]
fn what_passes_its_checks_is_there_whatever_the_list_says() {
    let mut play = Play::serving(3, settings(10));
    play.unlisted = play.running.keys().cloned().collect();
    play.wait(600);
    assert_eq!(play.census(), "3 serving");
    assert!(play.fleet.tally().inventory_disagreements > 10);
    let doubted = play.told.iter().filter(|event| matches!(event, FleetEvent::Doubted(_)));
    assert_eq!(doubted.count(), 3, "told once each");
}

#[test]
fn what_fails_its_checks_and_is_not_listed_is_gone_after_a_while() {
    let mut play = Play::serving(3, settings(10));
    let id = play.stages(Stage::Serving)[0].clone();
    play.running.remove(&id);
    play.health(&id, Availability::Unhealthy);
    play.wait(25);
    assert_eq!(play.started.len(), 3, "two lists are not enough");
    play.wait(25);
    assert_eq!(play.started.len(), 4);
    assert_eq!(play.census(), "1 warming, 2 serving");
    assert_eq!(play.fleet.tally().deaths, 1);
}

#[test]
fn a_provider_that_is_down_changes_nothing() {
    let mut play = Play::serving(3, settings(10));
    play.is_down = Some(ProviderFailure::Timeout);
    play.wait(600);
    play.is_down = None;
    play.wait(120);
    assert_eq!((play.census().as_str(), play.started.len()), ("3 serving", 3));
    let told = play.told.iter().filter(|event| {
        matches!(event, FleetEvent::InventoryFailed(_) | FleetEvent::InventoryBack)
    });
    assert_eq!(told.count(), 2, "when it begins and when it ends");
}

#[test]
fn a_list_that_takes_ten_minutes_holds_nothing_up() {
    let mut play = Play::serving(3, settings(10));
    let id = loop {
        // The list is out: nothing else asks for one.
        if play.fleet.poll_timeout().is_some_and(|at| at > play.now) {
            play.now = play.fleet.poll_timeout().expect("a list is due");
            play.fleet.handle_timeout(play.now);
        }
        if let Some(Output::List { within }) = play.fleet.poll_output() {
            assert_eq!(within, Duration::from_secs(30));
            break play.stages(Stage::Serving)[0].clone();
        }
    };
    play.hear(Input::Exited(id));
    play.hear(Input::Aim(Aim { instances: 5, warm: 0 }));
    assert_eq!(play.census(), "3 warming, 2 serving");
    play.wait(600);
    play.hear(Input::Inventory(Ok(Vec::new())));
    assert_eq!(play.census(), "5 serving");
}

#[test]
fn what_runs_and_is_unknown_is_adopted_once() {
    let mut play = Play::new(settings(10));
    let stranger = InstanceId::parse("shop-0000000000000abc").expect("a name");
    play.running.insert(stranger.clone(), ([127, 0, 0, 1], 77).into());
    play.aim(2, 0);
    play.wait(100);
    assert_eq!((play.census().as_str(), play.started.len()), ("2 serving", 1));
    assert!(play.told.contains(&FleetEvent::Adopted(stranger)));
}

#[test]
fn a_list_may_name_things_twice_and_give_one_address_to_two() {
    let mut play = Play::serving(1, settings(10));
    let id = play.stages(Stage::Serving)[0].clone();
    let address = play.running[&id];
    let other = InstanceId::parse("shop-0000000000000abc").expect("a name");
    let entries = [listed(&id, address), listed(&id, address), listed(&other, address)];
    play.now = play.fleet.poll_timeout().expect("a list is due");
    play.fleet.handle_timeout(play.now);
    while play.fleet.poll_output().is_some() {}
    play.hear(Input::Inventory(Ok(entries.into())));
    assert_eq!(play.census(), "1 serving");
    assert_eq!(play.fleet.tally().inventory_disagreements, 1);
}

#[test]
fn what_still_runs_after_its_stop_is_stopped_again() {
    let mut play = Play::serving(2, settings(10));
    let id = play.stages(Stage::Serving)[0].clone();
    let address = play.running[&id];
    play.hear(Input::Load {
        id: play.stages(Stage::Serving)[1].clone(),
        in_flight: 9,
        sessions: 0,
    });
    play.aim(1, 0);
    play.idle(&id);
    play.running.insert(id, address);
    play.wait(20);
    assert_eq!((play.running.len(), play.census().as_str()), (2, "1 serving"), "a late list");
    play.wait(60);
    assert_eq!((play.running.len(), play.census().as_str()), (1, "1 serving"));
}

#[test]
fn who_is_taken_away_by_its_provider_is_replaced_first() {
    let mut play = Play::serving(2, settings(10));
    let id = play.stages(Stage::Serving)[0].clone();
    let entry = Listed { condition: Condition::Stopping, ..listed(&id, play.running[&id]) };
    play.now = play.fleet.poll_timeout().expect("a list is due");
    play.fleet.handle_timeout(play.now);
    while play.fleet.poll_output().is_some() {}
    play.hear(Input::Inventory(Ok(vec![entry])));
    assert_eq!(play.census(), "1 warming, 1 serving, 1 draining");
}

#[test]
fn another_template_is_counted_and_shown() {
    let mut settings = settings(10);
    let mut play = Play::serving(2, settings.clone());
    settings.template += 1;
    play.fleet.update(settings, play.now);
    play.wait(100);
    assert_eq!((play.census().as_str(), play.started.len()), ("2 serving", 2));
    assert!(play.fleet.instances().all(|one| one.outdated));
}
