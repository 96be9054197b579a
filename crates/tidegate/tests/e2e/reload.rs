//! Reloads: by signal and by command, good ones and bad ones.

use std::io::{Read, Write};
use std::net::TcpStream;

use rustix::process::Signal;

use crate::world::balancer::Balancer;
use crate::world::client::{get, receive, send};
use crate::world::config::config;
use crate::world::directory::Directory;
use crate::world::origin::Origin;
use crate::world::program::{ended, tidegate};
use crate::world::wait::until;

#[test]
fn sighup_applies_a_new_file() {
    let (world, one, two) = (Directory::new(), Origin::start("one"), Origin::start("two"));
    let file = world.write("tidegate.toml", &config(&world, &[one.address], ""));
    let balancer = Balancer::run(world.path(), &file);
    assert_eq!(balancer.get("/").body, "one");
    world.write("tidegate.toml", &config(&world, &[two.address], ""));
    balancer.signal(Signal::HUP);
    until("the other server answers", || (balancer.get("/").body == "two").then_some(()));
}

#[test]
fn the_command_says_what_changed() {
    let (world, one, two) = (Directory::new(), Origin::start("one"), Origin::start("two"));
    let file = world.write("tidegate.toml", &config(&world, &[one.address], ""));
    let balancer = Balancer::run(world.path(), &file);
    let more = "[listener.more]\naddress = \"127.0.0.2:0\"\n";
    world.write("tidegate.toml", &config(&world, &[two.address], more));
    let reload = balancer.asked(world.path(), &["reload"]);
    assert_eq!(reload.code, 0, "{reload:?}");
    assert!(reload.stdout.starts_with("applied; revision 2 serves\n"), "{reload:?}");
    for line in [
        "  listener more added".to_owned(),
        format!("  server app/{} removed", one.address),
        format!("  server app/{} added", two.address),
    ] {
        assert!(reload.stdout.contains(&line), "{line}: {}", reload.stdout);
    }
    let listeners = get(balancer.admin(), "/api/v1/listeners").expect("it answers").body;
    let listeners: serde_json::Value = serde_json::from_str(&listeners).expect("it is JSON");
    let more = listeners[0]["open"][0].as_str().and_then(|open| open.parse().ok());
    for address in [balancer.listeners[0], more.expect("the new listener is open")] {
        let body = get(address, "/").expect("it serves when the command returns").body;
        assert_eq!(body, "two", "{address}");
    }
}

#[test]
fn a_bad_file_is_refused_and_changes_nothing() {
    let (world, one) = (Directory::new(), Origin::start("one"));
    let file = world.write("tidegate.toml", &config(&world, &[one.address], ""));
    let balancer = Balancer::run(world.path(), &file);
    world.write("tidegate.toml", "[listener.web]\nadress = 1\n[route.all]\npool = \"none\"\n");
    let reload = balancer.asked(world.path(), &["reload"]);
    assert_eq!((reload.code, reload.stdout.as_str()), (1, ""), "{reload:?}");
    assert!(reload.stderr.contains("tidegate.toml:2:1: "), "{}", reload.stderr);
    assert!(reload.stderr.contains("did you mean `address`?"), "{}", reload.stderr);
    assert_eq!(balancer.get("/").body, "one");

    balancer.signal(Signal::HUP);
    balancer.line_with("tidegate.toml:2:1: ");
    assert_eq!(balancer.get("/").body, "one");
    let metrics = get(balancer.admin(), "/metrics").expect("it answers").body;
    assert!(metrics.contains("tidegate_config_last_apply_success 0"), "{metrics}");
}

#[test]
fn an_address_that_is_taken_refuses_the_reload() {
    let (world, one) = (Directory::new(), Origin::start("one"));
    let file = world.write("tidegate.toml", &config(&world, &[one.address], ""));
    let balancer = Balancer::run(world.path(), &file);
    let more = format!("[listener.more]\naddress = \"{}\"\n", one.address);
    world.write("tidegate.toml", &config(&world, &[one.address], &more));
    let reload = balancer.asked(world.path(), &["reload"]);
    assert_eq!(reload.code, 1, "{reload:?}");
    let address = one.address.to_string();
    assert!(reload.stderr.contains(&address) && reload.stderr.contains("in use"), "{reload:?}");
    assert_eq!(balancer.get("/").body, "one");
}

#[test]
fn a_log_that_cannot_be_opened_refuses_the_reload() {
    let (world, one) = (Directory::new(), Origin::start("one"));
    let file = world.write("tidegate.toml", &config(&world, &[one.address], ""));
    let balancer = Balancer::run(world.path(), &file);
    let log = "[log]\naccess = \"/proc/none/access.log\"\n";
    world.write("tidegate.toml", &config(&world, &[one.address], log));
    let reload = balancer.asked(world.path(), &["reload"]);
    assert_eq!(reload.code, 1, "{reload:?}");
    assert!(reload.stderr.contains("/proc/none/access.log"), "{}", reload.stderr);
}

#[test]
fn the_access_log_follows_a_reload() {
    let (world, one) = (Directory::new(), Origin::start("one"));
    let file = world.write("tidegate.toml", &config(&world, &[one.address], ""));
    let balancer = Balancer::run(world.path(), &file);
    balancer.get("/before");
    let log = |name: &str, format: &str| {
        let path = world.path().join(name);
        let log = format!("[log]\naccess = \"{}\"\nformat = \"{format}\"\n", path.display());
        world.write("tidegate.toml", &config(&world, &[one.address], &log));
        assert_eq!(balancer.asked(world.path(), &["reload"]).code, 0);
    };
    log("one.log", "combined");
    balancer.get("/first");
    until("the first line", || world.read("one.log").contains("GET /first HTTP/1.1").then_some(()));
    log("two.log", "json");
    balancer.get("/second");
    until("the second line", || world.read("two.log").contains("\"/second\"").then_some(()));
    assert!(
        !world.read("one.log").contains("/before") && !world.read("one.log").contains("/second")
    );
}

#[test]
fn no_balancer_and_no_token_end_with_2() {
    let (world, one) = (Directory::new(), Origin::start("one"));
    let nobody = ended(world.path(), &["reload", "--admin", "http://127.0.0.1:1"]);
    assert_eq!(nobody.code, 2, "{nobody:?}");
    assert!(nobody.stderr.contains("http://127.0.0.1:1"), "{}", nobody.stderr);

    let file = world.write("tidegate.toml", &config(&world, &[one.address], ""));
    let balancer = Balancer::run(world.path(), &file);
    let mut command = tidegate(world.path());
    command.args(["reload", "--admin", balancer.admin_url()]).env("TIDEGATE_TOKEN", "a guess");
    let output = command.output().expect("the program starts");
    assert_eq!(output.status.code(), Some(2), "{output:?}");
}

#[test]
fn a_configured_token_is_taken_from_the_environment() {
    let (world, one) = (Directory::new(), Origin::start("one"));
    world.write("token", "a secret\n");
    let tokens = "tokens = [{ name = \"alice\", token = \"file:token\", role = \"admin\" }]";
    let text = config(&world, &[one.address], "");
    let text = text.replace("# admin_address", &format!("\n{tokens}"));
    let balancer = Balancer::run(world.path(), &world.write("tidegate.toml", &text));
    assert!(!world.path().join("state/admin.token").exists(), "none is made up");
    let mut command = tidegate(world.path());
    command.args(["reload", "--admin", balancer.admin_url()]).env("TIDEGATE_TOKEN", "a secret");
    let output = command.output().expect("the program starts");
    assert_eq!(output.status.code(), Some(0), "{output:?}");
}

#[test]
fn requests_and_connections_live_through_a_reload() {
    let (world, one) = (Directory::new(), Origin::start("one"));
    let file = world.write("tidegate.toml", &config(&world, &[one.address], ""));
    let balancer = Balancer::run(world.path(), &file);
    let mut pending = send(balancer.listeners[0], "/held").expect("it is accepted");
    let held = one.held();
    let mut idle = TcpStream::connect(balancer.listeners[0]).expect("it accepts");
    let mut ask = || {
        idle.write_all(b"GET / HTTP/1.1\r\nHost: shop.test\r\n\r\n").expect("it reads");
        let mut buffer = [0; 4096];
        let length = idle.read(&mut buffer).expect("it answers");
        String::from_utf8_lossy(&buffer[..length]).contains(" 200 ")
    };
    assert!(ask());
    for _ in 0..10 {
        assert_eq!(balancer.asked(world.path(), &["reload"]).code, 0);
        assert!(ask(), "on the same connection");
    }
    drop(held);
    assert_eq!(receive(&mut pending).expect("it is answered").body, "one");
}
