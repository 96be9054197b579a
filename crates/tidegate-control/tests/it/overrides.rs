//! What people ask of single servers, and that it lasts.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use tidegate_control::observe::config_file::Origin;
use tidegate_control::overrides::order::{Change, Order, OrderError, Stand, WeightAsked};
use tidegate_core::model::ids::{PoolName, ServerIndex, ServerName};
use tidegate_core::model::ratio::Weight;
use tidegate_net::clock;

use crate::support::balancer::{Balancer, config, text, told, until};
use crate::support::directory::Directory;
use crate::support::server::nobody;

const SESSION: &str = "session = { mode = \"table\", key = \"cookie:id\" }";

/// A configuration that keeps its state in `world`.
fn keeping(world: &Directory, servers: &[SocketAddr], lines: &str) -> String {
    let state: &Path = &world.path("state");
    format!("[runtime]\nstate = \"{}\"\n{}", state.display(), config(servers, lines))
}

fn stand(stand: Stand) -> Change {
    Change { stand: Some(stand), ..Change::default() }
}

async fn ask(balancer: &Balancer, server: SocketAddr, change: Change) -> Result<(), OrderError> {
    let (pool, server) = (PoolName::new("shop"), ServerName::new(&server.to_string()));
    balancer.control.override_servers(Order::Server { pool, server, change }, "alice").await
}

/// The rotation and the weight of each server.
fn stands(balancer: &Balancer) -> Vec<(&'static str, u32)> {
    balancer.servers().iter().map(|server| (server.rotation, server.weight)).collect()
}

fn reasons(balancer: &Balancer) -> Vec<String> {
    let steered = |kind| kind == "server-steered";
    let events = balancer.control.events(0).events;
    let events = events.into_iter().filter(|event| steered(event.kind.as_str()));
    events.map(|event| format!("{}: {}", event.message, event.reason)).collect()
}

#[tokio::test]
async fn what_is_asked_of_a_server_outlives_reloads_and_restarts() {
    let (world, one, other) = (Directory::new(), nobody().await, nobody().await);
    let file = world.write("tidegate.toml", &keeping(&world, &[one, other], SESSION));
    let origin = || Origin::File(file.clone());
    let balancer = Balancer::start(origin()).await;
    let epoch = balancer.control.snapshot().pools[0].state.epoch();
    let heavy = WeightAsked::Of(Weight::new(7).expect("at most 1000"));
    ask(&balancer, one, stand(Stand::Drain)).await.expect("it is taken");
    ask(&balancer, other, Change { weight: Some(heavy), ..Change::default() }).await.expect("too");
    let asked = [("draining", 1), ("in", 7)];
    assert_eq!(stands(&balancer), asked);
    assert!(balancer.control.snapshot().pools[0].state.epoch() > epoch, "cores look again");
    let lighter = format!("{SESSION}\nslow_start = \"3s\"");
    world.write("tidegate.toml", &keeping(&world, &[one, other], &lighter));
    let changes = told(&balancer.control.reload("a test").await);
    assert_eq!(changes.len(), 1, "{changes:?}");
    assert_eq!(stands(&balancer), asked);
    balancer.control.stop().await;
    drop(balancer.running.await.expect("it ends"));
    let again = Balancer::start(origin()).await;
    assert_eq!(stands(&again), asked);
    let listed = again.control.overrides();
    assert_eq!(listed.iter().map(|one| one.by.as_str()).collect::<Vec<_>>(), ["alice", "alice"]);
    again.control.override_servers(Order::Clear, "bob").await.expect("it is taken");
    assert_eq!(stands(&again), [("in", 1), ("in", 1)]);
    assert_eq!(again.control.overrides(), []);
}

#[tokio::test]
async fn what_was_asked_of_a_server_that_is_gone_is_forgotten() {
    let (world, one, other) = (Directory::new(), nobody().await, nobody().await);
    let file = world.write("tidegate.toml", &keeping(&world, &[one, other], ""));
    let balancer = Balancer::start(Origin::File(file.clone())).await;
    ask(&balancer, one, stand(Stand::Maintenance)).await.expect("it is taken");
    assert_eq!(stands(&balancer)[0], ("leaving", 1));
    for servers in [&[other][..], &[one, other]] {
        world.write("tidegate.toml", &keeping(&world, servers, ""));
        balancer.control.reload("a test").await;
    }
    assert_eq!(stands(&balancer), [("in", 1), ("in", 1)]);
    assert_eq!(balancer.control.overrides(), []);
}

#[tokio::test]
async fn a_drain_tells_when_nothing_is_left_and_ends_in_time_if_it_has_one() {
    let (world, one) = (Directory::new(), nobody().await);
    let balancer = Balancer::start(text(keeping(&world, &[one], SESSION))).await;
    let snapshot = balancer.control.snapshot();
    let sessions = snapshot.pools[0].sessions.as_ref().expect("it has some");
    sessions.learn(b"anna", snapshot.pools[0].tags.of(ServerIndex::new(0)), clock::now());
    ask(&balancer, one, stand(Stand::Drain)).await.expect("it is taken");
    until("the session is counted", || balancer.servers()[0].sessions == Some(1)).await;
    let drains = balancer.control.status().drains;
    let told = drains.iter().map(|one| (one.pool.as_str(), one.sessions, one.until));
    assert_eq!(told.collect::<Vec<_>>(), [("shop", Some(1), None)]);
    sessions.forget(b"anna", clock::now());
    until("nothing is left", || reasons(&balancer).len() == 2).await;
    assert!(reasons(&balancer)[1].contains("has drained"), "{:?}", reasons(&balancer));
    sessions.learn(b"ben", snapshot.pools[0].tags.of(ServerIndex::new(0)), clock::now());
    ask(&balancer, one, stand(Stand::Ready)).await.expect("it is taken");
    let within = Some(Duration::from_millis(10));
    let drain = Change { within, ..stand(Stand::Drain) };
    ask(&balancer, one, drain).await.expect("it is taken");
    until("its time is over", || stands(&balancer) == [("leaving", 1)]).await;
    let last = reasons(&balancer).pop().expect("it is told");
    assert!(last.ends_with("its time is over, and 1 sessions are left"), "{last}");
}

#[tokio::test]
async fn an_order_without_sense_changes_nothing() {
    let (world, one) = (Directory::new(), nobody().await);
    let balancer = Balancer::start(text(keeping(&world, &[one], ""))).await;
    let elsewhere: SocketAddr = ([127, 0, 0, 1], 9).into();
    let ready = Change { within: Some(Duration::from_secs(1)), ..stand(Stand::Ready) };
    for (server, change, error) in [
        (elsewhere, stand(Stand::Drain), OrderError::NoServer),
        (one, Change::default(), OrderError::Senseless),
        (one, ready, OrderError::Senseless),
    ] {
        assert_eq!(ask(&balancer, server, change).await, Err(error));
    }
    assert_eq!(stands(&balancer), [("in", 1)]);
    assert!(!world.path("state").exists(), "nothing had to be kept");
}

#[tokio::test]
async fn one_balancer_at_a_time_keeps_what_is_asked_in_a_state_directory() {
    let (world, one) = (Directory::new(), nobody().await);
    let first = Balancer::start(text(keeping(&world, &[one], ""))).await;
    ask(&first, one, stand(Stand::Drain)).await.expect("it is taken");
    let second = Balancer::start(text(keeping(&world, &[one], ""))).await;
    assert_eq!(stands(&second), [("in", 1)], "it is not asked of this one");
    let refused = ask(&second, one, stand(Stand::Drain)).await;
    assert!(matches!(refused, Err(OrderError::Kept(_))), "{refused:?}");
    assert_eq!(stands(&second), [("in", 1)]);
}

#[tokio::test]
async fn a_pool_whose_last_server_drains_is_down() {
    let (world, one, other) = (Directory::new(), nobody().await, nobody().await);
    let balancer = Balancer::start(text(keeping(&world, &[one, other], ""))).await;
    let shop = PoolName::new("shop");
    let state = || balancer.control.pool(&shop).expect("it is there").state;
    let turns = || {
        let of_pool = |kind: &&str| matches!(*kind, "pool-down" | "pool-up" | "pool-panic");
        balancer.kinds().into_iter().filter(of_pool).collect::<Vec<_>>()
    };
    ask(&balancer, one, stand(Stand::Drain)).await.expect("it is taken");
    assert_eq!(state(), "up");
    ask(&balancer, other, stand(Stand::Drain)).await.expect("it is taken");
    until("it is told", || turns() == ["pool-down"]).await;
    assert_eq!(state(), "down");
    let events = balancer.control.events(0).events;
    let down = events.iter().find(|event| event.kind.as_str() == "pool-down");
    assert_eq!(down.map(|event| event.reason.as_str()), Some("it has no server in rotation"));
    ask(&balancer, one, stand(Stand::Ready)).await.expect("it is taken");
    until("it is told", || turns() == ["pool-down", "pool-up"]).await;
}
