//! The start: what must be known before a listener opens, and what it may take.

use std::sync::Arc;

use tidegate_control::control::{Control, Options, Readiness};
use tidegate_control::reconcile::StartError;
use tidegate_core::model::ids::PoolName;
use tidegate_core::model::server::Availability;
use tidegate_core::signal::{FailureReason, Signal};
use tidegate_core::telemetry::registry::Registry;
use tidegate_net::task;
use tokio::sync::mpsc;

use crate::support::balancer::{Balancer, config, text, until};
use crate::support::plane::{Notes, Plane};
use crate::support::server::{Manner, Server, nobody};

#[tokio::test]
async fn every_server_is_probed_once_before_the_first_commit() {
    let well = Server::start(Manner::status(200)).await;
    let ill = Server::start(Manner::status(500)).await;
    let servers = [well.address, ill.address, nobody().await];
    let lines = "health = { path = \"/\", interval = \"1h\", interval_changing = \"1h\" }";
    let balancer = Balancer::start(text(config(&servers, lines))).await;
    let expected = [Availability::Healthy, Availability::Unhealthy, Availability::Unhealthy];
    assert_eq!(balancer.notes.last_commit(), expected);
    assert_eq!((well.connections(), ill.connections()), (1, 1));
    assert!(balancer.control.is_ready());
    assert_eq!(balancer.servers()[0].slow_start, 1.0, "nobody begins slowly at the start");
    let started = balancer.control.events(0).events.pop().expect("an event");
    assert_eq!(started.message, "serving; 1 of 3 servers are available");
}

#[tokio::test]
async fn a_server_that_hangs_holds_the_start_no_longer_than_a_check() {
    let hanging = Server::start(Manner::Hang).await;
    let lines = "health = { path = \"/\", timeout = \"200ms\", fail_after = \"200ms\" }";
    let origin = text(config(&[hanging.address], lines));
    let accepted = origin.load().expect("good");
    let (_, signals) = mpsc::channel(1);
    let registry = Arc::new(Registry::default());
    let (control, reconciler) = Control::new(Options { origin, accepted, registry, signals });
    let notes = Arc::new(Notes::default());
    let starting = task::spawn("start", reconciler.start(Plane::new(Arc::clone(&notes))));
    until("the server is asked", || hanging.connections() == 1).await;
    assert_eq!(control.readiness(), Readiness::Starting);
    assert_eq!(notes.generations(), [0; 0]);
    let running = starting.await.expect("no panic").expect("it starts");
    assert_eq!(notes.last_commit(), [Availability::Unhealthy]);
    assert_eq!(control.readiness(), Readiness::Ready);
    control.stop().await;
    drop(running.await.expect("it yields the data plane"));
}

#[tokio::test]
async fn without_first_probes_the_start_waits_for_nobody() {
    let hanging = Server::start(Manner::Hang).await;
    for (initial, expected) in
        [("healthy", Availability::Healthy), ("unhealthy", Availability::Unhealthy)]
    {
        let lines = format!("health = {{ path = \"/\", initial = \"{initial}\" }}");
        let balancer = Balancer::start(text(config(&[hanging.address], &lines))).await;
        assert_eq!(balancer.notes.last_commit(), [expected]);
    }
}

#[tokio::test]
async fn an_address_that_is_taken_is_a_start_error() {
    let notes = Arc::new(Notes::default());
    notes.refuse(Some("address 127.0.0.1:80 is in use"));
    let server = Server::start(Manner::status(200)).await;
    let origin = text(config(&[server.address], "health = { path = \"/\" }"));
    let error = Balancer::try_start(origin, Arc::clone(&notes)).await.err().expect("taken");
    assert!(matches!(&error, StartError::Listen(why) if why.contains("127.0.0.1:80")), "{error}");
    assert_eq!((notes.generations(), server.connections()), (vec![], 0));
}

#[tokio::test]
async fn a_stop_ends_the_start() {
    let hanging = Server::start(Manner::Hang).await;
    let lines = "health = { path = \"/\", timeout = \"1h\", fail_after = \"1h\" }";
    let origin = text(config(&[hanging.address], lines));
    let accepted = origin.load().expect("good");
    let (_, signals) = mpsc::channel(1);
    let registry = Arc::new(Registry::default());
    let (control, reconciler) = Control::new(Options { origin, accepted, registry, signals });
    let starting = task::spawn("start", reconciler.start(Plane::new(Arc::default())));
    until("the server is asked", || hanging.connections() == 1).await;
    control.stop().await;
    let error = starting.await.expect("no panic").err().expect("it did not start");
    assert!(matches!(error, StartError::Stopped), "{error}");
}

#[tokio::test]
async fn readiness_ends_when_a_stop_begins() {
    let server = Server::start(Manner::status(200)).await;
    let balancer = Balancer::start(text(config(&[server.address], ""))).await;
    balancer.control.begin_stop();
    balancer.control.begin_stop();
    assert_eq!(balancer.control.readiness(), Readiness::Stopping);
    assert!(!balancer.running.is_finished(), "it goes on serving");
    balancer.control.stop().await;
    let plane = balancer.running.await.expect("it yields the data plane");
    assert_eq!(plane.notes.generations(), [1]);
    assert_eq!(balancer.control.events(1).events.len(), 1, "stopping is told once");
}

#[tokio::test]
async fn a_signal_ejects_and_time_brings_back() {
    let servers = [nobody().await, nobody().await];
    let lines = "passive = { eject_for = \"100ms\" }";
    let balancer = Balancer::start(text(config(&servers, lines))).await;
    let snapshot = balancer.control.snapshot();
    let (pool, reason) = (PoolName::new("shop"), FailureReason::Reset);
    let state = &snapshot.pools[0].members[1].state;
    (0..5).for_each(|_| {
        state.fail();
    });
    let server = state.id();
    let signal = Signal::FailedRun { pool, server, run: 5, reason };
    balancer.signals.send(signal).await.expect("the loop runs");
    until("it is ejected", || balancer.kinds().contains(&"server-ejected")).await;
    until("it is back", || balancer.availability() == ["healthy", "healthy"]).await;
    assert_eq!(balancer.kinds(), ["started", "server-ejected", "server-returned"]);
    assert_eq!(balancer.servers()[1].ejections, 1);
}
