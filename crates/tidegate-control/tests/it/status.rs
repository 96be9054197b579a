//! What is told of a running balancer.

use std::time::Duration;

use tidegate_core::model::ids::{ListenerName, PoolName, RouteName, ServerName};
use tidegate_core::telemetry::pool::Outcome;
use tidegate_core::telemetry::route::Finished;

use crate::support::balancer::{Balancer, config, text};
use crate::support::server::nobody;

#[tokio::test]
async fn counts_come_from_the_cells_of_all_writers() {
    let server = nobody().await;
    let balancer = Balancer::start(text(config(&[server], ""))).await;
    for _ in 0..2 {
        let cells = balancer.registry.worker();
        let listener = cells.listener(&ListenerName::new("web"));
        listener.accepted.add(3);
        listener.active.add(1);
        cells.route(&RouteName::new("all")).record(&Finished {
            status: Some(200),
            grpc: None,
            duration: Duration::from_millis(3),
            bytes_in: 10,
            bytes_out: 100,
        });
        cells.pool(&PoolName::new("shop")).record(Outcome::Failed);
    }
    let status = balancer.control.status();
    assert_eq!((status.state, status.config.revision), ("ready", 1));
    let totals = &status.totals;
    assert_eq!((totals.accepted, totals.connections, totals.requests, totals.failed), (6, 2, 2, 2));
    assert_eq!((status.servers.total, status.servers.down), (1, 0));
    let listener = balancer.control.listeners().remove(0);
    assert_eq!((listener.name.as_str(), listener.connections), ("web", 2));
    assert_eq!(listener.open, ["127.0.0.1:0"], "as the data plane says");
    let route = balancer.control.routes().remove(0);
    assert_eq!((route.pool.as_deref(), route.codes["200"]), (Some("shop"), 2));
    let pool = balancer.control.pools().remove(0);
    assert_eq!((pool.balance, pool.state, pool.requests["failed"]), ("p2c", "up", 2));
    assert_eq!(balancer.control.servers(&PoolName::new("none")), None);
}

#[tokio::test]
async fn a_check_that_cuts_into_ordinary_latency_is_warned_of() {
    let server = nobody().await;
    let lines = "health = { path = \"/\", initial = \"healthy\", fail_after = \"2s\" }";
    let balancer = Balancer::start(text(config(&[server], lines))).await;
    let cells = balancer.registry.worker();
    let cells = cells.server(&PoolName::new("shop"), &ServerName::new(&server.to_string()));
    let slow = |count: usize| {
        (0..count).for_each(|_| cells.duration.observe(Duration::from_millis(1500)));
    };
    slow(99);
    assert_eq!(balancer.control.status().warnings, [""; 0], "too little is known");
    slow(1);
    let warnings = balancer.control.status().warnings;
    assert!(warnings[0].starts_with("pool shop: fail_after is 2s, under twice"), "{warnings:?}");
    assert_eq!(balancer.control.pools()[0].warnings, warnings);
}
