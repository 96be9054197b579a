//! What a drain does with sessions.

use std::num::NonZeroU32;

use super::super::event::FleetEvent;
use super::super::id::InstanceId;
use super::super::input::Input;
use super::super::instance::Stage;
use super::super::settings::Settings;
use super::stage::{Play, settings};
use crate::model::session::OnScaleIn;
use crate::time::Duration;

const WAIT: Duration = Duration::from_secs(1800);

fn waiting() -> Settings {
    Settings { on_scale_in: OnScaleIn::Wait(WAIT), ..settings(10) }
}

/// Three that serve, with so many sessions each.
fn serving(settings: Settings, sessions: [u32; 3]) -> (Play, Vec<InstanceId>) {
    let mut play = Play::serving(3, settings);
    let ids = play.stages(Stage::Serving);
    for (id, sessions) in ids.iter().zip(sessions) {
        load(&mut play, id, 0, sessions);
    }
    play.told.clear();
    (play, ids)
}

fn load(play: &mut Play, id: &InstanceId, in_flight: u32, sessions: u32) {
    play.hear(Input::Load { id: id.clone(), in_flight, sessions });
}

fn some(sessions: u32) -> NonZeroU32 {
    NonZeroU32::new(sessions).expect("some")
}

/// What was told of sessions.
fn told(play: &Play) -> Vec<&FleetEvent> {
    let of_lives =
        |event: &&FleetEvent| !matches!(event, FleetEvent::Became { .. } | FleetEvent::Gone { .. });
    play.told.iter().filter(of_lives).collect()
}

#[test]
fn those_with_the_fewest_sessions_leave_first_however_busy_they_are() {
    let (mut play, ids) = serving(settings(10), [30, 10, 20]);
    load(&mut play, &ids[1], 99, 10);
    play.aim(2, 0);
    assert_eq!(play.stages(Stage::Draining), [ids[1].clone()]);
    play.aim(1, 0);
    assert_eq!(play.stages(Stage::Serving), [ids[0].clone()], "30 are more than 20");
}

#[test]
fn sessions_that_move_are_not_waited_for() {
    let (mut play, ids) = serving(settings(10), [30, 10, 20]);
    play.aim(2, 0);
    let id = ids[1].clone();
    assert_eq!(told(&play), [&FleetEvent::SessionsMove { id, sessions: some(10) }]);
    load(&mut play, &ids[1], 1, 10);
    assert_eq!(play.census(), "2 serving, 1 draining", "its request goes on");
    load(&mut play, &ids[1], 0, 9);
    assert_eq!(play.census(), "2 serving");
    assert_eq!(told(&play).len(), 1);
}

#[test]
fn a_drain_waits_for_the_last_session() {
    let (mut play, ids) = serving(waiting(), [30, 10, 20]);
    play.aim(2, 0);
    let left = FleetEvent::SessionsLeft { id: ids[1].clone(), sessions: some(10), lasts: WAIT };
    assert_eq!(told(&play), [&left]);
    for sessions in (1..10).rev() {
        play.wait(60);
        load(&mut play, &ids[1], 0, sessions);
        assert_eq!(play.census(), "2 serving, 1 draining", "{sessions} are left");
    }
    load(&mut play, &ids[1], 1, 0);
    assert_eq!(play.census(), "2 serving, 1 draining", "a request is left");
    load(&mut play, &ids[1], 0, 0);
    assert_eq!(play.census(), "2 serving");
    assert_eq!(told(&play), [&left], "none was cut");
}

#[test]
fn the_end_of_its_time_cuts_sessions_and_tells_how_many() {
    let (mut play, ids) = serving(waiting(), [30, 10, 20]);
    play.aim(2, 0);
    let due = play.fleet.instances().find(|one| one.id == &ids[1]).and_then(|one| one.due);
    assert_eq!(due, Some(play.now + WAIT));
    play.wait(WAIT.as_secs() - 1);
    load(&mut play, &ids[1], 2, 4);
    assert_eq!(play.census(), "2 serving, 1 draining");
    play.told.clear();
    play.wait(1);
    assert_eq!(play.census(), "2 serving");
    let id = ids[1].clone();
    assert_eq!(told(&play), [&FleetEvent::SessionsCut { id, sessions: some(4) }]);
}

#[test]
fn one_that_is_wanted_again_keeps_its_sessions() {
    let (mut play, ids) = serving(waiting(), [30, 10, 20]);
    play.aim(2, 0);
    play.wait(600);
    play.aim(3, 0);
    assert_eq!(play.stages(Stage::Serving), ids);
    play.wait(WAIT.as_secs());
    assert_eq!(play.census(), "3 serving", "the deadline was that of the drain");
}

#[test]
fn a_restart_grants_the_whole_time_again_since_nobody_knows_how_long_it_drained() {
    let (mut play, ids) = serving(waiting(), [30, 10, 20]);
    play.aim(2, 0);
    play.wait(60);
    let record = play.record.clone();
    let now = play.now;
    play.fleet = super::super::machine::Fleet::new(waiting(), record, 9, now);
    play.aim(2, 0);
    load(&mut play, &ids[1], 0, 3);
    play.wait(WAIT.as_secs() - 1);
    assert_eq!(play.stages(Stage::Draining), [ids[1].clone()]);
    play.wait(1);
    assert_eq!(play.stages(Stage::Draining), []);
}

#[test]
fn work_has_its_time_even_where_sessions_have_less() {
    let short = OnScaleIn::Wait(Duration::from_secs(10));
    assert_eq!(
        Settings { on_scale_in: short, ..settings(10) }.drains_for(),
        Duration::from_secs(300)
    );
    assert_eq!(settings(10).drains_for(), Duration::from_secs(300));
    assert_eq!(waiting().drains_for(), WAIT);
}
