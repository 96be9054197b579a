//! Where the API listens, and how many it listens to.

use std::os::unix::fs::PermissionsExt;

use tidegate_admin::server::{Address, StartError};
use tidegate_core::model::node::AdminAddress;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::client::Client;
use crate::support::stage::{Balancer, CONFIG, Stage, until};

fn mode(path: &std::path::Path) -> u32 {
    std::fs::metadata(path).expect("it is there").permissions().mode() & 0o777
}

#[tokio::test]
async fn a_unix_socket_is_its_owners_and_goes_with_the_server() {
    let balancer = Balancer::new(CONFIG);
    let path = balancer.directory.path("admin.sock");
    let unix = || AdminAddress::Unix(path.clone());
    let server = balancer.try_api(|options| options.admin.address = unix()).await.expect("free");
    assert_eq!(server.address(), Some(&Address::Unix(path.clone())));
    assert_eq!(mode(&path), 0o600);
    let client = Client::Unix(path.clone());
    assert_eq!(client.ask("GET", "/api/v1/status", &[], "").await.status, 200);
    let change = client.ask("POST", "/api/v1/config/reload", &[], "").await;
    assert_eq!(change.status, 401, "also here a change needs a token");

    let taken = balancer.try_api(|options| options.admin.address = unix()).await;
    let taken = taken.expect_err("somebody answers there");
    assert!(matches!(&taken, StartError::Listen { .. }), "{taken}");
    server.stop().await;
    assert!(!path.exists());
}

#[tokio::test]
async fn a_socket_file_that_is_left_over_is_replaced_and_no_other() {
    let balancer = Balancer::new(CONFIG);
    let path = balancer.directory.path("admin.sock");
    let unix = || AdminAddress::Unix(path.clone());
    drop(std::os::unix::net::UnixListener::bind(&path).expect("free"));
    assert!(path.exists(), "closing leaves the file");
    let server = balancer.try_api(|options| options.admin.address = unix()).await;
    server.expect("nobody answers there").stop().await;

    balancer.directory.write("admin.sock", "precious");
    let error = balancer.try_api(|options| options.admin.address = unix()).await.err();
    assert!(matches!(error, Some(StartError::Listen { .. })), "{error:?}");
    assert_eq!(std::fs::read_to_string(&path).expect("it is there"), "precious");
}

#[tokio::test]
async fn the_api_is_not_for_the_network() {
    let balancer = Balancer::new(CONFIG);
    let any = "0.0.0.0:0".parse().expect("an address");
    let error = balancer.try_api(|options| options.admin.address = AdminAddress::Tcp(any)).await;
    assert!(matches!(error, Err(StartError::NotLoopback(_))), "{error:?}");
}

#[tokio::test]
async fn an_address_that_is_taken_is_named() {
    let balancer = Balancer::new(CONFIG);
    let first = balancer.api().await;
    let Some(Address::Tcp(address)) = first.address() else { panic!("it listens on TCP") };
    let second = balancer
        .try_api(|options| options.admin.address = AdminAddress::Tcp(*address))
        .await
        .expect_err("taken");
    assert!(second.to_string().contains(&address.to_string()), "{second}");
}

#[tokio::test]
async fn off_is_off() {
    let balancer = Balancer::new(CONFIG);
    let server = balancer.try_api(|options| options.admin.address = AdminAddress::Off).await;
    let server = server.expect("it starts");
    assert_eq!(server.address(), None);
    assert!(server.token().is_none() && !balancer.directory.path("state").exists());
}

#[tokio::test]
async fn when_all_places_are_taken_the_next_waits() {
    let stage = Stage::new(CONFIG).await;
    let Client::Tcp(address) = stage.client else { panic!("it listens on TCP") };
    let mut idle = Vec::new();
    for _ in 0..128 {
        let mut stream = TcpStream::connect(address).await.expect("it listens");
        let request = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
        stream.write_all(request.as_bytes()).await.expect("it reads");
        stream.read_u8().await.expect("it answers");
        idle.push(stream);
    }
    let client = stage.client.clone();
    let late = async move { client.ask("GET", "/healthz", &[], "").await.status };
    let late = tidegate_net::task::spawn("late", late);
    // Whoever has a place is answered; whoever has none would have been by then.
    let request = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let mut answer = [0; 4096];
    for _ in 0..20 {
        idle[0].write_all(request.as_bytes()).await.expect("it reads");
        assert!(idle[0].read(&mut answer).await.expect("it answers") > 0);
    }
    assert!(!late.is_finished(), "there is no place");
    idle.pop();
    until("there is a place", || late.is_finished()).await;
    assert_eq!(late.await.expect("no panic"), 200);
}

#[tokio::test]
async fn a_stop_closes_idle_connections() {
    let stage = Stage::new(CONFIG).await;
    let Client::Tcp(address) = stage.client else { panic!("it listens on TCP") };
    let mut idle = TcpStream::connect(address).await.expect("it listens");
    let request = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
    idle.write_all(request.as_bytes()).await.expect("it reads");
    idle.read_u8().await.expect("it answers");
    stage.server.stop().await;
    let mut rest = Vec::new();
    idle.read_to_end(&mut rest).await.expect("it closes");
    assert!(TcpStream::connect(address).await.is_err(), "nobody listens any more");
}
