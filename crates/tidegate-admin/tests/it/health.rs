//! What other machines are told.

use crate::support::client::Client;
use crate::support::stage::{Balancer, CONFIG};

#[tokio::test]
async fn readiness_begins_with_the_start_and_ends_with_the_stop() {
    let mut balancer = Balancer::new(CONFIG);
    let server = balancer.api().await;
    let client = Client::of(&server);
    let ask = |path: &'static str| {
        let client = client.clone();
        async move {
            let reply = client.ask("GET", path, &[], "").await;
            (reply.status, reply.body)
        }
    };
    assert_eq!(ask("/readyz").await, (503, "starting\n".to_owned()));
    assert_eq!(ask("/healthz").await, (200, "ok\n".to_owned()));
    balancer.run().await;
    assert_eq!(ask("/readyz").await, (200, "ready\n".to_owned()));
    balancer.control.begin_stop();
    assert_eq!(ask("/readyz").await, (503, "stopping\n".to_owned()));
    assert_eq!(ask("/healthz").await, (200, "ok\n".to_owned()));
}

#[tokio::test]
async fn the_metrics_listener_serves_anyone_and_nothing_else() {
    let mut balancer = Balancer::new(CONFIG);
    balancer.run().await;
    let address = "127.0.0.1:0".parse().expect("an address");
    let server = balancer.try_api(|options| options.metrics = Some(address)).await;
    let server = server.expect("it starts");
    let client = Client::Tcp(server.metrics_address().expect("it listens"));
    let anywhere = [("Host", "tidegate.example.com:9901")];
    for (path, expected) in [
        ("/metrics", 200),
        ("/healthz", 200),
        ("/readyz", 200),
        ("/api/v1/status", 404),
        ("/api/v1/config/reload", 404),
        ("/", 404),
    ] {
        assert_eq!(client.ask("GET", path, &anywhere, "").await.status, expected, "{path}");
    }
    assert_eq!(client.ask("POST", "/metrics", &anywhere, "").await.status, 405);
}
