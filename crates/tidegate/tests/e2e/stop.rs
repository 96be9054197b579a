//! Stops: what is under way is finished, what is asked too late is not begun.

use std::net::TcpStream;

use rustix::process::Signal;

use crate::world::balancer::Balancer;
use crate::world::client::{get, receive, send};
use crate::world::config::config;
use crate::world::directory::Directory;
use crate::world::origin::Origin;
use crate::world::wait::until;

#[test]
fn work_in_flight_is_finished_and_no_more_is_taken_in() {
    for signal in [Signal::TERM, Signal::INT] {
        let (world, origin) = (Directory::new(), Origin::start("one"));
        let file = world.write("tidegate.toml", &config(&world, &[origin.address], ""));
        let mut balancer = Balancer::run(world.path(), &file);
        let mut pending = send(balancer.listeners[0], "/held").expect("it is accepted");
        let held = origin.held();
        balancer.signal(signal);
        until("the listener is closed", || TcpStream::connect(balancer.listeners[0]).err());
        drop(held);
        let response = receive(&mut pending).expect("it is answered");
        assert_eq!((response.status, response.body.as_str()), (200, "one"));
        assert_eq!(balancer.end().code(), Some(0), "{signal:?}");
    }
}

#[test]
fn readiness_fails_first_while_clients_are_still_served() {
    let (world, origin) = (Directory::new(), Origin::start("one"));
    let text = config(&world, &[origin.address], "");
    let text = text.replace("[runtime]", "[runtime]\nshutdown_delay = \"1h\"");
    let mut balancer = Balancer::run(world.path(), &world.write("tidegate.toml", &text));
    assert_eq!(get(balancer.admin(), "/readyz").expect("it answers").status, 200);
    balancer.signal(Signal::TERM);
    until("readiness fails", || {
        get(balancer.admin(), "/readyz").ok().filter(|response| response.status == 503)
    });
    assert_eq!(get(balancer.admin(), "/healthz").expect("it answers").status, 200);
    assert_eq!(balancer.get("/").body, "one");

    balancer.signal(Signal::TERM);
    assert_eq!(balancer.end().code(), Some(1), "the second signal ends it at once");
}

#[test]
fn what_outlasts_the_grace_is_cut() {
    let (world, origin) = (Directory::new(), Origin::start("one"));
    let text = config(&world, &[origin.address], "");
    let text = text.replace("[runtime]", "[runtime]\nshutdown_grace = \"50ms\"");
    let mut balancer = Balancer::run(world.path(), &world.write("tidegate.toml", &text));
    let mut pending = send(balancer.listeners[0], "/held").expect("it is accepted");
    let _held = origin.held();
    balancer.signal(Signal::TERM);
    assert_eq!(balancer.end().code(), Some(0));
    assert!(receive(&mut pending).is_err(), "there was no response");
}

#[test]
fn the_last_lines_of_the_access_log_are_written() {
    let (world, origin) = (Directory::new(), Origin::start("one"));
    let log = format!("[log]\naccess = \"{}\"\n", world.path().join("access.log").display());
    let file = world.write("tidegate.toml", &config(&world, &[origin.address], &log));
    let mut balancer = Balancer::run(world.path(), &file);
    for _ in 0..10 {
        balancer.get("/");
    }
    balancer.signal(Signal::TERM);
    assert_eq!(balancer.end().code(), Some(0));
    assert_eq!(world.read("access.log").lines().count(), 10);
}
